"""The practice Slack: one server on loopback with the Web API, Socket Mode, response_urls and uploads."""

from __future__ import annotations

import json

from aiohttp import web

from bot.clock import Clock
from playground.slack.consent import ConsentPage
from playground.slack.delivery import Courier
from playground.slack.limits import Limits
from playground.slack.moves import Moves
from playground.slack.oauth import OAuth
from playground.slack.response_urls import ResponseUrls
from playground.slack.signed_http import SignedPost, Signing
from playground.slack.sockets import Sockets
from playground.slack.uploads import Uploads
from playground.slack.user_messages import UserMessages
from playground.slack.visible import VisibleMessages
from playground.slack.web_api import WebApi
from playground.slack.world import Installation
from playground.wire import Callback, Phase

MAX_BODY = 8 * 1024**2


class PracticeSlack(OAuth, Moves, UserMessages, VisibleMessages):
    """Start it, create a team, install the app, and act as its users.

    ``journal`` records every exchange, ``faults`` lets the next calls fail, ``sockets`` breaks connections, ``limits``
    sets the rate limits, ``signing`` breaks signatures.
    """

    def __init__(self, *, clock: Clock, port: int = 0, limits: Limits | None = None, seed: int = 0) -> None:
        super().__init__(clock, limits, seed)
        self._port = port
        self._post = SignedPost(self.limits)
        self._runner: web.AppRunner | None = None
        self.sockets = Sockets(self)
        self.courier = Courier(self, self.sockets, self._post)
        self.responses = ResponseUrls(self)

    @property
    def api_url(self) -> str:
        """The base URL for clients, with a slash at the end."""
        return f"{self.base_url}/api/"

    @property
    def signing(self) -> Signing:
        return self._post.signing

    async def start(self) -> None:
        self._runner = web.AppRunner(self._routes(), access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._port = port
        self.base_url = f"http://{host}:{port}"

    async def stop(self) -> None:
        await self.courier.close()
        await self.sockets.close()
        await self._post.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def quiet(self) -> None:
        """Return when no delivery waits for an ack and no call is being answered."""
        await self.busy.quiet()

    def on(self, name: str, phase: Phase, callback: Callback) -> None:
        """Await ``callback`` when a Web API method, ``response_url`` or a delivery of that name reaches the phase."""
        self.hooks.on(name, phase, callback)

    async def verify_url(self, app: Installation) -> bool:
        """Verify the request URL as Slack does on saving it: the app has to return the challenge."""
        challenge = self.world.letters(52)
        asked = {"token": app.app.verification_token, "challenge": challenge, "type": "url_verification"}
        headers = {"Content-Type": "application/json"}
        outcome = await self._post.send(app, json.dumps(asked).encode(), headers)
        return challenge in (outcome.answer or {}).values()

    async def ssl_check(self, app: Installation) -> bool:
        """Send Slack's SSL check of publicly distributed apps, which expects 200."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = f"ssl_check=1&token={app.app.verification_token}".encode()
        return (await self._post.send(app, body, headers)).reason is None

    def _routes(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        api = WebApi(self)
        app.router.add_route("GET", "/api/{method}", api.handle)
        app.router.add_route("POST", "/api/{method}", api.handle)
        app.router.add_post("/respond/{team}/{key}", self.responses.handle)
        uploads = Uploads(self)
        app.router.add_post("/upload/v1/{key}", uploads.take)
        app.router.add_get("/files/{key}/{name}", uploads.serve)
        app.router.add_get("/link/", self.sockets.serve)
        consent = ConsentPage(self)
        app.router.add_get("/oauth/v2/authorize", consent.show)
        app.router.add_post("/oauth/v2/authorize", consent.decide)
        return app
