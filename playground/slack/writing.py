"""What people write to each other, and who hears of the links in it."""

from __future__ import annotations

from playground.slack import payloads
from playground.slack.links import Draft, link_shared, links_for
from playground.slack.people import People
from playground.slack.world import Channel, Installation, Message, User


class Writing(People):
    async def post(self, user: User, channel: Channel, text: str, *, thread_ts: str | None = None) -> Message:
        """Write a message. Returns when every app with a link in it has acked, or Slack has given up waiting."""
        _check_may_write(user, channel)
        stored = payloads.escaped(self.world, user.team, text)
        message = Message(channel, self.world.new_ts(channel), user, stored, thread_ts=thread_ts)
        channel.add(message)
        await self._tell_of_links(message)
        return message

    async def compose(self, user: User, channel: Channel, text: str) -> Draft:
        """Begin a message and do not send it: Slack asks for previews of its links already."""
        _check_may_write(user, channel)
        draft = self.links.draft(user, channel, payloads.escaped(self.world, user.team, text))
        await self._tell_of_links(draft)
        return draft

    async def _tell_of_links(self, place: Message | Draft) -> None:
        """Every app of the workspace that asked, in its channels or not: ``is_bot_user_member`` says which."""
        for app in self._listeners(place.channel):
            found = links_for(app, place.text)
            if found:
                shared = self.links.tell(app, place, found)
                event = link_shared(shared, found, f"{self.clock.now().timestamp():.6f}")
                await self.happen(app, event, channel=None if isinstance(place, Draft) else place.channel)

    def _listeners(self, channel: Channel) -> list[Installation]:
        there = (app for app in self.world.installations if app.sees(channel) and not app.revoked)
        return [app for app in there if app.app.hears("link_shared") and "links:read" in app.scopes]


def _check_may_write(user: User, channel: Channel) -> None:
    if user not in channel.members:
        raise LookupError(f"{user.name} is not in that channel")
    if channel.is_archived:
        raise LookupError(f"#{channel.name} is archived")
