"""conversations.*: https://docs.slack.dev/reference/methods?filter=conversations"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.posts import find_channel, open_direct
from playground.slack.world import JSON, Channel, Installation, Team

READ_SCOPES = {"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read"}


def kind_of(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def channel_object(app: Installation, channel: Channel) -> JSON:
    if channel.between is not None:
        _, person = channel.between
        return {"id": channel.id, "created": channel.created, "is_im": True, "is_archived": False, "user": person.id}
    return {
        "id": channel.id,
        "name": channel.name,
        "name_normalized": channel.name,
        "created": channel.created,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "is_shared": bool(channel.shared_with),
        "is_ext_shared": bool(channel.shared_with),
        "is_org_shared": False,
        "is_member": app.bot_user in channel.members,
        "context_team_id": channel.team.id if app.team.is_organisation else app.team.id,
        "conversation_host_id": channel.team.id,
        "shared_team_ids": [channel.team.id, *(team.id for team in channel.shared_with)],
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
        "previous_names": list(channel.previous_names),
        "num_members": len(channel.members),
    }


def _readable(core: Core, call: Call) -> Channel:
    channel = find_channel(core.world, call.bot, call.text("channel"))
    _check_scope(call.bot, kind_of(channel))
    return channel


def _check_scope(app: Installation, kind: str) -> None:
    needed = READ_SCOPES.get(kind, "mpim:read")
    if needed not in app.scopes:
        raise SlackError("missing_scope", needed=needed, provided=",".join(app.scopes))


def paged(call: Call, name: str, items: Sequence[Any], usual: int) -> JSON:
    """Return one page and the cursor of the next. https://docs.slack.dev/apis/web-api/pagination"""
    try:
        start = int(call.text("cursor", "0").removeprefix("page:") or 0)
    except ValueError as error:
        raise SlackError("invalid_cursor") from error
    limit = call.number("limit", usual)
    more = start + limit < len(items)
    cursor = f"page:{start + limit}" if more else ""
    return {name: list(items[start : start + limit]), "response_metadata": {"next_cursor": cursor}}


def team_of(core: Core, call: Call) -> Team:
    """Return the team of a list, which a token of an organization has to name. https://docs.slack.dev/enterprise"""
    if not call.bot.team.is_organisation:
        return call.bot.team
    if not call.given("team_id"):
        raise SlackError("missing_argument")
    team = next((team for team in core.world.teams if team.id == call.text("team_id")), None)
    if team is None or not call.bot.serves(team):
        raise SlackError("team_access_not_granted")
    return team


def info(core: Core, call: Call) -> JSON:
    return {"channel": channel_object(call.bot, _readable(core, call))}


def list_all(core: Core, call: Call) -> JSON:
    kinds = call.names("types") or ["public_channel"]
    team = team_of(core, call)
    for kind in kinds:
        _check_scope(call.bot, kind)
    channels = [
        channel_object(call.bot, channel)
        for channel in core.world.channels.values()
        if kind_of(channel) in kinds
        and channel.reaches(team)
        and (not channel.is_private or call.bot.bot_user in channel.members)
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]
    return paged(call, "channels", channels, usual=100)


def members(core: Core, call: Call) -> JSON:
    return paged(call, "members", [user.id for user in _readable(core, call).members], usual=100)


def join(core: Core, call: Call) -> JSON:
    channel = find_channel(core.world, call.bot, call.text("channel"))
    if channel.is_private:
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.bot.bot_user not in channel.members:
        channel.members.append(call.bot.bot_user)
    return {"channel": channel_object(call.bot, channel)}


def open_conversation(core: Core, call: Call) -> JSON:
    """Open the direct message with one person. Group messages are not supported."""
    if call.given("channel"):
        return {"channel": {"id": find_channel(core.world, call.bot, call.text("channel")).id}}
    users = [core.world.users.get(user_id) for user_id in call.names("users")]
    if len(users) != 1 or users[0] is None:
        raise SlackError("user_not_found" if users else "users_list_not_supplied")
    channel = open_direct(core.world, call.bot, users[0])
    payload = channel_object(call.bot, channel)
    return {"channel": payload if call.flag("return_im") else {"id": channel.id}}
