"""users.*, auth.*, team.info, reactions.add and apps.connections.open."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from playground.slack.calls import Call
from playground.slack.desk import Desk
from playground.slack.errors import SlackError
from playground.slack.methods.conversations import paged, team_of
from playground.slack.posts import find_channel
from playground.slack.world import JSON, Installation, Team, User


def shown(desk: Desk, app: Installation, user: User) -> JSON:
    """https://docs.slack.dev/reference/objects/user-object; the address only with users:read.email."""
    stranger = not app.serves(user.team)
    profile: JSON = {
        "real_name": user.real_name,
        "real_name_normalized": user.real_name,
        "display_name": user.name,
        "display_name_normalized": user.name,
        "team": user.team.id,
    }
    if user.email and not stranger and "users:read.email" in app.scopes:
        profile["email"] = user.email
    return {
        "id": user.id,
        "team_id": user.team.id,
        "name": user.name,
        "deleted": user.deleted,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": _offset(desk, user.tz),
        "profile": profile,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_stranger": stranger,
        "updated": 0,
    }


def _offset(desk: Desk, tz: str) -> int:
    """Seconds east of Greenwich, now."""
    offset = desk.clock.now().astimezone(ZoneInfo(tz)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _visible(desk: Desk, app: Installation, user: User) -> bool:
    """Own people, and strangers met in a shared channel."""
    if app.serves(user.team):
        return True
    return any(user in channel.members and app.sees(channel) for channel in desk.world.channels.values())


def user_info(desk: Desk, call: Call) -> JSON:
    user = desk.world.users.get(call.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    if not _visible(desk, call.bot, user):
        raise SlackError("user_not_visible")
    return {"user": shown(desk, call.bot, user)}


def user_list(desk: Desk, call: Call) -> JSON:
    team = team_of(desk, call)
    here = [shown(desk, call.bot, user) for user in desk.world.users.values() if user.team is team]
    return paged(call, "members", here, usual=len(here) or 1)


def user_by_email(desk: Desk, call: Call) -> JSON:
    """Own people who are still there; how an address is written does not matter."""
    wanted = call.text("email").casefold()
    for user in desk.world.users.values():
        if call.bot.serves(user.team) and not user.deleted and (user.email or "").casefold() == wanted:
            return {"user": shown(desk, call.bot, user)}
    raise SlackError("users_not_found")


def auth_test(desk: Desk, call: Call) -> JSON:
    if call.installation is None:
        return {"app_name": call.app.name, "app_id": call.app.id} if call.app else {}
    bot = call.installation
    return {
        "url": f"https://{bot.team.domain}.slack.com/",
        "team": bot.team.name,
        "user": bot.bot_user.name,
        "team_id": bot.team.id,
        "user_id": bot.bot_user.id,
        "bot_id": bot.bot_id,
        "is_enterprise_install": bot.team.is_organisation,
        **_organisation(bot.team),
    }


def _organisation(team: Team) -> JSON:
    organisation = team if team.is_organisation else team.organisation
    return {"enterprise_id": organisation.id} if organisation else {}


def auth_revoke(desk: Desk, call: Call) -> JSON:
    if call.flag("test"):
        return {"revoked": False}
    call.bot.revoked = True
    return {"revoked": True}


def team_info(desk: Desk, call: Call) -> JSON:
    team = call.bot.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}


def add_reaction(desk: Desk, call: Call) -> JSON:
    message = find_channel(desk.world, call.bot, call.text("channel")).find(call.text("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    if call.text("name") in message.reactions:
        raise SlackError("already_reacted")
    message.reactions.append(call.text("name"))
    return {}
