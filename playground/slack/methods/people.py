"""users.*, auth.*, team.info, reactions.add and apps.connections.open."""

from __future__ import annotations

import unicodedata
from zoneinfo import ZoneInfo

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.methods.conversations import paged, team_of
from playground.slack.posts import find_channel
from playground.slack.world import JSON, Installation, Team, User


def user_object(core: Core, app: Installation, user: User) -> JSON:
    """https://docs.slack.dev/reference/objects/user-object, with the email address for users:read.email only."""
    stranger = not app.serves(user.team)
    profile: JSON = {
        "real_name": user.real_name,
        "real_name_normalized": _without_accents(user.real_name),
        "display_name": user.display_name,
        "display_name_normalized": _without_accents(user.display_name),
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
        "tz_offset": _offset(core, user.tz),
        "profile": profile,
        "is_admin": user.is_admin,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.guest is not None,
        "is_ultra_restricted": user.guest == "single_channel",
        "is_bot": user.is_bot,
        "is_app_user": False,
        "is_stranger": stranger,
        "updated": 0,
    }


def _without_accents(name: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))


def _offset(core: Core, tz: str) -> int:
    """Return the current UTC offset in seconds."""
    offset = core.clock.now().astimezone(ZoneInfo(tz)).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def _visible(core: Core, app: Installation, user: User) -> bool:
    """Return whether the app can see the user: of its team, or in a shared channel."""
    if app.serves(user.team):
        return True
    return any(user in channel.members and app.sees(channel) for channel in core.world.channels.values())


def user_info(core: Core, call: Call) -> JSON:
    user = core.world.users.get(call.text("user"))
    if user is None:
        raise SlackError("user_not_found")
    if not _visible(core, call.bot, user):
        raise SlackError("user_not_visible")
    return {"user": user_object(core, call.bot, user)}


def user_list(core: Core, call: Call) -> JSON:
    team = team_of(core, call)
    here = [user_object(core, call.bot, user) for user in core.world.users.values() if user.team is team]
    return paged(call, "members", here, usual=len(here) or 1)


def user_by_email(core: Core, call: Call) -> JSON:
    """Find an active user of the team by email address, ignoring case."""
    email = call.text("email").casefold()
    for user in core.world.users.values():
        if call.bot.serves(user.team) and not user.deleted and (user.email or "").casefold() == email:
            return {"user": user_object(core, call.bot, user)}
    raise SlackError("users_not_found")


def auth_test(core: Core, call: Call) -> JSON:
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


def auth_revoke(core: Core, call: Call) -> JSON:
    if call.flag("test"):
        return {"revoked": False}
    call.bot.revoked = True
    return {"revoked": True}


def team_info(core: Core, call: Call) -> JSON:
    team = call.bot.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "icon": {}}}


def add_reaction(core: Core, call: Call) -> JSON:
    message = find_channel(core.world, call.bot, call.text("channel")).find(call.text("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    if call.text("name") in message.reactions:
        raise SlackError("already_reacted")
    message.reactions.append(call.text("name"))
    return {}
