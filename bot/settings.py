"""Settings of a deployment, read from the environment and ``.env``; invalid values are explained in sentences."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.errors import StartupFailed

PREFIX = "BUILDBELL_"
COMMAND = re.compile(r"/[a-z0-9_-]{1,24}")
"""Slack allows 32 characters; ``-status`` and ``-abort`` are appended."""
MESSAGES = {"int_parsing": "must be a whole number", "float_parsing": "must be a number"}
"""Replacements for pydantic's messages about parsing."""
SLACK_USER = re.compile(r"[UW][A-Z0-9]{2,}")
CLIENT_ID = re.compile(r"\d+\.\d+")


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
    return value


CiReason = Literal["superseded", "wrong-target", "no-changes", "stuck", "duplicate", "saving-credits", "other"]
CiReasons = Annotated[tuple[CiReason, ...], NoDecode, BeforeValidator(_split)]
Role = Literal["all", "web", "worker"]
CommaSeparated = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    """Each field is an environment variable with the prefix ``BUILDBELL_``. Empty counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",  # other programs may share the .env; `doctor` reports likely typos
        frozen=True,
        hide_input_in_errors=True,
    )

    slack_bot_token: SecretStr | None = Field(
        None, description="The bot's token, xoxb-…, from \"OAuth & Permissions\" on the Slack app's page."
    )
    slack_app_token: SecretStr | None = Field(
        None,
        description="An app-level token, xapp-…, with the scope connections:write, from "
        '"Basic Information". When it is set, Buildbell uses Socket Mode and needs no public address.',
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        description='The signing secret from "Basic Information". Needed in HTTP mode, which is used when no '
        "app-level token is set.",
    )
    slack_client_id: str | None = Field(
        None,
        description='The client id from "Basic Information". With it and the client secret, workspaces install '
        "Buildbell themselves at /slack/install, and no bot token is needed.",
    )
    slack_client_secret: SecretStr | None = Field(
        None, description='The client secret from "Basic Information", beside the client id.'
    )
    slack_api_url: str = Field(
        "https://slack.com/api/", description="Where Slack's Web API is. Change it only to practise or to use a proxy."
    )
    bitrise_api_url: str = Field(
        "https://api.bitrise.io/v0.1",
        description="Where Bitrise's API is. Change it only to practise or to use a proxy.",
    )
    bitrise_site_url: str = Field(
        "https://app.bitrise.io",
        description="Where people open builds; links that are pasted from there are understood.",
    )
    database_url: SecretStr = Field(
        SecretStr("sqlite:///buildbell.db"),
        description="What Buildbell remembers: sqlite:///FILE (three slashes for a file beside the process, four for "
        "an absolute path) for one process, or postgresql://USER:PASSWORD@HOST/NAME for any number of them.",
    )
    role: Role = Field(
        "all",
        description="What this process does: web takes requests from Slack and Bitrise, worker does the jobs and the "
        "sweeps, all does both. Only all works with SQLite.",
    )
    encryption_keys: SecretStr | None = Field(
        None,
        description="The keys that seal stored tokens, newest first, separated by commas. `buildbell keys new` prints "
        "one; keep a copy apart from the database.",
    )
    command: str = Field(
        "/build", description="The slash command. Two more are made from it: /build-status and /build-abort."
    )
    host: str = Field(
        "127.0.0.1",
        description="The address to listen on: 127.0.0.1 behind a proxy on the same machine, 0.0.0.0 in a container.",
    )
    port: int = Field(3000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: str | None = Field(
        None,
        description="The address under which Slack (in HTTP mode) and Bitrise's webhooks reach this process, like "
        "https://buildbell.example.com; `buildbell manifest` needs it for HTTP mode.",
    )
    connect_users: CommaSeparated = Field(
        (),
        description="Slack user ids (U…, from a profile's menu) that may connect Bitrise, besides the workspace's "
        "admins; separated by commas.",
    )
    report_green_users: CommaSeparated = Field(
        (),
        description="Slack user ids that may report a stopped build as green, which lets a required check pass without "
        "running; * for everybody, empty for nobody.",
    )
    allow_guests: bool = Field(
        False,
        description="Whether guests of the Slack workspace may start and stop builds, read logs and change settings; "
        "without it they can only view builds.",
    )
    ci_reasons: CiReasons = Field(
        ("no-changes",), description="Reasons that `/build skip-step` takes, with commas; only no-changes is green."
    )
    sweep_seconds: float = Field(
        10, ge=1, le=600, description="How often Bitrise is asked what changed while a build is watched."
    )
    idle_sweep_seconds: float = Field(300, ge=1, le=86400, description="How often Bitrise is asked while nothing runs.")
    subscribed_sweep_seconds: float = Field(
        60,
        ge=1,
        le=3600,
        description="How often Bitrise is asked while nothing runs and channels or people wait to hear of builds.",
    )
    look_back_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="How long a start whose answer was lost is looked for at Bitrise before it is sent again.",
    )
    start_deadline_seconds: float = Field(
        120, ge=5, le=3600, description="How long a start is tried before the person is told that it did not work."
    )
    shutdown_seconds: float = Field(
        8, ge=0, le=300, description="How long work that runs may take to finish after SIGTERM."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Whoever reads /metrics must bear it (Authorization: Bearer …); empty for everybody."
    )
    build_metrics: bool = Field(
        False, description="Whether /metrics tells of builds, by workspace; needs BUILDBELL_METRICS_TOKEN."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="The least important line that is logged: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json (one object a line) for log collectors."
    )

    @property
    def takes_requests(self) -> bool:
        return self.role != "worker"

    @property
    def does_work(self) -> bool:
        return self.role != "web"

    @property
    def uses_socket_mode(self) -> bool:
        return self.slack_app_token is not None

    @property
    def uses_oauth(self) -> bool:
        """Whether many workspaces install through OAuth, rather than one by the bot token set here."""
        return self.slack_client_id is not None and self.slack_client_secret is not None

    @field_validator(
        "slack_bot_token", "slack_app_token", "slack_signing_secret", "slack_client_id", "slack_client_secret",
        "database_url", "metrics_token", mode="before",
    )  # fmt: skip
    @classmethod
    def _stripped(cls, value: object) -> object:
        return value.strip() or None if isinstance(value, str) else value

    @field_validator("slack_bot_token")
    @classmethod
    def _is_bot_token(cls, value: SecretStr | None) -> SecretStr | None:
        return _check_prefix(value, "xoxb-", 'the "Bot User OAuth Token" under "OAuth & Permissions" does')

    @field_validator("slack_app_token")
    @classmethod
    def _is_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        return _check_prefix(value, "xapp-", 'the "App-Level Tokens" under "Basic Information" do')

    @field_validator("slack_client_id")
    @classmethod
    def _is_client_id(cls, value: str | None) -> str | None:
        if value is not None and not CLIENT_ID.fullmatch(value):
            raise ValueError('must be two numbers with a dot between, as "Client ID" under "Basic Information" shows')
        return value

    @field_validator("command")
    @classmethod
    def _is_command(cls, value: str) -> str:
        if not COMMAND.fullmatch(value):
            raise ValueError(
                "must be a slash and up to 24 lower-case letters, digits, hyphens or underscores, like /build"
            )
        return value

    @field_validator("slack_api_url", "bitrise_api_url", "bitrise_site_url", "public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be an address that begins with https:// (or http://) and has no ? or #")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold a user name or password")
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        return value.rstrip("/") + "/"  # the SDK joins method names to it

    @field_validator("bitrise_api_url", "bitrise_site_url", "public_url")
    @classmethod
    def _ends_without_slash(cls, value: str | None) -> str | None:
        return value and value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: SecretStr) -> SecretStr:
        if not re.fullmatch(r"sqlite:///.+|postgres(ql)?://.+", value.get_secret_value()):
            raise ValueError("must look like sqlite:///buildbell.db or postgresql://user:password@host/buildbell")
        return value

    @field_validator("connect_users", "report_green_users")
    @classmethod
    def _are_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [user for user in value if user != "*" and not SLACK_USER.fullmatch(user)]:
            raise ValueError(
                f"holds {wrong[0][:40]!r}, which is no Slack user id; they begin with U or W and are copied from "
                "a profile's menu, not typed as @names"
            )
        return value

    @field_validator("connect_users")
    @classmethod
    def _excludes_everybody(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in value:
            raise ValueError("must name people by their Slack user ids; everybody (*) may not connect Bitrise")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _uppercase(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


def _check_prefix(value: SecretStr | None, prefix: str, hint: str) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(prefix):
        raise ValueError(f"must begin with {prefix}; {hint}")
    return value


class InvalidSettings(StartupFailed):
    """Settings that are missing or invalid: one sentence each, without the value of any secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def env_name(field: str) -> str:
    """Return the environment variable of a field: ``BUILDBELL_SLACK_BOT_TOKEN`` for ``slack_bot_token``."""
    return PREFIX + field.upper()


def read_settings() -> Settings:
    """Read the settings of this process. Raises `InvalidSettings`."""
    try:
        return Settings()
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise InvalidSettings([_sentence(detail) for detail in details]) from None  # its text would show values
    except (OSError, UnicodeDecodeError):
        raise InvalidSettings(["The file .env cannot be read as UTF-8 text: correct it, or move it away."]) from None


def _sentence(detail: ErrorDetails) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    if error := detail.get("ctx", {}).get("error"):
        return f"{env_name(field)} {error}."
    message = MESSAGES.get(detail["type"]) or detail["msg"].replace("Input should", "should", 1)
    return f"{env_name(field)} {message}. {Settings.model_fields[field].description}"
