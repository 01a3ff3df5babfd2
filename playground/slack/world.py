"""Who and what there is: teams, people, channels, messages, apps and their installations."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.clock import Clock

JSON = dict[str, Any]


@dataclass(slots=True, eq=False)
class Team:
    id: str
    name: str
    domain: str


@dataclass(slots=True, eq=False)
class User:
    """A person or a bot user."""

    id: str
    name: str
    team: Team
    real_name: str
    email: str | None = None
    is_admin: bool = False
    is_bot: bool = False
    deleted: bool = False
    tz: str = "Europe/Amsterdam"


@dataclass(slots=True, eq=False)
class Channel:
    """A channel or, with ``between``, the direct messages of a bot and a person."""

    id: str
    name: str
    team: Team
    created: int
    is_private: bool = False
    is_archived: bool = False
    previous_names: list[str] = field(default_factory=list)
    members: list[User] = field(default_factory=list)
    shared_with: list[Team] = field(default_factory=list)
    between: tuple[User, User] | None = None
    last_tick: int = 0
    _messages: dict[str, Message] = field(default_factory=dict)

    @property
    def is_im(self) -> bool:
        return self.between is not None

    def reaches(self, team: Team) -> bool:
        return self.team is team or team in self.shared_with

    @property
    def messages(self) -> list[Message]:
        """All of them in the order they came, ephemeral ones included."""
        return list(self._messages.values())

    def add(self, message: Message) -> None:
        self._messages[message.ts] = message

    def remove(self, message: Message) -> None:
        self._messages.pop(message.ts, None)

    def standing(self, ts: str) -> Message | None:
        return self._messages.get(ts)

    def find(self, ts: str) -> Message | None:
        """What the Web API can find: never an ephemeral message."""
        message = self._messages.get(ts)
        return None if message is None or message.is_ephemeral else message


@dataclass(slots=True, eq=False)
class Message:
    """What stands in a channel now; ``seen_by`` makes it ephemeral."""

    channel: Channel
    ts: str
    user: User
    text: str
    app: Installation | None = None
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: JSON | None = None
    edited: bool = False
    seen_by: User | None = None
    command: str | None = None
    """What was typed, when an in_channel answer shows it to everybody."""
    unfurls: dict[str, JSON] = field(default_factory=dict)
    """Link to the attachment an app hung under it."""
    files: list[JSON] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    state: dict[str, dict[str, JSON]] = field(default_factory=dict)
    """What is chosen in its selects."""

    @property
    def is_ephemeral(self) -> bool:
        return self.seen_by is not None

    def snapshot(self) -> Message:
        """As somebody still has it on the screen before an update arrives; it can be pressed like the original."""
        return replace(self, blocks=list(self.blocks), attachments=list(self.attachments), unfurls=dict(self.unfurls))

    def payload(self) -> JSON:
        """As the Web API and interactions show it."""
        shown: JSON = {"type": "message", "user": self.user.id, "text": self.text, "ts": self.ts}
        shown["team"] = self.user.team.id
        if self.app is not None:
            shown |= {
                "bot_id": self.app.bot_id,
                "app_id": self.app.app.id,
                "bot_profile": self.app.bot_profile(),
            }
        optional = {
            "blocks": self.blocks,
            "attachments": [*self.attachments, *self.unfurls.values()],
            "files": self.files,
            "thread_ts": self.thread_ts,
            "metadata": self.metadata,
        }
        shown |= {name: value for name, value in optional.items() if value}
        if self.edited:
            shown["edited"] = {"user": self.app.bot_id if self.app else self.user.id, "ts": self.ts}
        return shown


@dataclass(slots=True, eq=False)
class App:
    """What its maker registered at Slack; teams have it through an Installation."""

    id: str
    manifest: Mapping[str, Any]
    app_token: str
    signing_secret: str
    verification_token: str
    request_url: str | None = None

    @property
    def name(self) -> str:
        return str((self.manifest.get("display_information") or {}).get("name") or "app")

    @property
    def socket_mode(self) -> bool:
        return bool(self.settings.get("socket_mode_enabled"))

    @property
    def settings(self) -> Mapping[str, Any]:
        return self.manifest.get("settings") or {}

    @property
    def features(self) -> Mapping[str, Any]:
        return self.manifest.get("features") or {}

    @property
    def commands(self) -> list[Mapping[str, Any]]:
        return self.features.get("slash_commands") or []

    @property
    def shortcuts(self) -> list[Mapping[str, Any]]:
        return self.features.get("shortcuts") or []

    @property
    def home_enabled(self) -> bool:
        return bool((self.features.get("app_home") or {}).get("home_tab_enabled"))

    @property
    def unfurl_domains(self) -> list[str]:
        return self.features.get("unfurl_domains") or []

    def hears(self, event: str) -> bool:
        return event in ((self.settings.get("event_subscriptions") or {}).get("bot_events") or [])


@dataclass(slots=True, eq=False)
class Installation:
    """An app in a team: its bot user, its bot token, what it may do."""

    app: App
    team: Team
    bot_user: User
    bot_id: str
    bot_token: str
    scopes: tuple[str, ...]
    revoked: bool = False

    @property
    def id(self) -> str:
        return self.app.id

    @property
    def app_token(self) -> str:
        return self.app.app_token

    @property
    def signing_secret(self) -> str:
        return self.app.signing_secret

    @property
    def request_url(self) -> str | None:
        return self.app.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.app.request_url = url

    def bot_profile(self) -> JSON:
        return {
            "id": self.bot_id,
            "deleted": False,
            "name": self.bot_user.name,
            "updated": 0,
            "app_id": self.app.id,
            "icons": {},
            "team_id": self.team.id,
        }


class World:
    """All records, and the ids that name them; equal seeds give equal ids."""

    def __init__(self, clock: Clock, seed: int = 0) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.teams: list[Team] = []
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.installations: list[Installation] = []
        self._directs: dict[tuple[User, User], Channel] = {}
        self._bots: dict[str, Installation] = {}
        self._apps: dict[str, App] = {}
        self._named = 0

    def now(self) -> datetime:
        return self.clock.now()

    def new_id(self, prefix: str) -> str:
        """Like ``U0A1B2C3D4E``: never the same twice, in upper case as the mention syntax wants it."""
        self._named += 1
        return f"{prefix}0{self.letters(5, string.ascii_uppercase)}{self._named:04X}"

    def letters(self, count: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        return "".join(self.random.choices(alphabet, k=count))

    def new_ts(self, channel: Channel) -> str:
        """Unique and rising in its channel, whatever the clock does."""
        tick = max(round(self.now().timestamp() * 1_000_000), channel.last_tick + 1)
        channel.last_tick = tick
        return f"{tick // 1_000_000}.{tick % 1_000_000:06d}"

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        return channel

    def add_installation(self, installation: Installation) -> Installation:
        self.installations.append(installation)
        self._bots[installation.bot_token] = installation
        self._apps[installation.app.app_token] = installation.app
        return installation

    def direct(self, bot: User, person: User) -> Channel:
        """The direct messages between them, opened when there are none yet."""
        if (bot, person) not in self._directs:
            self._directs[bot, person] = self.add_channel(
                Channel(
                    id=self.new_id("D"),
                    name="directmessage",
                    team=bot.team,
                    created=int(self.now().timestamp()),
                    is_private=True,
                    members=[bot, person],
                    between=(bot, person),
                )
            )
        return self._directs[bot, person]

    def installation_of(self, token: str) -> Installation | None:
        return self._bots.get(token)

    def installation_with(self, bot_id: str) -> Installation:
        return next(each for each in self.installations if each.bot_id == bot_id)

    def app_of(self, token: str) -> App | None:
        return self._apps.get(token)
