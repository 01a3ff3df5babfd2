"""Slack's consent page: choose a person and a workspace, allow or cancel an installation."""

from __future__ import annotations

from html import escape

from aiohttp import web

from playground.slack.errors import SlackError
from playground.slack.oauth import ConsentRequest, OAuth
from playground.slack.world import Team, User

STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
)


class ConsentPage:
    def __init__(self, core: OAuth) -> None:
        self._core = core

    async def show(self, request: web.Request) -> web.Response:
        try:
            consent_request = self._core.read_consent(dict(request.query))
        except SlackError as error:
            return _page("Something went wrong", f"<p>{escape(error.error)}</p>", status=400)
        return _page(f"{consent_request.app.name} is requesting permission", self._form(consent_request))

    async def decide(self, request: web.Request) -> web.Response:
        given = await request.post()
        try:
            consent_request = self._core.read_consent(dict(request.query))
            user = self._core.world.users[str(given["user"])]
        except (SlackError, KeyError):
            return _page("Something went wrong", "<p>Start again.</p>", status=400)
        to = user.team.organisation if given.get("for") == "organisation" else user.team
        allow = given.get("decision") == "allow"
        kept = given.getall("scope", [])
        declined = tuple(scope for scope in _optional(consent_request) if scope not in kept)
        raise web.HTTPFound(self._core.decide(consent_request, user, allow=allow, to=to, declined=declined))

    def _form(self, consent_request: ConsentRequest) -> str:
        people = [user for user in self._core.world.users.values() if not (user.is_bot or user.deleted or user.guest)]
        options = "".join(f'<option value="{user.id}">{escape(_who(user))}</option>' for user in people)
        optional = _optional(consent_request)
        scopes = "".join(_item(scope, is_optional=scope in optional) for scope in consent_request.scopes)
        wide = '<label><input type="checkbox" name="for" value="organisation"> for the whole organisation</label>'
        shows_wide = consent_request.app.settings.get("org_deploy_enabled") and any(
            user.team.organisation for user in people
        )
        return (
            f'<form method="post"><p>You are <select name="user">{options}</select></p><ul>{scopes}</ul>'
            f"{wide if shows_wide else ''}<p><button name=decision value=allow>Allow</button> "
            "<button name=decision value=cancel>Cancel</button></p></form>"
        )


def _optional(consent_request: ConsentRequest) -> list[str]:
    return [scope for scope in consent_request.scopes if scope in consent_request.app.optional_scopes]


def _item(scope: str, *, is_optional: bool) -> str:
    """Return a scope; an optional one has a checkbox and is declined by clearing it."""
    label = f"<code>{escape(scope)}</code>"
    if not is_optional:
        return f"<li>{label}</li>"
    return f'<li><label><input type="checkbox" name="scope" value="{escape(scope)}" checked> {label} (optional)</label>'


def _who(user: User) -> str:
    place: Team = user.team
    return f"{user.name} of {place.name}"


def _page(title: str, content: str, *, status: int = 200) -> web.Response:
    text = f"<!doctype html><title>{escape(title)}</title><style>{STYLE}</style><h1>{escape(title)}</h1>{content}"
    return web.Response(status=status, text=text, content_type="text/html")
