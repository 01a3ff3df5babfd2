"""HTTP routes of an installation: /slack/install, the redirect to Slack, and the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.manifest import REDIRECT_PATH
from bot.web import oauth_pages as pages
from bot.workspaces.oauth import STATE_LIFETIME, InstallationFailed, OAuth

INSTALL_PATH: Final = "/slack/install"
START_PATH: Final = "/slack/install/start"
COOKIE: Final = "buildbell-install"
Handler = Callable[[web.Request], Awaitable[web.Response]]


def add_oauth(app: web.Application, oauth: OAuth, *, is_ready: Callable[[], str | None]) -> None:
    # A HEAD request must not start an installation or use its state.
    app.router.add_get(INSTALL_PATH, _install(oauth), allow_head=False)
    app.router.add_get(START_PATH, _once_ready(_start(oauth), is_ready), allow_head=False)
    app.router.add_get(REDIRECT_PATH, _once_ready(_return(oauth), is_ready), allow_head=False)


def _once_ready(handler: Handler, is_ready: Callable[[], str | None]) -> Handler:
    async def handle_if_ready(request: web.Request) -> web.Response:
        if is_ready():
            return _page(pages.failed("Buildbell is starting or stopping just now.", START_PATH), status=503)
        return await handler(request)

    return handle_if_ready


def _install(oauth: OAuth) -> Handler:
    async def install(request: web.Request) -> web.Response:
        return _page(pages.install(START_PATH, command=oauth.command))

    return install


def _start(oauth: OAuth) -> Handler:
    async def start(request: web.Request) -> web.Response:
        name = cookie_name(oauth)
        redirect = oauth.begin(request.cookies.get(name))
        response = web.Response(status=302, headers={"Location": redirect.url, **pages.HEADERS})
        response.set_cookie(
            name, redirect.cookie, max_age=int(STATE_LIFETIME.total_seconds()), path="/", secure=True, httponly=True,
            samesite="Lax",
        )  # fmt: skip
        return response

    return start


def _return(oauth: OAuth) -> Handler:
    async def finish(request: web.Request) -> web.Response:
        parameters = {name: request.query.get(name, "") for name in ("state", "code", "error")}
        try:
            grant = await oauth.finish(cookie=request.cookies.get(cookie_name(oauth), ""), **parameters)
        except InstallationFailed as error:
            return _page(pages.failed(error.sentence, START_PATH), status=error.status)
        return _page(pages.installed(grant, command=oauth.command))

    return finish


def cookie_name(oauth: OAuth) -> str:
    """Return the name of the state cookie. With HTTPS, its prefix keeps other hosts of the domain from setting it."""
    return f"__Host-{COOKIE}" if oauth.is_https else COOKIE


def _page(text: str, *, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=pages.headers())
