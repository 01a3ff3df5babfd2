"""Serve the page of the playground: its files, its live state, and the actions of the person using it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from playground.bot_process import ROOT, BotFailed
from playground.page.bitrise import BitriseActions
from playground.page.guide import Guide, setup_steps
from playground.page.live import LiveUpdates
from playground.page.scenes import Scenes
from playground.page.slack import SlackActions
from playground.page.state import PageState
from playground.page.trouble import Trouble
from playground.page.wire import WireLog
from playground.slack.errors import SlackError
from playground.slack.world import User
from playground.stage import Stage, StageFailed

JSON = dict[str, Any]

HOST = "127.0.0.1"
FILES = Path(__file__).parents[1] / "web"
README = ROOT / "README.md"
LOCAL_NAMES = frozenset({"127.0.0.1", "localhost"})
HEADERS = {
    # The page loads nothing from another machine, even if a message links to it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: http://127.0.0.1:*; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class PageServer:
    """Serves one stage to any number of windows. ``url`` is valid after `start`."""

    def __init__(self, stage: Stage, port: int = 0) -> None:
        self._stage, self._port = stage, port
        self._runner: web.AppRunner | None = None
        self.wire = WireLog(stage.slack.journal, stage.bitrise.journal)
        self.guide = Guide(stage)
        self.trouble = Trouble(stage, self.guide)
        self.scenes = Scenes(stage)
        self.live = LiveUpdates(stage, PageState(stage, self.trouble, self.guide), self.wire)
        self._slack = SlackActions(stage, self.guide)
        self._bitrise = BitriseActions(stage, self.guide)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}/"

    async def start(self) -> None:
        """Start listening. Raises OSError if the port is taken."""
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
        app.router.add_get("/api/setup", self._setup)
        app.router.add_get("/api/wire/{number}", self._entry)
        app.router.add_post("/api/{side}/{action}", self._answer)
        return app

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response(self.live.snapshot(self._person(request.query.get("person"))))

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self.live.serve(request, self._person(request.query.get("person")))

    async def _setup(self, request: web.Request) -> web.Response:
        self.guide.note("setup")
        self.live.wake()
        return web.json_response({"steps": setup_steps(README.read_text())})

    async def _entry(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        entry = self.wire.entry(int(number)) if number.isdecimal() else None
        return web.json_response(entry) if entry else error_response("That exchange is no longer kept.", 404)

    async def _answer(self, request: web.Request) -> web.Response:
        """Perform one action. Answer 409 with a sentence if it is impossible."""
        try:
            body = await request.json()
            result = await self._act(request.match_info["side"], request.match_info["action"], body)
        except (LookupError, ValueError, SlackError) as error:
            return error_response(str(error.args[0] if error.args else error), 409)
        except (StageFailed, BotFailed) as error:
            return error_response(f"{str(error).partition(';')[0].rstrip('.')}. Try again.", 409)
        finally:
            self.live.wake()
        return web.json_response(result or {"ok": True})

    async def _act(self, side: str, action: str, body: JSON) -> JSON | None:
        if side == "slack":
            # Closing the window must not cancel the delivery.
            return await asyncio.shield(self._slack.perform(action, self._person(body.get("person")), body))
        if side == "bitrise":
            return self._bitrise.perform(action, body)
        if side == "trouble":
            return await self.trouble.perform(action, body)
        if side == "scenes":
            return await asyncio.shield(self.scenes.perform(action))
        raise LookupError(f"unknown part {side}")

    def _person(self, user_id: str | None) -> User:
        """Return the person who uses the window, by default the first engineer."""
        people = self._stage.people
        people_by_id = {user.id: user for user in people.values()} | people
        return people_by_id.get(user_id or "") or people.get("ana") or next(iter(people.values()))


@web.middleware
async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
    """Refuse other origins and host names: only this page may talk to its server."""
    origin = request.headers.get("Origin")
    if (request.url.host not in LOCAL_NAMES) or (origin and origin != f"http://{request.host}"):
        return error_response("Only the playground's own page may use this server.", 403)
    if request.method == "POST" and request.content_type != "application/json":
        return error_response("Send actions as JSON.", 415)
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response


def error_response(sentence: str, status: int) -> web.Response:
    return web.json_response({"ok": False, "error": sentence}, status=status)


async def show_page(request: web.Request) -> web.FileResponse:
    return web.FileResponse(FILES / "index.html")


async def show_nothing(request: web.Request) -> web.Response:
    return web.Response(status=204)
