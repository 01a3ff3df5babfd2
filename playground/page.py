"""The page of the playground: one local server for its files, its live state and what people do on it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.page_bitrise import BitriseDeeds
from playground.page_guide import Guide
from playground.page_live import Live
from playground.page_shown import Shown
from playground.page_slack import SlackDeeds
from playground.page_trouble import Trouble
from playground.page_wire import Wire
from playground.slack.errors import SlackError
from playground.slack.world import User
from playground.stage import Stage

JSON = dict[str, Any]

HOST = "127.0.0.1"
FILES = Path(__file__).parent / "web"
NAMES_OF_HERE = frozenset({"127.0.0.1", "localhost"})
HEADERS = {
    # Nothing is ever asked of another machine, whatever a message links to or shows.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http://127.0.0.1:*; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Page:
    """Serves one stage to any number of windows. ``url`` is known once it has started."""

    def __init__(self, stage: Stage, port: int = 0) -> None:
        self._stage, self._port = stage, port
        self._runner: web.AppRunner | None = None
        self.wire = Wire(stage.slack.journal, stage.bitrise.journal)
        self.guide = Guide(stage)
        self.trouble = Trouble(stage, self.guide)
        self.live = Live(stage, Shown(stage, self.trouble, self.guide), self.wire)
        self._slack = SlackDeeds(stage, self.guide)
        self._bitrise = BitriseDeeds(stage, self.guide)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}/"

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        self._runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._port).start()
        self._port = self._runner.addresses[0][1]
        self.live.begin()

    async def stop(self) -> None:
        self.live.end()
        if self._runner is not None:
            await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[guard])
        app.router.add_get("/", show_page)
        app.router.add_get("/favicon.ico", show_nothing)
        app.router.add_static("/web/", FILES)
        app.router.add_get("/api/state", self._state)
        app.router.add_get("/api/events", self._events)
        app.router.add_get("/api/wire/{number}", self._entry)
        app.router.add_post("/api/{side}/{deed}", self._do)
        return app

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.live.snapshot(self._person(request.query.get("person"))))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self.live.serve(request, self._person(request.query.get("person")))

    async def _entry(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        entry = self.wire.entry(int(number)) if number.isdecimal() else None
        return web.json_response(entry) if entry else refused("That exchange is too old to be shown.", 404)

    async def _do(self, request: web.Request) -> web.Response:
        """One deed. What cannot be done is a sentence with status 409, as a person would find the button gone."""
        try:
            asked = await request.json()
            told = await self._deed(request.match_info["side"], request.match_info["deed"], asked)
        except (LookupError, ValueError, SlackError) as error:
            return refused(str(error.args[0] if error.args else error), 409)
        finally:
            self.live.wake()
        return web.json_response(told or {"ok": True})

    async def _deed(self, side: str, deed: str, asked: JSON) -> JSON | None:
        if side == "slack":
            # A window that is closed meanwhile must not tear a delivery apart.
            return await asyncio.shield(self._slack.do(deed, self._person(asked.get("person")), asked))
        if side == "bitrise":
            return self._bitrise.do(deed, asked)
        if side == "trouble":
            return await self.trouble.do(deed, asked)
        raise LookupError(f"there is no {side} here")

    def _person(self, user_id: str | None) -> User:
        """Who sits before the window; the first engineer when nobody was chosen yet."""
        people = self._stage.people
        known = {user.id: user for user in people.values()} | people
        return known.get(user_id or "") or people.get("ana") or next(iter(people.values()))


@web.middleware
async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Only this page talks to this server: no other site by the person's browser, and no name that points here."""
    origin = request.headers.get("Origin")
    if (request.url.host not in NAMES_OF_HERE) or (origin and origin != f"http://{request.host}"):
        return refused("This server is for its own page only.", 403)
    if request.method == "POST" and request.content_type != "application/json":
        return refused("Deeds are told as JSON.", 415)
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def refused(sentence: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": sentence}, status=status)


async def show_page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILES / "index.html")


async def show_nothing(request: web.Request) -> web.Response:
    return web.Response(status=204)
