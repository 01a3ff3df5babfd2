"""Actions of people: type a command, press, select, fill in, submit, close, open the Home tab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.slack import interaction, payloads
from playground.slack.acks import AckHandler
from playground.slack.core import Core
from playground.slack.delivery import Courier, Delivery
from playground.slack.errors import SlackError
from playground.slack.escaping import escaped
from playground.slack.interaction import Place
from playground.slack.modals import View
from playground.slack.objects import SUGGESTIONS, options_of
from playground.slack.response_urls import ResponseUrls
from playground.slack.schema import Findings
from playground.slack.state import HELD, ElementInView
from playground.slack.world import JSON, Channel, Installation, Message, User

MIN_QUERY_LENGTH = 3
"""Default of an external select. https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element"""


class UserActions(Core):
    """Each action returns when the app has acked or Slack has stopped waiting."""

    courier: Courier
    responses: ResponseUrls

    async def command(
        self, user: User, channel: Channel | None, typed: str, *, dm: Installation | None = None
    ) -> Delivery:
        """Type ``/word text`` in a channel, or in the direct messages with an app."""
        word, _, text = typed.partition(" ")
        app, registered = self._owner(user, word)
        place = self.world.direct(dm.bot_user, user) if dm is not None else channel
        if place is None:
            raise LookupError("name a channel or an app")
        check_may_write(user, place)
        if registered.get("should_escape"):
            text = escaped(self.world, user.team, text)
        payload = payloads.command(
            app,
            user,
            place,
            word,
            text.strip(),
            response_url=self.responses.issue(app, user, place),
            trigger_id=self.triggers.issue(app, user),
        )
        delivery = await self.courier.deliver(self.courier.prepare("slash_commands", word, app, payload))
        AckHandler(self).to_command(delivery, user, place, typed)
        return delivery

    async def press(
        self,
        user: User,
        message: Message,
        action_id: str,
        value: str | None = None,
        block_id: str | None = None,
        *,
        link: str | None = None,
        confirm: bool = True,
    ) -> Delivery:
        """Press a button (by action_id or label) or an overflow entry; ``confirm`` answers its dialog, if any."""
        _check_sees(user, message)
        pressed = interaction.reach(message, action_id, block_id=block_id, value=value, link=link)
        return await self._act(user, message, pressed, value, confirm=confirm)

    async def press_in_view(
        self,
        user: User,
        view: View,
        action_id: str,
        value: str | None = None,
        block_id: str | None = None,
        *,
        confirm: bool = True,
    ) -> Delivery:
        _check_sees(user, view)
        pressed = interaction.reach(view, action_id, block_id=block_id, value=value)
        return await self._act(user, view, pressed, value, confirm=confirm)

    async def select(
        self,
        user: User,
        place: Place,
        action_id: str,
        option: Any,
        block_id: str | None = None,
        *,
        link: str | None = None,
    ) -> Delivery | None:
        """Select or enter a value; None if the element sends nothing before the submission."""
        _check_sees(user, place)
        into = interaction.reach(place, action_id, block_id=block_id, link=link)
        await self._enter(user, place, into, option)
        if not into.dispatches:
            return None
        return await self._tell(user, place, into, place.state[into.block_id][into.action_id][HELD[into.kind].field])

    async def suggest(self, user: User, place: Place, action_id: str, typed: str) -> list[JSON]:
        """Return the options of an external select for ``typed``; none below its minimum query length."""
        _check_sees(user, place)
        into = interaction.reach(place, action_id)
        if len(typed) < into.element.get("min_query_length", MIN_QUERY_LENGTH):
            return []
        app = self._app_of(place, into)
        shown = self._shown("block_suggestion", user, place, into)
        asked = {"action_id": into.action_id, "block_id": into.block_id, "value": typed}
        prepared = self.courier.prepare("interactive", into.action_id, app, {**shown, **asked})
        offered = self._offered(await self.courier.deliver(prepared))
        if isinstance(place, View):
            place.offered[into.action_id] = offered
        return offered

    async def fill(self, user: User, view: View, values: Mapping[str, Any]) -> View:
        """Set values without submitting, by action_id or block_id; options by value or text."""
        _check_sees(user, view)
        for name, value in values.items():
            await self._enter(user, view, interaction.reach(view, name), value)
        return view

    async def submit(self, user: User, view: View, values: Mapping[str, Any] | None = None) -> Delivery:
        """Fill in and submit. A form that Slack's client refuses is not sent to the app."""
        await self.fill(user, view, values or {})
        app = view.app
        if view.body.get("submit") is None:
            raise LookupError(f"“{view.title}” has no submit button")
        payload = payloads.submission(app, view, self.triggers.issue(app, user, from_modal=True))
        delivery = self.courier.prepare("interactive", view.callback_id, app, payload)
        delivery.errors = interaction.missing(view)
        if delivery.errors:
            return delivery
        await self.courier.deliver(delivery)
        AckHandler(self).to_submission(delivery, view)
        return delivery

    async def close(self, user: User, view: View, *, everything: bool = False) -> Delivery | None:
        """Close one view or the whole stack; None without ``notify_on_close``."""
        cleared = everything or bool(view.body.get("clear_on_close"))
        if cleared:
            self.modals.clear(user)
        self.modals.close(view)
        if not view.body.get("notify_on_close"):
            return None
        payload = payloads.closing(view.app, view, is_cleared=cleared)
        return await self.courier.deliver(self.courier.prepare("interactive", view.callback_id, view.app, payload))

    async def shortcut(self, user: User, callback_id: str, message: Message | None = None) -> Delivery:
        """Use a global shortcut or, on a message, a message shortcut."""
        app = self._shortcut_owner(user, callback_id, "global" if message is None else "message")
        trigger_id, action_ts = self.triggers.issue(app, user), self._action_ts()
        if message is None:
            payload = payloads.shortcut(app, user, callback_id, trigger_id=trigger_id, action_ts=action_ts)
        else:
            payload = payloads.message_shortcut(app, user, message, callback_id)
            response_url = self.responses.issue(app, user, message.channel, message)
            payload |= {"trigger_id": trigger_id, "action_ts": action_ts, "response_url": response_url}
        return await self.courier.deliver(self.courier.prepare("interactive", callback_id, app, payload))

    async def open_home(self, user: User, app: Installation, tab: str = "home") -> Delivery | None:
        """Open the app's Home; None if the app doesn't subscribe to it."""
        direct = self.world.direct(app.bot_user, user)
        happened: JSON = {"type": "app_home_opened", "user": user.id, "channel": direct.id, "tab": tab}
        happened["event_ts"] = self._action_ts()
        view = self.modals.home(app, user)
        if view is not None and tab == "home":
            happened["view"] = view.payload()
        return await self.happen(app, happened)

    async def happen(self, app: Installation, happened: JSON, *, channel: Channel | None = None) -> Delivery | None:
        """Deliver any event; None if the app doesn't subscribe to it. ``channel`` is its channel."""
        if not app.app.hears(happened["type"]):
            return None
        now = int(self.clock.now().timestamp())
        event_id = self.world.new_id("Ev")
        person = self.world.users.get(happened.get("user", ""))
        team = person.team if person else None
        payload = payloads.event(app, happened, event_id=event_id, event_time=now, channel=channel, team=team)
        return await self.courier.deliver(self.courier.prepare("events_api", happened["type"], app, payload))

    async def redeliver(self, delivery: Delivery, reason: str = "timeout") -> Delivery:
        """Deliver the same payload once more, marked as a retry. Its response changes nothing."""
        again = self.courier.prepare(delivery.kind, delivery.name, delivery.app, delivery.payload)
        again.envelope_id = delivery.envelope_id
        return await self.courier.deliver(again, (delivery.attempts, reason))

    async def _act(
        self, user: User, place: Place, pressed: ElementInView, value: str | None, *, confirm: bool
    ) -> Delivery:
        if pressed.element.get("confirm") and not confirm:
            return self.courier.prepare("interactive", pressed.action_id, self._app_of(place, pressed), {})
        if pressed.kind == "overflow":
            return await self._tell(user, place, pressed, interaction.overflow_option(pressed, value))
        if pressed.kind in HELD and value is not None:
            value = await self._enter(user, place, pressed, value)
        return await self._tell(user, place, pressed, value)

    async def _enter(self, user: User, place: Place, into: ElementInView, value: Any) -> Any:
        self._check_known(into, value)
        offered = place.offered.get(into.action_id, []) if isinstance(place, View) else []
        try:
            return interaction.put(place.state, into, value, offered)
        except LookupError:
            if "external" not in into.kind:
                raise
        # A person types a query and selects one of the suggested options.
        offered = await self.suggest(user, place, into.action_id, str(value))
        return interaction.put(place.state, into, value, offered)

    async def _tell(self, user: User, place: Place, pressed: ElementInView, value: Any) -> Delivery:
        app = self._app_of(place, pressed)
        payload = self._shown("block_actions", user, place, pressed)
        if isinstance(place, Message):
            payload["response_url"] = self.responses.issue(app, user, place.channel, _standing(place))
        from_modal = isinstance(place, View) and place.type == "modal"
        payload["trigger_id"] = self.triggers.issue(app, user, from_modal=from_modal)
        payload["actions"] = [payloads.action(pressed, value, self._action_ts())]
        return await self.courier.deliver(self.courier.prepare("interactive", pressed.action_id, app, payload))

    def _offered(self, delivery: Delivery) -> list[JSON]:
        """Return the options of a response; none if it is invalid, with the reason in the journal."""
        found: Findings = []
        SUGGESTIONS(delivery.answer or {}, "", found)
        if found:
            told = {"messages": [str(finding) for finding in found]}
            self.note("out", "screen", "invalid options", delivery.answer or {}, told)
            return []
        return options_of(delivery.answer or {})

    def _shown(self, kind: str, user: User, place: Place, used: ElementInView) -> JSON:
        if isinstance(place, View):
            return payloads.on_view(kind, place.app, place)
        return payloads.on_message(kind, self._app_of(place, used), user, place, used.attachment)

    def _app_of(self, place: Place, used: ElementInView) -> Installation:
        """Return the app of an element; in an unfurl, the app that added it."""
        if used.attachment is not None and "bot_id" in used.attachment:
            return self.world.installation_with(used.attachment["bot_id"])
        if place.app is None:
            raise SlackError("no app behind this message")
        return place.app

    def _check_known(self, into: ElementInView, value: Any) -> None:
        """Check that the selected user or channel exists."""
        known = self.world.users if "users" in into.kind else self.world.channels
        if into.kind.endswith(("users_select", "channels_select", "conversations_select")):
            for wanted in [] if value is None else value if isinstance(value, list) else [value]:
                if getattr(wanted, "id", wanted) not in known:
                    raise LookupError(f"{into.action_id} does not offer {wanted!r}")

    def _owner(self, user: User, word: str) -> tuple[Installation, Mapping[str, Any]]:
        """Return the app of a command: of several with the same word, the one installed last."""
        for app in reversed(self.world.installations):
            for registered in app.app.commands:
                if registered["command"] == word and app.serves(user.team) and not app.revoked:
                    return app, registered
        raise LookupError(f"{word} is not a valid command in {user.team.name}")

    def _shortcut_owner(self, user: User, callback_id: str, kind: str) -> Installation:
        for app in reversed(self.world.installations):
            for registered in app.app.shortcuts:
                if (registered["callback_id"], registered["type"]) == (callback_id, kind) and app.serves(user.team):
                    return app
        raise LookupError(f"unknown {kind} shortcut {callback_id} in {user.team.name}")

    def _action_ts(self) -> str:
        return f"{self.clock.now().timestamp():.6f}"


def check_may_write(user: User, channel: Channel) -> None:
    """Raise LookupError if the person's client shows no message field in the channel."""
    if user not in channel.members:
        raise LookupError(f"{user.name} is not in that channel")
    if channel.posting == "read_only" and not user.is_admin:
        raise LookupError(f"only admins may post in #{channel.name}")


def _check_sees(user: User, place: Place) -> None:
    """Raise LookupError if the person can't see the message or view."""
    if isinstance(place, View):
        if place.user is not user or not place.is_open:
            raise LookupError(f"“{place.title}” is not open before {user.name}")
    elif place.seen_by is not None and place.seen_by is not user:
        raise LookupError(f"only {place.seen_by.name} sees this message")
    elif user not in place.channel.members and not _may_browse(user, place.channel):
        raise LookupError(f"{user.name} is not in #{place.channel.name}")


def _may_browse(user: User, channel: Channel) -> bool:
    """Return whether the person may read a channel without joining it, which a guest may not."""
    return not channel.is_private and user.team is channel.team and user.guest is None


def _standing(message: Message) -> Message:
    """Return the current message of a snapshot, so that a late response reaches it."""
    return message.channel.standing(message.ts) or message
