"""What a person does in the Slack of the page: type, press, choose, fill in, submit, close, open the Home tab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playground.page_guide import Guide
from playground.slack.delivery import Delivery
from playground.slack.hands import Place, reach
from playground.slack.modals import View
from playground.slack.world import Channel, Message, User
from playground.stage import Stage

JSON = dict[str, Any]
Deed = Callable[[User, JSON], Awaitable[JSON | None]]


class SlackDeeds:
    """Each deed takes who does it and what the window tells; it returns what the window has to show at once."""

    def __init__(self, stage: Stage, guide: Guide) -> None:
        self._slack, self._app, self._guide = stage.slack, stage.app, guide
        self._deeds: dict[str, Deed] = {
            "command": self._command,
            "say": self._say,
            "press": self._press,
            "select": self._select,
            "suggest": self._suggest,
            "fill": self._fill,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._open_home,
            "dismiss": self._dismiss,
        }

    async def do(self, deed: str, me: User, asked: JSON) -> JSON | None:
        """Raises LookupError for what is not there, and for deeds there are none of."""
        if deed not in self._deeds:
            raise LookupError(f"nobody can {deed} in Slack")
        return await self._deeds[deed](me, asked)

    async def _command(self, me: User, asked: JSON) -> JSON:
        channel = self._channel(me, asked["channel"])
        dm = self._app if channel.is_im else None
        return told(await self._slack.command(me, None if dm else channel, str(asked["text"]).strip(), dm=dm))

    async def _say(self, me: User, asked: JSON) -> None:
        """A message of a person, to other people: apps hear only of links they asked for."""
        channel = self._channel(me, asked["channel"])
        await self._slack.post(me, channel, str(asked["text"]), thread_ts=asked.get("thread_ts"))

    async def _press(self, me: User, asked: JSON) -> JSON:
        place = await self._place_filled(me, asked)
        pressed, value, block_id = asked["action_id"], asked.get("value"), asked.get("block_id")
        if isinstance(place, View):
            return told(await self._slack.press_in_view(me, place, pressed, value, block_id))
        return told(await self._slack.press(me, place, pressed, value, block_id, link=asked.get("link")))

    async def _select(self, me: User, asked: JSON) -> JSON | None:
        place = await self._place_filled(me, asked)
        chosen, link = asked.get("chosen") or None, asked.get("link")
        delivery = await self._slack.select(me, place, asked["action_id"], chosen, asked.get("block_id"), link=link)
        return told(delivery) if delivery else None

    async def _suggest(self, me: User, asked: JSON) -> JSON:
        place = await self._place_filled(me, asked)
        return {"ok": True, "options": await self._slack.suggest(me, place, asked["action_id"], asked.get("typed", ""))}

    async def _fill(self, me: User, asked: JSON) -> None:
        await self._place_filled(me, asked)

    async def _submit(self, me: User, asked: JSON) -> JSON:
        view = await self._place_filled(me, asked)
        if not isinstance(view, View):
            raise LookupError("only a modal can be submitted")
        return told(await self._slack.submit(me, view))

    async def _close(self, me: User, asked: JSON) -> None:
        everything = bool(asked.get("everything"))
        await self._slack.close(me, self._view(me, asked["view"]), everything=everything)

    async def _shortcut(self, me: User, asked: JSON) -> JSON:
        return told(
            await self._slack.shortcut(me, asked["callback_id"], self._message(me, asked) if asked.get("ts") else None)
        )

    async def _open_home(self, me: User, asked: JSON) -> JSON | None:
        self._guide.note("home")
        delivery = await self._slack.open_home(me, self._app)
        return told(delivery) if delivery else None

    async def _dismiss(self, me: User, asked: JSON) -> None:
        """The small link under what only one person sees."""
        message = self._message(me, asked)
        if message.seen_by is not me:
            raise LookupError("only what only you see can be dismissed")
        message.channel.remove(message)

    # Where it is done.

    async def _place_filled(self, me: User, asked: JSON) -> Place:
        """The message or view, with what was typed into it in this window so far."""
        if not asked.get("view"):
            return self._message(me, asked)
        view = self._view(me, asked["view"])
        typed = asked.get("values") or {}
        changed = {block_id: text or None for block_id, text in typed.items() if _differs(view, block_id, text)}
        return await self._slack.fill(me, view, changed)

    def _view(self, me: User, view_id: str) -> View:
        home = self._slack.home(me, self._app) if me.team is self._app.team else None
        for view in [*self._slack.views(me), *([home] if home else [])]:
            if view.id == view_id:
                return view
        raise LookupError("that view is closed")

    def _channel(self, me: User, channel_id: str) -> Channel:
        channel = self._slack.world.channels.get(channel_id)
        if channel is None or me not in channel.members:
            raise LookupError("you are not in that channel")
        return channel

    def _message(self, me: User, asked: JSON) -> Message:
        message = self._channel(me, asked["channel"]).standing(str(asked["ts"]))
        if message is None or message.seen_by not in (None, me):
            raise LookupError("that message is gone")
        return message


def _differs(view: View, block_id: str, text: Any) -> bool:
    try:
        into = reach(view, block_id)
    except LookupError:
        return False  # The view was drawn anew meanwhile.
    return (view.state.get(block_id, {}).get(into.action_id, {}).get("value") or "") != (text or "")


def told(delivery: Delivery) -> JSON:
    return {"ok": delivery.ok, "error": delivery.error, "errors": delivery.errors, "name": delivery.name}
