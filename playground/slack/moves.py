"""Move a workspace into an organization, and channels between workspaces: their ids change.

https://docs.slack.dev/enterprise and https://docs.slack.dev/reference/events/channel_id_changed
"""

from __future__ import annotations

from playground.slack.channel_events import ChannelEvents
from playground.slack.world import Channel, Team


class Moves(ChannelEvents):
    def move_team(self, team: Team, organisation: Team) -> None:
        """Move a workspace into an organization. Former ids of its people and channels are unknown from then on."""
        team.organisation = organisation
        for user in [each for each in self.world.users.values() if each.team is team and not each.is_bot]:
            del self.world.users[user.id]
            user.id = self.world.new_id("W")
            self.world.add_user(user)
        for channel in [each for each in self.world.channels.values() if each.team is team and not each.is_im]:
            self._change_id(channel)

    def move_channel(self, channel: Channel, team: Team) -> None:
        """Move a channel to another workspace of the organization."""
        if channel.team.organisation is None or team.organisation is not channel.team.organisation:
            raise ValueError(f"{team.name} and {channel.team.name} are not of one organization")
        channel.team = team
        self._change_id(channel)

    def _change_id(self, channel: Channel) -> None:
        former = channel.id
        del self.world.channels[former]
        channel.id = self.world.new_id("C")
        self.world.add_channel(channel)
        self.announce(channel, "channel_id_changed", {"old_channel_id": former, "new_channel_id": channel.id})
