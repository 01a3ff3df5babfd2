"""Two companies with one Buildbell: each installs it in a browser and has its own Bitrise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from pydantic import SecretStr

from playground.bitrise import App as BitriseApp
from playground.bitrise import Workflow
from playground.bot_process import free_port
from playground.slack import App, Channel, Installation, Team, User
from tests.world import World


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def location(self) -> str:
        return self.headers["Location"]


class Browser:
    """Keeps cookies and follows no redirects. Sends Secure cookies over HTTP, as browsers do to localhost."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.cookies: dict[str, str] = {}
        self.set_cookies: list[str] = []

    async def get(self, url: str, method: str = "GET", **form: str) -> Page:
        """Request a URL or a path of Buildbell."""
        whole = url if url.startswith("http") else self._address + url
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, whole, headers=headers, allow_redirects=False, data=form or None) as answer,
        ):
            self.cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            self.set_cookies += answer.headers.getall("Set-Cookie", [])
            return Page(answer.status, await answer.text(), dict(answer.headers))


class Many(World):
    """Two workspaces without Buildbell: Acme as in `World`; Globex with engineer Gil, admin Gia, #droid, one app."""

    def __init__(self, folder: Path, *, rotates: bool = True, grid: bool = False, **settings: Any) -> None:
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        super().__init__(folder, **{"port": port, "public_url": self.address, **settings})
        self._rotates, self._grid = rotates, grid

    def _furnish_slack(self) -> None:
        super()._furnish_slack()
        slack = self.slack
        self.globex = slack.add_team("Globex")
        self.gia = slack.add_user(self.globex, "gia", admin=True)
        self.gil = slack.add_user(self.globex, "gil")
        self.droid_channel = slack.add_channel(self.globex, "droid", members=[self.gia, self.gil])
        if self._grid:
            self.org = slack.add_organisation("Initech")
            self.east, self.west = (slack.add_team(name, of=self.org) for name in ("East", "West"))
            self.eve = slack.add_user(self.east, "eve", admin=True)
            self.wes = slack.add_user(self.west, "wes", admin=True)
            self.east_channel = slack.add_channel(self.east, "builds", members=[self.eve])
            self.west_channel = slack.add_channel(self.west, "builds", members=[self.wes])

    def _create_app(self) -> None:
        manifest = self._manifest(
            slack_client_id="1.2", slack_client_secret=SecretStr("x" * 32), public_url=self.address
        )
        manifest["settings"]["token_rotation_enabled"] = self._rotates
        self.registered = self.slack.register(manifest)

    @property
    def _slack_app(self) -> App:
        return self.registered

    def _slack_settings(self) -> dict[str, Any]:
        return {
            "slack_client_id": self.registered.client_id,
            "slack_client_secret": SecretStr(self.registered.client_secret),
        }

    def _furnish_bitrise(self) -> None:
        super()._furnish_bitrise()
        self.token = self.bitrise.add_workspace_token(self.acme)
        theirs = self.bitrise.add_workspace("Globex")
        workflows = {"deploy": Workflow(timedelta(minutes=5)), "endless": Workflow(None)}
        self.game: BitriseApp = self.bitrise.add_app(
            "Globex Game", theirs, repo_owner="globex", repo_slug="game", workflows=workflows
        )
        self.their_token = self.bitrise.add_workspace_token(theirs)

    def browser(self) -> Browser:
        return Browser(self.address)

    async def install(
        self, by: User, *, to: Team | None = None, into: Channel | None = None, declined: tuple[str, ...] = ()
    ) -> Installation:
        """Press Add to Slack, allow it without the declined scopes, follow the redirect, and invite the bot."""
        browser = self.browser()
        asked = await browser.get("/slack/install/start")
        page = await browser.get(self.slack.consent(by, asked.location, to=to, declined=declined))
        assert page.status == 200, page.text
        await self.settled()
        installation = self.installation(to or by.team)
        if into is not None:
            self.slack.invite(into, installation.bot_user)
        return installation

    def installation(self, team: Team) -> Installation:
        return next(each for each in self.slack.world.installations if each.team is team)

    async def both_install(self) -> None:
        """Install in Acme and Globex, each connected to its own Bitrise."""
        self.app = await self.install(self.ada, into=self.ios)
        self.their_app = await self.install(self.gia, into=self.droid_channel)
        await self.connect()
        await self.connect_theirs()

    async def connect_theirs(self) -> None:
        await self.say("/build connect", by=self.gia, at=self.droid_channel)
        await self.submit({"connect.token": self.their_token}, by=self.gia)

    async def uninstall(self, installation: Installation) -> None:
        self.slack.uninstall(installation)
        await self.settled()


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
