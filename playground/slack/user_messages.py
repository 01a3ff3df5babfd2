"""Messages of people, and events about the links and mentions in them."""

from __future__ import annotations

from playground.slack.escaping import escaped
from playground.slack.links import Draft, link_shared, links_for
from playground.slack.user_actions import UserActions, check_may_write
from playground.slack.world import JSON, Channel, Installation, Message, User


class UserMessages(UserActions):
    async def post(self, user: User, channel: Channel, text: str, *, thread_ts: str | None = None) -> Message:
        """Post a message. Return when every app with a link in it has acked or timed out."""
        _check_may_write(user, channel)
        stored = escaped(self.world, user.team, text)
        message = Message(channel, self.world.new_ts(channel), user, stored, thread_ts=thread_ts)
        channel.add(message)
        await self._tell_of_links(message)
        await self._tell_of_mentions(message)
        return message

    async def compose(self, user: User, channel: Channel, text: str) -> Draft:
        """Compose a message without sending it. Slack already asks for previews of its links."""
        _check_may_write(user, channel)
        draft = self.links.draft(user, channel, escaped(self.world, user.team, text))
        await self._tell_of_links(draft)
        return draft

    async def _tell_of_links(self, place: Message | Draft) -> None:
        """Send ``link_shared`` to every app that registered the domain, a member of the channel or not."""
        for app in self._listeners(place.channel):
            found = links_for(app, place.text)
            if found:
                shared = self.links.register(app, place, found)
                event = link_shared(shared, found, f"{self.clock.now().timestamp():.6f}")
                await self.happen(app, event, channel=None if isinstance(place, Draft) else place.channel)

    async def _tell_of_mentions(self, message: Message) -> None:
        """Send ``app_mention`` to every app that is mentioned in a channel it is a member of."""
        for app in self.world.installations:
            is_there = app.bot_user in message.channel.members and not app.revoked and not message.channel.is_im
            if is_there and f"<@{app.bot_user.id}" in message.text and "app_mentions:read" in app.scopes:
                await self.happen(app, app_mention(message), channel=message.channel)

    def _listeners(self, channel: Channel) -> list[Installation]:
        there = (app for app in self.world.installations if app.sees(channel) and not app.revoked)
        return [app for app in there if app.app.hears("link_shared") and "links:read" in app.scopes]


def app_mention(message: Message) -> JSON:
    """Return the inner event. https://docs.slack.dev/reference/events/app_mention"""
    user, ts = message.user, message.ts
    event: JSON = {"type": "app_mention", "user": user.id, "text": message.text, "ts": ts, "team": user.team.id}
    event |= {"channel": message.channel.id, "event_ts": ts, "user_team": user.team.id}
    if message.thread_ts:
        event["thread_ts"] = message.thread_ts
    return event


def _check_may_write(user: User, channel: Channel) -> None:
    check_may_write(user, channel)
    if channel.is_archived:
        raise LookupError(f"#{channel.name} is archived")
