"""The world of the stories: the real bot between practice servers, on a clock that only the test moves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from bot.app import Bot
from bot.manifest import build_manifest
from bot.settings import Settings
from bot.vault import new_key
from playground.bitrise import App as BitriseApp
from playground.bitrise import Build, PracticeBitrise, Workflow
from playground.clock import SteppedClock
from playground.plain_text import message_text, view_text
from playground.slack import App, Channel, Delivery, Limits, Message, PracticeSlack, User, View

MINUTES_OF = {"deploy": 7, "test": 4, "primary": 3}


class SettingsOfTest(Settings):
    """Only what the test gives. To look for fifty names in the environment takes longer than to start the bot."""

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


class World:
    """Acme with two apps: the engineers Ana and Bo, the admin Ada, and the bot, all in #ios."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock: SteppedClock = settings.pop("clock", None) or SteppedClock()
        self.slack = PracticeSlack(clock=self.clock, limits=settings.pop("limits", None) or Limits())
        self.bitrise = PracticeBitrise(self.clock)
        self._folder, self._settings = folder, settings
        self._socket_mode = settings.pop("socket_mode", True)
        self._declined: tuple[str, ...] = settings.pop("declined_scopes", ())
        self._key = new_key()
        self._ids = itertools.count(1)
        self.is_up = False
        self.expects_errors = False  # a story in which the bot logs an error fails, unless this is set

    async def open(self) -> None:
        await self.slack.start()
        await self.bitrise.start()
        self._furnish_slack()
        self._furnish_bitrise()
        await self.start_bot()

    async def close(self) -> None:
        await self.stop_bot()
        await self.slack.stop()
        await self.bitrise.stop()

    def _furnish_slack(self) -> None:
        slack = self.slack
        self.team = slack.add_team("Acme")
        self.ada = slack.add_user(self.team, "ada", admin=True)
        self.ana = slack.add_user(self.team, "ana")
        self.bo = slack.add_user(self.team, "bo")
        self.ios = slack.add_channel(self.team, "ios", members=[self.ada, self.ana, self.bo])
        self.partner = slack.add_team("Partner")
        self.stranger = slack.add_user(self.partner, "sly")
        self._create_app()

    def _create_app(self) -> None:
        self.app = self.slack.install(self._manifest(), self.team, declined=self._declined)
        self.slack.invite(self.ios, self.app.bot_user)

    def _manifest(self, **settings: Any) -> dict[str, Any]:
        """Return the manifest for these settings."""
        given: dict[str, Any] = {
            "bitrise_site_url": self.bitrise.site_url,
            "slack_app_token": SecretStr("xapp-x") if self._socket_mode else None,
            "public_url": None if self._socket_mode else "https://buildbell.example.com",
        }
        return build_manifest(SettingsOfTest(**(given | settings)))

    def _furnish_bitrise(self) -> None:
        bitrise = self.bitrise
        self.acme = bitrise.add_workspace("Acme")
        self.owner = bitrise.add_user("ci-bot")
        workflows = {name: Workflow(timedelta(minutes=minutes)) for name, minutes in MINUTES_OF.items()}
        self.shop: BitriseApp = bitrise.add_app(
            "iOS Shop", self.acme, repo_owner="acme", repo_slug="shop",
            workflows=workflows | {"endless": Workflow(None)}, pipelines={"release": [["test"], ["deploy"]]},
        )  # fmt: skip
        self.droid: BitriseApp = bitrise.add_app(
            "Android Shop", self.acme, repo_owner="acme", repo_slug="shop-android", workflows=workflows
        )
        self.token = bitrise.add_token(self.owner)

    # The bot.

    async def start_bot(self) -> None:
        self.bot = Bot(self.settings(), clock=self.clock, new_id=lambda: f"{next(self._ids):016x}")
        await self.bot.start()
        if not self._socket_mode:
            self._slack_app.request_url = f"http://127.0.0.1:{self.bot.port}/slack/events"
        self.is_up = True

    async def stop_bot(self) -> None:
        if self.is_up:
            self.is_up = False
            await self.bot.stop()

    async def restart_bot(self, **settings: Any) -> None:
        """Stop and start the bot, with changed settings if any are given."""
        await self.stop_bot()
        self._settings |= settings
        await self.start_bot()

    @property
    def _slack_app(self) -> App:
        """The registered app behind the installation."""
        return self.app.app

    def _slack_settings(self) -> dict[str, Any]:
        return {"slack_bot_token": SecretStr(self.app.bot_token)}

    def settings(self) -> Settings:
        values: dict[str, Any] = {
            **self._slack_settings(),
            "slack_app_token": SecretStr(self._slack_app.app_token) if self._socket_mode else None,
            "slack_signing_secret": SecretStr(self._slack_app.signing_secret),
            "slack_api_url": self.slack.api_url,
            "bitrise_api_url": self.bitrise.api_url,
            "bitrise_site_url": self.bitrise.site_url,
            "database_url": f"sqlite:///{self._folder}/buildbell.db",
            "encryption_keys": SecretStr(self._key),
            "port": 0,
            "sweep_seconds": 20,  # half as many syncs as by default: they are most of what a story costs
            "shutdown_seconds": 2,
        }
        return SettingsOfTest(**(values | self._settings))

    async def settled(self) -> None:
        """Return when everything is idle: no delivery, call, task or due job."""
        while True:
            await self.slack.quiet()
            await self.bitrise.quiet()
            if not self.is_up:
                return
            await self.bot.wait_idle()
            if not self.slack.busy and not self.bitrise.is_busy:
                return

    async def passes(self, *, seconds: float = 0, minutes: float = 0) -> None:
        """Let time pass; everything due on the way happens at its time."""
        await self.settled()
        end = self.clock.now() + timedelta(seconds=seconds, minutes=minutes)
        while (at := self.clock.next_waking()) is not None and at <= end:
            self.clock.move_to(at)
            await self.settled()
        self.clock.move_to(end)
        await self.settled()

    # Actions of a person.

    async def connect(self, token: str | None = None, *, by: User | None = None) -> None:
        """Connect Bitrise as an admin."""
        person = by or self.ada
        await self.say("/build connect", by=person)
        await self.submit({"connect.token": token or self.token}, by=person)

    async def say(self, text: str, *, by: User | None = None, at: Channel | None = None) -> Delivery:
        delivery = await self.slack.command(by or self.ana, at or self.ios, text)
        await self.settled()
        return delivery

    async def press(
        self, message: Message, button: str, *, by: User | None = None, value: str | None = None
    ) -> Delivery:
        delivery = await self.slack.press(by or self.ana, message, button, value)
        await self.settled()
        return delivery

    async def submit(self, values: Mapping[str, Any], *, by: User | None = None) -> Delivery:
        person = by or self.ana
        delivery = await self.slack.submit(person, self.slack.view(person), values)
        await self.settled()
        return delivery

    async def stop_build(self, card: Message, *, by: User | None = None, **values: Any) -> Delivery:
        """Press Stop…, enter a reason, submit."""
        await self.press(card, "Stop…", by=by)
        fields = {"abort.reason": "wrong-target", "abort.sentence": "wrong branch"} | {
            f"abort.{name}": value for name, value in values.items()
        }
        return await self.submit(fields, by=by)

    # Messages and views as a person sees them.

    def read(self, message: Message) -> str:
        names = {user.id: user.name for user in (self.ada, self.ana, self.bo, self.stranger)}
        return message_text(message.text, message.blocks, names)

    def cards(self, at: Channel | None = None) -> list[Message]:
        """Return the messages of a channel outside threads, oldest first."""
        return [message for message in self.slack.messages(at or self.ios) if message.thread_ts in (None, message.ts)]

    @property
    def card(self) -> Message:
        """The newest card in #ios."""
        return self.cards()[-1]

    def thread(self, card: Message) -> list[str]:
        return [self.read(message) for message in self.slack.thread(card) if message.ts != card.ts]

    def sees(self, at: Channel | None = None) -> str:
        """Return everything in a channel as text."""
        return "\n\n".join(self.read(message) for message in self.slack.messages(at or self.ios))

    def whispers(self, to: User | None = None, at: Channel | None = None) -> list[str]:
        """Return the person's ephemeral messages, oldest first."""
        return [self.read(message) for message in self.slack.ephemerals(to or self.ana, at or self.ios)]

    def whisper(self, to: User | None = None, at: Channel | None = None) -> Message:
        """Return the person's newest ephemeral message, to press its buttons."""
        return self.slack.ephemerals(to or self.ana, at or self.ios)[-1]

    def letters(self, to: User | None = None) -> list[str]:
        """Return the direct messages from the bot."""
        return [self.read(message) for message in self.slack.direct_messages(to or self.ana, self.app)]

    def modal(self, of: User | None = None) -> View:
        return self.slack.view(of or self.ana)

    def modal_text(self, of: User | None = None) -> str:
        return view_text(self.modal(of).body)

    # State of Bitrise.

    def builds(self) -> list[Build]:
        return list(self.bitrise.builds())
