"""The page's actions in the practice Slack: type, press, select, fill in, submit, close, open the Home tab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from playground.page.guide import Guide
from playground.slack.delivery import Delivery
from playground.slack.interaction import Place, reach
from playground.slack.modals import View
from playground.slack.world import Channel, Message, User
from playground.stage import Stage

JSON = dict[str, Any]
ActionHandler = Callable[[User, JSON], Awaitable[JSON | None]]


class SlackActions:
    """Actions by name. Each takes the person and the request's body, and returns the response's body."""

    def __init__(self, stage: Stage, guide: Guide) -> None:
        self._slack, self._app, self._guide = stage.slack, stage.app, guide
        self._actions: dict[str, ActionHandler] = {
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

    async def perform(self, action: str, me: User, body: JSON) -> JSON | None:
        """Perform an action of the page. Raises LookupError if the action or its target doesn't exist."""
        if action not in self._actions:
            raise LookupError(f"Unknown action {action}.")
        return await self._actions[action](me, body)

    async def _command(self, me: User, body: JSON) -> JSON:
        channel = self._channel(me, body["channel"])
        dm = self._app if channel.is_im else None
        return delivery_json(await self._slack.command(me, None if dm else channel, str(body["text"]).strip(), dm=dm))

    async def _say(self, me: User, body: JSON) -> None:
        """Post a message of a person. Apps get only the links they registered for."""
        channel = self._channel(me, body["channel"])
        await self._slack.post(me, channel, str(body["text"]), thread_ts=body.get("thread_ts"))

    async def _press(self, me: User, body: JSON) -> JSON:
        place = await self._place_filled(me, body)
        pressed, value, block_id = body["action_id"], body.get("value"), body.get("block_id")
        if isinstance(place, View):
            return delivery_json(await self._slack.press_in_view(me, place, pressed, value, block_id))
        return delivery_json(await self._slack.press(me, place, pressed, value, block_id, link=body.get("link")))

    async def _select(self, me: User, body: JSON) -> JSON | None:
        place = await self._place_filled(me, body)
        chosen, link = body.get("chosen") or None, body.get("link")
        delivery = await self._slack.select(me, place, body["action_id"], chosen, body.get("block_id"), link=link)
        return delivery_json(delivery) if delivery else None

    async def _suggest(self, me: User, body: JSON) -> JSON:
        place = await self._place_filled(me, body)
        return {"ok": True, "options": await self._slack.suggest(me, place, body["action_id"], body.get("typed", ""))}

    async def _fill(self, me: User, body: JSON) -> None:
        await self._place_filled(me, body)

    async def _submit(self, me: User, body: JSON) -> JSON:
        view = await self._place_filled(me, body)
        if not isinstance(view, View):
            raise LookupError("Only a form can be submitted.")
        return delivery_json(await self._slack.submit(me, view))

    async def _close(self, me: User, body: JSON) -> None:
        everything = bool(body.get("everything"))
        await self._slack.close(me, self._view(me, body["view"]), everything=everything)

    async def _shortcut(self, me: User, body: JSON) -> JSON:
        return delivery_json(
            await self._slack.shortcut(me, body["callback_id"], self._message(me, body) if body.get("ts") else None)
        )

    async def _open_home(self, me: User, body: JSON) -> JSON | None:
        self._guide.note("home")
        delivery = await self._slack.open_home(me, self._app)
        return delivery_json(delivery) if delivery else None

    async def _dismiss(self, me: User, body: JSON) -> None:
        """Dismiss an ephemeral message."""
        message = self._message(me, body)
        if message.seen_by is not me:
            raise LookupError("Only a message that is visible only to you can be dismissed.")
        message.channel.remove(message)

    # Targets of an action.

    async def _place_filled(self, me: User, body: JSON) -> Place:
        """Return the message or view, filled with the values typed in this window."""
        if not body.get("view"):
            return self._message(me, body)
        view = self._view(me, body["view"])
        typed = body.get("values") or {}
        changed = {block_id: text or None for block_id, text in typed.items() if _differs(view, block_id, text)}
        return await self._slack.fill(me, view, changed)

    def _view(self, me: User, view_id: str) -> View:
        home = self._slack.home(me, self._app) if me.team is self._app.team else None
        for view in [*self._slack.views(me), *([home] if home else [])]:
            if view.id == view_id:
                return view
        raise LookupError("That form is closed.")

    def _channel(self, me: User, channel_id: str) -> Channel:
        channel = self._slack.world.channels.get(channel_id)
        if channel is None or me not in channel.members:
            raise LookupError("You aren't in that channel.")
        return channel

    def _message(self, me: User, body: JSON) -> Message:
        message = self._channel(me, body["channel"]).standing(str(body["ts"]))
        if message is None or message.seen_by not in (None, me):
            raise LookupError("That message no longer exists.")
        return message


def _differs(view: View, block_id: str, text: Any) -> bool:
    try:
        into = reach(view, block_id)
    except LookupError:
        return False  # the view was updated meanwhile
    return (view.state.get(block_id, {}).get(into.action_id, {}).get("value") or "") != (text or "")


def delivery_json(delivery: Delivery) -> JSON:
    return {"ok": delivery.ok, "error": delivery.error, "errors": delivery.errors, "name": delivery.name}
