"""All records of the practice Slack, and their ids."""

from __future__ import annotations

import random
import string
from datetime import datetime

from bot.clock import Clock
from playground.slack.models import JSON, App, Channel, Guest, Installation, Message, Team, User

__all__ = ["JSON", "App", "Channel", "Guest", "Installation", "Message", "Team", "User", "World"]


class World:
    """All records by id; equal seeds give equal ids."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.teams: list[Team] = []
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.installations: list[Installation] = []
        self._directs: dict[tuple[User, User], Channel] = {}
        self._bots: dict[str, tuple[Installation, datetime | None]] = {}
        self._apps: dict[str, App] = {}
        self._named = 0

    def now(self) -> datetime:
        return self.clock.now()

    def new_id(self, prefix: str) -> str:
        """Return a unique id such as ``U0A1B2C3D4E``, in upper case as the mention syntax needs it."""
        self._named += 1
        return f"{prefix}0{self.letters(5, string.ascii_uppercase)}{self._named:04X}"

    def letters(self, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def new_ts(self, channel: Channel) -> str:
        """Return a ``ts`` that is unique and increasing in its channel, even if the clock stands still."""
        tick = max(round(self.now().timestamp() * 1_000_000), channel.last_tick + 1)
        channel.last_tick = tick
        return f"{tick // 1_000_000}.{tick % 1_000_000:06d}"

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    def add_app(self, app: App) -> App:
        self._apps[app.app_token] = app
        return app

    def app_with(self, client_id: str) -> App | None:
        return next((app for app in self._apps.values() if app.client_id == client_id), None)

    def add_installation(self, installation: Installation) -> Installation:
        self.installations.append(installation)
        self.hand_out(installation, installation.bot_token)
        self.add_app(installation.app)
        return installation

    def hand_out(self, installation: Installation, token: str, ends_at: datetime | None = None) -> None:
        """Add a token of the installation, which expires at ``ends_at``."""
        installation.bot_token = token
        self._bots[token] = (installation, ends_at)

    def take_back(self, token: str) -> None:
        self._bots.pop(token, None)

    def tokens_of(self, installation: Installation) -> list[str]:
        """Return the installation's tokens, oldest first."""
        return [token for token, (each, _) in self._bots.items() if each is installation]

    def has_ended(self, token: str) -> bool:
        _, ends_at = self._bots.get(token, (None, None))
        return ends_at is not None and ends_at <= self.now()

    def direct(self, bot: User, person: User) -> Channel:
        """Return the direct message channel between them, opening it if necessary."""
        if (bot, person) not in self._directs:
            self._directs[bot, person] = self.add_channel(
                Channel(
                    id=self.new_id("D"),
                    name="directmessage",
                    team=person.team if bot.team.is_organisation else bot.team,
                    created=int(self.now().timestamp()),
                    is_private=True,
                    members=[bot, person],
                    between=(bot, person),
                )
            )
        return self._directs[bot, person]

    def installation_of(self, token: str) -> Installation | None:
        return self._bots.get(token, (None, None))[0]

    def installation_with(self, bot_id: str) -> Installation:
        return next(each for each in self.installations if each.bot_id == bot_id)

    def app_of(self, token: str) -> App | None:
        return self._apps.get(token)
