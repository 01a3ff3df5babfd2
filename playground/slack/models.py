"""Records of teams, users, channels, messages, apps and installations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

JSON = dict[str, Any]
Guest = Literal["multi_channel", "single_channel"]
Posting = Literal["open", "read_only", "no_threads", "threads_only"]
"""The posting permission of a channel. Admins may post in a read-only one, bots may not."""
Replies = Literal["open", "locked", "refused"]
"""``locked`` by an admin; ``refused``: a kind of message that can have no thread."""


@dataclass(slots=True, eq=False)
class Team:
    """A workspace, or an organization of several (its id starts with E)."""

    id: str
    name: str
    domain: str
    organisation: Team | None = None
    edit_window: timedelta | None = None
    """How long the workspace's settings let messages be edited: by default without limit."""

    @property
    def is_organisation(self) -> bool:
        return self.id.startswith("E")


@dataclass(slots=True, eq=False)
class User:
    """A person or a bot user. ``name`` is the handle; ``display_name``, the chosen name, may be empty."""

    id: str
    name: str
    team: Team
    real_name: str
    email: str | None = None
    display_name: str = ""
    guest: Guest | None = None
    is_admin: bool = False
    is_bot: bool = False
    deleted: bool = False
    tz: str = "Europe/Amsterdam"


@dataclass(slots=True, eq=False)
class Channel:
    """A channel or, with ``between``, the direct message of a bot and a person."""

    id: str
    name: str
    team: Team
    created: int
    is_private: bool = False
    is_archived: bool = False
    posting: Posting = "open"
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
        """Return whether the app of the team or of its organization can be in the channel."""
        return any(team in (each, each.organisation) for each in (self.team, *self.shared_with))

    @property
    def messages(self) -> list[Message]:
        """All messages in order, ephemeral ones included."""
        return list(self._messages.values())

    def add(self, message: Message) -> None:
        self._messages[message.ts] = message

    def remove(self, message: Message) -> None:
        self._messages.pop(message.ts, None)

    def standing(self, ts: str) -> Message | None:
        return self._messages.get(ts)

    def find(self, ts: str) -> Message | None:
        """Return a message the Web API can find, which excludes ephemeral ones."""
        message = self._messages.get(ts)
        return None if message is None or message.is_ephemeral else message


@dataclass(slots=True, eq=False)
class Message:
    """A message in its current state; ``seen_by`` makes it ephemeral."""

    channel: Channel
    ts: str
    user: User
    text: str
    app: Installation | None = None
    blocks: list[JSON] = field(default_factory=list)
    attachments: list[JSON] = field(default_factory=list)
    thread_ts: str | None = None
    replies: Replies = "open"
    metadata: JSON | None = None
    edited: bool = False
    seen_by: User | None = None
    command: str | None = None
    """The typed command, if an in_channel response shows it."""
    unfurls: dict[str, JSON] = field(default_factory=dict)
    """Attachments that apps added, by link."""
    files: list[JSON] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)
    state: dict[str, dict[str, JSON]] = field(default_factory=dict)
    """Selected values of its elements."""

    @property
    def is_ephemeral(self) -> bool:
        return self.seen_by is not None

    @property
    def posted_at(self) -> datetime:
        return datetime.fromtimestamp(float(self.ts), UTC)

    def snapshot(self) -> Message:
        """Return the message as it is now. Its buttons still work after an update, as on a slow client."""
        return replace(self, blocks=list(self.blocks), attachments=list(self.attachments), unfurls=dict(self.unfurls))

    def payload(self) -> JSON:
        """Return the message as the Web API and interactions show it."""
        payload: JSON = {"type": "message", "user": self.user.id, "text": self.text, "ts": self.ts}
        payload["team"] = self.user.team.id
        if self.app is not None:
            payload |= {
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
        payload |= {name: value for name, value in optional.items() if value}
        if self.edited:
            payload["edited"] = {"user": self.app.bot_id if self.app else self.user.id, "ts": self.ts}
        return payload


@dataclass(slots=True, eq=False)
class App:
    """An app as registered at Slack; an `Installation` connects it to a team."""

    id: str
    manifest: Mapping[str, Any]
    app_token: str
    signing_secret: str
    verification_token: str
    client_id: str
    client_secret: str
    request_url: str | None = None
    events_on: bool = True
    """False after Slack switched the app's events off."""

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
    def scopes(self) -> list[str]:
        return self._scopes.get("bot") or []

    @property
    def optional_scopes(self) -> list[str]:
        """Those of ``scopes`` that the installing person may decline."""
        return self._scopes.get("bot_optional") or []

    @property
    def _scopes(self) -> Mapping[str, Any]:
        return (self.manifest.get("oauth_config") or {}).get("scopes") or {}

    @property
    def redirect_urls(self) -> list[str]:
        return (self.manifest.get("oauth_config") or {}).get("redirect_urls") or []

    @property
    def home_enabled(self) -> bool:
        return bool((self.features.get("app_home") or {}).get("home_tab_enabled"))

    @property
    def unfurl_domains(self) -> list[str]:
        return self.features.get("unfurl_domains") or []

    def hears(self, event: str) -> bool:
        return self.events_on and event in ((self.settings.get("event_subscriptions") or {}).get("bot_events") or [])


@dataclass(slots=True, eq=False)
class Installation:
    """An app in a team or organization: its bot user, bot token and scopes."""

    app: App
    team: Team
    bot_user: User
    bot_id: str
    bot_token: str
    scopes: tuple[str, ...]
    revoked: bool = False
    refresh_token: str | None = None
    """With token rotation: valid once, for the next token."""

    @property
    def id(self) -> str:
        return self.app.id

    def serves(self, team: Team) -> bool:
        return self.team in (team, team.organisation)

    def sees(self, channel: Channel) -> bool:
        return any(map(self.serves, (channel.team, *channel.shared_with)))

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
