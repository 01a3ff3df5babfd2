"""Rename, archive and delete channels, make them private, remove members, delete messages.

A change is complete when the call returns; the apps that subscribe to its event get it afterwards.
https://docs.slack.dev/reference/events?APIs=Events&filter=channel
"""

from __future__ import annotations

from playground.slack import payloads
from playground.slack.core import Core
from playground.slack.delivery import Courier
from playground.slack.world import JSON, Channel, Installation, Message, User


class ChannelEvents(Core):
    courier: Courier

    def rename(self, channel: Channel, name: str) -> None:
        if any(each.name == name and each.team is channel.team for each in self.world.channels.values()):
            raise ValueError(f"there is a #{name} already")
        channel.previous_names.append(channel.name)
        channel.name = name
        fields = {"id": channel.id, "name": name, "name_normalized": name, "created": channel.created}
        self.announce(channel, f"{_prefix(channel)}_rename", {"channel": fields})

    def archive(self, channel: Channel, *, archived: bool = True) -> None:
        channel.is_archived = archived
        event = f"{_prefix(channel)}_{'archive' if archived else 'unarchive'}"
        self.announce(channel, event, {"channel": channel.id})

    def unarchive(self, channel: Channel) -> None:
        self.archive(channel, archived=False)

    def make_private(self, channel: Channel) -> None:
        """Make the channel private, so that it exists for its members only."""
        channel.is_private = True

    def remove(self, channel: Channel, *members: User | Installation) -> None:
        """Remove people, or an app's bot, from the channel."""
        for member in members:
            user = member.bot_user if isinstance(member, Installation) else member
            if user in channel.members:
                channel.members.remove(user)
                self._announce_leaving(channel, user)

    def kick(self, channel: Channel, *users: User) -> None:
        self.remove(channel, *users)

    def delete_message(self, message: Message) -> None:
        """Delete a message, as its author or an admin does. Its files stay with their app."""
        message.channel.remove(message)

    def _announce_leaving(self, channel: Channel, user: User) -> None:
        """Send the event of leaving: one kind to the app that left, another to the others."""
        kind = "G" if channel.is_private else "C"
        left = {"user": user.id, "channel": channel.id, "channel_type": kind, "team": user.team.id}
        for app in self._apps(channel):
            if app.bot_user is user:
                self._happen(app, channel, {"type": f"{_prefix(channel)}_left", "channel": channel.id})
            elif app.bot_user in channel.members:
                self._happen(app, channel, {"type": "member_left_channel", **left})

    def announce(self, channel: Channel, event: str, event_fields: JSON) -> None:
        """Send an event: of a public channel to every app, of a private one to its members."""
        for app in self._apps(channel):
            if not channel.is_private or app.bot_user in channel.members:
                self._happen(app, channel, {"type": event, **event_fields})

    def _apps(self, channel: Channel) -> list[Installation]:
        scope = "groups:read" if channel.is_private else "channels:read"
        there = (app for app in self.world.installations if app.sees(channel) and not app.revoked)
        return [app for app in there if scope in app.scopes]

    def _happen(self, app: Installation, channel: Channel, happened: JSON) -> None:
        if not app.app.hears(happened["type"]):
            return
        now = self.clock.now().timestamp()
        event_fields = {**happened, "event_ts": f"{now:.6f}"}
        event_id = self.world.new_id("Ev")
        payload = payloads.event(app, event_fields, event_id=event_id, event_time=int(now), channel=channel)
        self.courier.deliver_soon(self.courier.prepare("events_api", event_fields["type"], app, payload))


def _prefix(channel: Channel) -> str:
    return "group" if channel.is_private else "channel"
