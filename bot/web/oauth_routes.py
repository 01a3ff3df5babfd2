"""HTTP routes of an installation: /slack/install, the redirect to Slack, and the redirect back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.manifest import REDIRECT_PATH
from bot.web import oauth_pages as pages
from bot.workspaces.oauth import STATE_LIFETIME, InstallationFailed, OAuth

INSTALL_PATH: Final = "/slack/install"
START_PATH: Final = "/slack/install/start"
COOKIE: Final = "buildbell-install"


def add_oauth(app: web.Application, oauth: OAuth, *, is_ready: Callable[[], str | None]) -> None:
    routes = OAuthRoutes(oauth, is_ready)
    # A HEAD request must not start an installation or use its state.
    app.router.add_get(INSTALL_PATH, routes.install, allow_head=False)
    app.router.add_get(START_PATH, routes.start, allow_head=False)
    app.router.add_get(REDIRECT_PATH, routes.finish, allow_head=False)


@dataclass(frozen=True, slots=True)
class OAuthRoutes:
    oauth: OAuth
    is_ready: Callable[[], str | None]

    async def install(self, request: web.Request) -> web.Response:
        return _page(pages.install(START_PATH, command=self.oauth.command))

    async def start(self, request: web.Request) -> web.Response:
        if self.is_ready():
            return _not_ready()
        name = cookie_name(self.oauth)
        redirect = self.oauth.begin(request.cookies.get(name))
        response = web.Response(status=302, headers={"Location": redirect.url, **pages.HEADERS})
        response.set_cookie(
            name, redirect.cookie, max_age=int(STATE_LIFETIME.total_seconds()), path="/", secure=True, httponly=True,
            samesite="Lax",
        )  # fmt: skip
        return response

    async def finish(self, request: web.Request) -> web.Response:
        if self.is_ready():
            return _not_ready()
        parameters = {name: request.query.get(name, "") for name in ("state", "code", "error")}
        try:
            grant = await self.oauth.finish(cookie=request.cookies.get(cookie_name(self.oauth), ""), **parameters)
        except InstallationFailed as error:
            return _page(pages.failed(error.sentence, START_PATH), status=error.status)
        return _page(pages.installed(grant, command=self.oauth.command))


def _not_ready() -> web.Response:
    return _page(pages.failed("Buildbell is starting or stopping. Try again.", START_PATH), status=503)


def cookie_name(oauth: OAuth) -> str:
    """Return the name of the state cookie. With HTTPS, its prefix keeps other hosts of the domain from setting it."""
    return f"__Host-{COOKIE}" if oauth.is_https else COOKIE


def _page(text: str, *, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=pages.headers())
