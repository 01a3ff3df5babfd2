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
        None, description='Bot token (xoxb-…), from "OAuth & Permissions" on the Slack app\'s page.'
    )
    slack_app_token: SecretStr | None = Field(
        None,
        description="App-level token (xapp-…) with the scope connections:write, from "
        '"Basic Information". If set, Buildbell uses Socket Mode and needs no public URL.',
    )
    slack_signing_secret: SecretStr | None = Field(
        None,
        description='Signing secret, from "Basic Information". Required in HTTP mode, which is used without an '
        "app-level token.",
    )
    slack_client_id: str | None = Field(
        None,
        description='Client ID, from "Basic Information". With the client secret, workspaces install Buildbell '
        "themselves at /slack/install, without a bot token.",
    )
    slack_client_secret: SecretStr | None = Field(None, description='Client secret, from "Basic Information".')
    slack_api_url: str = Field(
        "https://slack.com/api/", description="URL of Slack's Web API. Change it only to practice or to use a proxy."
    )
    bitrise_api_url: str = Field(
        "https://api.bitrise.io/v0.1",
        description="URL of Bitrise's API. Change it only to practice or to use a proxy.",
    )
    bitrise_site_url: str = Field(
        "https://app.bitrise.io",
        description="URL of Bitrise's website. Buildbell recognizes build links that start with it.",
    )
    database_url: SecretStr = Field(
        SecretStr("sqlite:///buildbell.db"),
        description="Database URL: sqlite:///FILE for one process (three slashes for a relative path, four for an "
        "absolute one), or postgresql://USER:PASSWORD@HOST/NAME for any number of processes.",
    )
    role: Role = Field(
        "all",
        description="Role of this process: web takes requests from Slack and Bitrise, worker runs jobs and syncs, "
        "all does both. SQLite requires all.",
    )
    encryption_keys: SecretStr | None = Field(
        None,
        description="Keys that encrypt stored secrets, newest first, separated by commas. Create one with "
        "`buildbell keys new`. Keep a copy apart from the database.",
    )
    command: str = Field(
        "/build", description="Slash command. Two more derive from it: /build-status and /build-abort."
    )
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on: 127.0.0.1 behind a proxy on the same machine, 0.0.0.0 in a container.",
    )
    port: int = Field(3000, ge=0, le=65535, description="Port to listen on. 0 picks a free one.")
    public_url: str | None = Field(
        None,
        description="URL at which Slack (in HTTP mode) and Bitrise's webhooks reach this process, such as "
        "https://buildbell.example.com. `buildbell manifest` needs it for HTTP mode.",
    )
    connect_users: CommaSeparated = Field(
        (),
        description="Slack user IDs (U…, from a profile's menu) that may connect Bitrise, in addition to workspace "
        "admins. Separate with commas.",
    )
    report_green_users: CommaSeparated = Field(
        (),
        description="Slack user IDs that may report a stopped build as passed, which lets a required check pass "
        "without running. * means everybody, empty means nobody.",
    )
    allow_guests: bool = Field(
        False,
        description="Let guests of the Slack workspace start and stop builds, read logs and change settings. If off, "
        "they can only view builds.",
    )
    ci_reasons: CiReasons = Field(
        ("no-changes",),
        description="Reasons that a skip step may give. Separate with commas. Only no-changes is reported as passed.",
    )
    sweep_seconds: float = Field(10, ge=1, le=600, description="Polling interval while a build is running, in seconds.")
    idle_sweep_seconds: float = Field(
        300, ge=1, le=86400, description="Polling interval when nothing is running, in seconds."
    )
    subscribed_sweep_seconds: float = Field(
        60,
        ge=1,
        le=3600,
        description="Polling interval when nothing is running but subscriptions exist, in seconds.",
    )
    look_back_seconds: float = Field(
        10,
        ge=0,
        le=600,
        description="Seconds to search Bitrise for a build whose start response was lost, before retrying.",
    )
    start_deadline_seconds: float = Field(
        120, ge=5, le=3600, description="Seconds to retry a start before reporting that it failed."
    )
    shutdown_seconds: float = Field(8, ge=0, le=300, description="Seconds to let running work finish after SIGTERM.")
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token required to read /metrics. If empty, /metrics is public."
    )
    build_metrics: bool = Field(
        False, description="Expose per-workspace build metrics. Requires BUILDBELL_METRICS_TOKEN."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Lowest level to log: DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="Log format: text for people, json (one object per line) for log collectors."
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
        return _check_prefix(value, "xoxb-", 'Copy the "Bot User OAuth Token" from "OAuth & Permissions"')

    @field_validator("slack_app_token")
    @classmethod
    def _is_app_token(cls, value: SecretStr | None) -> SecretStr | None:
        return _check_prefix(value, "xapp-", 'Copy one of the "App-Level Tokens" from "Basic Information"')

    @field_validator("slack_client_id")
    @classmethod
    def _is_client_id(cls, value: str | None) -> str | None:
        if value is not None and not CLIENT_ID.fullmatch(value):
            raise ValueError('must be two numbers joined by a dot. Copy "Client ID" from "Basic Information"')
        return value

    @field_validator("command")
    @classmethod
    def _is_command(cls, value: str) -> str:
        if not COMMAND.fullmatch(value):
            raise ValueError(
                "must be a slash and up to 24 lowercase letters, digits, hyphens or underscores, such as /build"
            )
        return value

    @field_validator("slack_api_url", "bitrise_api_url", "bitrise_site_url", "public_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("must be a URL that starts with https:// (or http://) and has no ? or #")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not contain a user name or password")
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
                f"contains {wrong[0][:40]!r}, which isn't a Slack user ID. Copy IDs (U… or W…) from a profile's menu, "
                "and don't use @names"
            )
        return value

    @field_validator("connect_users")
    @classmethod
    def _excludes_everybody(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if "*" in value:
            raise ValueError("can't be *, because not everybody may connect Bitrise. List Slack user IDs")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _uppercase(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value


def _check_prefix(value: SecretStr | None, prefix: str, hint: str) -> SecretStr | None:
    if value is not None and not value.get_secret_value().startswith(prefix):
        raise ValueError(f"must start with {prefix}. {hint}")
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
        raise InvalidSettings(["Can't read .env as UTF-8 text. Fix the file or move it away."]) from None


def _sentence(detail: ErrorDetails) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    if error := detail.get("ctx", {}).get("error"):
        return f"{env_name(field)} {error}."
    message = MESSAGES.get(detail["type"]) or detail["msg"].replace("Input should", "should", 1)
    return f"{env_name(field)} {message}. {Settings.model_fields[field].description}"
