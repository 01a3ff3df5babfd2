"""oauth.v2.access: https://docs.slack.dev/reference/methods/oauth.v2.access"""

from __future__ import annotations

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.oauth import TOKEN_LIVES, OAuth
from playground.slack.world import JSON, App, Installation, Team


def access(core: Core, call: Call) -> JSON:
    """Exchange a code or a refresh token, authenticated by HTTP Basic or form fields."""
    if not isinstance(core, OAuth):
        raise SlackError("fatal_error")
    app = _app(core, call)
    kind = call.text("grant_type", "authorization_code")
    if kind == "refresh_token":
        return _told(core.refresh(app, call.text("refresh_token")))
    if kind != "authorization_code":
        raise SlackError("invalid_grant_type")
    installation, user = core.redeem(app, call.text("code"), call.text("redirect_uri"))
    return {**_told(installation), "authed_user": {"id": user.id}}


def _app(core: Core, call: Call) -> App:
    app = core.world.app_with(call.text("client_id"))
    if app is None:
        raise SlackError("invalid_client_id")
    if call.text("client_secret") != app.client_secret:
        raise SlackError("bad_client_secret")
    return app


def _told(bot: Installation) -> JSON:
    response: JSON = {
        "access_token": bot.bot_token,
        "token_type": "bot",
        "scope": ",".join(bot.scopes),
        "bot_user_id": bot.bot_user.id,
        "app_id": bot.app.id,
        "team": None if bot.team.is_organisation else _named(bot.team),
        "enterprise": _named(bot.team if bot.team.is_organisation else bot.team.organisation),
        "is_enterprise_install": bot.team.is_organisation,
    }
    if bot.refresh_token is not None:
        response |= {"refresh_token": bot.refresh_token, "expires_in": int(TOKEN_LIVES.total_seconds())}
    return response


def _named(team: Team | None) -> JSON | None:
    return None if team is None else {"id": team.id, "name": team.name}
