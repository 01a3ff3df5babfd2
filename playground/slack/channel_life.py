"""What becomes of channels: renamed, archived, made private; who leaves, and what is deleted there.

Everything has happened when the call returns; apps that subscribed hear of it after that.
https://docs.slack.dev/reference/events?APIs=Events&filter=channel
"""

from __future__ import annotations

from playground.slack import payloads
from playground.slack.delivery import Courier
from playground.slack.desk import Desk
from playground.slack.world import JSON, Channel, Installation, Message, User


class ChannelLife(Desk):
    courier: Courier

    def rename(self, channel: Channel, name: str) -> None:
        if any(each.name == name and each.team is channel.team for each in self.world.channels.values()):
            raise ValueError(f"there is a #{name} already")
        channel.previous_names.append(channel.name)
        channel.name = name
        shown = {"id": channel.id, "name": name, "name_normalized": name, "created": channel.created}
        self._announce(channel, "rename", {"channel": shown})

    def archive(self, channel: Channel, *, archived: bool = True) -> None:
        channel.is_archived = archived
        self._announce(channel, "archive" if archived else "unarchive", {"channel": channel.id})

    def unarchive(self, channel: Channel) -> None:
        self.archive(channel, archived=False)

    def make_private(self, channel: Channel) -> None:
        """From now on it exists for its members only; who is no member loses it."""
        channel.is_private = True

    def remove(self, channel: Channel, *members: User | Installation) -> None:
        """Take people, or an app's bot, out of the channel."""
        for member in members:
            user = member.bot_user if isinstance(member, Installation) else member
            if user in channel.members:
                channel.members.remove(user)
                self._announce_leaving(channel, user)

    def kick(self, channel: Channel, *users: User) -> None:
        self.remove(channel, *users)

    def delete_message(self, message: Message) -> None:
        """As its author or an admin does; files of it stay with their app."""
        message.channel.remove(message)

    def _announce_leaving(self, channel: Channel, user: User) -> None:
        """The one who left hears that it did, the others that somebody did."""
        kind = "G" if channel.is_private else "C"
        left = {"user": user.id, "channel": channel.id, "channel_type": kind, "team": user.team.id}
        for app in self._apps(channel):
            if app.bot_user is user:
                self._happen(app, channel, {"type": f"{_prefix(channel)}_left", "channel": channel.id})
            elif app.bot_user in channel.members:
                self._happen(app, channel, {"type": "member_left_channel", **left})

    def _announce(self, channel: Channel, what: str, told: JSON) -> None:
        """Public channels are everybody's news, private ones their members'."""
        for app in self._apps(channel):
            if not channel.is_private or app.bot_user in channel.members:
                self._happen(app, channel, {"type": f"{_prefix(channel)}_{what}", **told})

    def _apps(self, channel: Channel) -> list[Installation]:
        scope = "groups:read" if channel.is_private else "channels:read"
        there = (app for app in self.world.installations if app.sees(channel) and not app.revoked)
        return [app for app in there if scope in app.scopes]

    def _happen(self, app: Installation, channel: Channel, happened: JSON) -> None:
        if not app.app.hears(happened["type"]):
            return
        now = self.clock.now().timestamp()
        told = {**happened, "event_ts": f"{now:.6f}"}
        event_id = self.world.new_id("Ev")
        payload = payloads.event(app, told, event_id=event_id, event_time=int(now), channel=channel)
        self.courier.deliver_soon(self.courier.prepare("events_api", told["type"], app, payload))


def _prefix(channel: Channel) -> str:
    return "group" if channel.is_private else "channel"
