"""The command line: ``buildbell run | migrate | copy | doctor | manifest | export | audit | keys``."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    CliApp,
    CliSubCommand,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot import __version__, manifest
from bot import logs as log
from bot.errors import BuildbellError, StartupFailed
from bot.settings import InvalidSettings, Role, Settings, read_settings
from bot.settings_check import check_required
from bot.vault import new_key, parse_keys

T = TypeVar("T")
WRONG = 1
CANNOT = 2
INTERRUPTED = 130


class Run(BaseModel):
    """Serve Slack until SIGTERM: by Socket Mode when an app-level token is set, otherwise by HTTP."""

    role: Role | None = Field(None, description="what this process does, instead of BUILDBELL_ROLE")

    def cli_cmd(self) -> None:
        settings = _settings_for_run(self.role)
        log.configure(settings.log_level, settings.log_format)
        gc.disable()
        from bot.app import serve  # half a second of imports that the other commands do not need

        keep_imports()
        _run(serve(settings))


class Migrate(BaseModel):
    """Bring the database up to date and print its version. `run` does the same when it starts."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        print(f"The database is at version {_run(_migrate(settings))}.")


class Copy(BaseModel):
    """Copy everything from SQLite into an empty PostgreSQL, and compare every row. Stop the bot first."""

    model_config = ConfigDict(populate_by_name=True)

    source: str = Field(alias="from", description="the database to copy, sqlite:///FILE")
    target: str | None = Field(
        None,
        alias="to",
        description="the empty database, postgresql://USER@HOST/NAME; BUILDBELL_DATABASE_URL when it is left out, "
        "which keeps a password off the command line",
    )

    def cli_cmd(self) -> None:
        target = self.target or read_settings().database_url.get_secret_value()
        from bot.maintenance.copy_database import copy_database

        for line in _run(copy_database(self.source, target)):
            print(line)


class Doctor(BaseModel):
    """Check settings, database, Slack, Bitrise and the clock; exit code 1 if something is wrong."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        from bot import doctor
        from bot.clock import SystemClock

        results = _run(doctor.run_checks(settings, clock=SystemClock()))
        print(doctor.format_table(results))
        if any(result.is_error for result in results):
            raise SystemExit(WRONG)


class Manifest(BaseModel):
    """Print the Slack app's manifest for the configured command, mode and address."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        if missing := manifest.check_urls(settings):
            raise InvalidSettings(missing)
        sys.stdout.write(manifest.to_yaml(manifest.build_manifest(settings)))


class Export(BaseModel):
    """Print finished builds for a spreadsheet or another program; beside a running Buildbell too. No secrets in it."""

    since: str = Field("30d", description="from when on: so many days ago (30d), or a date (2026-01-31)")
    format: Literal["csv", "json", "sqlite"] = Field("csv", description="csv, json (one array) or sqlite (needs --out)")
    out: Path | None = Field(None, description="a new file to write; without it, it is printed")

    def cli_cmd(self) -> None:
        settings = read_settings()
        count = _run(_export(settings, self))
        if self.out:
            print(f"{count:,} {'build' if count == 1 else 'builds'} written to {self.out}.")


class Audit(Export):
    """Print who changed what in all workspaces, newest first; beside a running Buildbell too."""

    format: Literal["csv", "json"] = Field("csv", description="csv or json (one array)")

    def cli_cmd(self) -> None:
        settings = read_settings()
        count = _run(_export_audit(settings, self))
        if self.out:
            print(f"{count:,} {'entry' if count == 1 else 'entries'} written to {self.out}.")


class NewKey(BaseModel):
    """Print a fresh key. Put it first in BUILDBELL_ENCRYPTION_KEYS."""

    def cli_cmd(self) -> None:
        print(new_key())


class RotateKeys(BaseModel):
    """Seal every stored token again with the newest key, so that older keys can be removed."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        from bot.maintenance.rotate_keys import rotate_keys

        count = _run(rotate_keys(settings))
        print(f"{count} stored {'token was' if count == 1 else 'tokens were'} sealed again with the newest key.")


class Keys(BaseModel):
    """Make an encryption key, or change to a newer one."""

    new: CliSubCommand[NewKey] = Field(description="print a fresh key")
    rotate: CliSubCommand[RotateKeys] = Field(description="seal stored tokens again with the newest key")

    def cli_cmd(self) -> None:
        CliApp.run_subcommand(self)


class Buildbell(BaseSettings):
    """
    Start, follow and stop Bitrise builds from Slack.

    Settings are environment variables, BUILDBELL_…, or lines of the file .env; .env.example explains each. Secrets are
    never taken from the command line, where other users of the machine could read them.
    """

    model_config = SettingsConfigDict(cli_prog_name="buildbell", cli_hide_none_type=True)

    run: CliSubCommand[Run] = Field(description="serve Slack until SIGTERM")
    migrate: CliSubCommand[Migrate] = Field(description="bring the database up to date")
    copy_: CliSubCommand[Copy] = Field(alias="copy", description="copy everything from SQLite to PostgreSQL")
    doctor: CliSubCommand[Doctor] = Field(description="check settings, database, Slack, Bitrise and the clock")
    manifest: CliSubCommand[Manifest] = Field(description="print the manifest of the Slack app")
    export: CliSubCommand[Export] = Field(description="print finished builds as CSV, JSON or an SQLite file")
    audit: CliSubCommand[Audit] = Field(description="print the audit log as CSV or JSON")
    keys: CliSubCommand[Keys] = Field(description="make an encryption key, or change to a newer one")

    def cli_cmd(self) -> None:
        CliApp.run_subcommand(self)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # a variable that happens to be called RUN is no command


def _settings_for_run(role: Role | None) -> Settings:
    """Read the settings. Report everything that is missing at once."""
    settings = read_settings()
    if role is not None:
        settings = settings.model_copy(update={"role": role})
    problems = check_required(settings)
    if settings.encryption_keys:
        try:
            parse_keys(settings.encryption_keys.get_secret_value())
        except StartupFailed as error:
            problems.append(error.sentence)
    if problems:
        raise InvalidSettings(problems)
    return settings


def keep_imports() -> None:
    """Exclude imported modules from garbage collection: it takes a tenth of the start and blocks the loop for 20 ms."""
    gc.collect()
    gc.freeze()
    gc.enable()


async def _migrate(settings: Settings) -> int:
    from storage import open_database, schema_version

    database = await open_database(settings.database_url.get_secret_value())
    try:
        return await schema_version(database)
    finally:
        await database.close()


async def _export(settings: Settings, options: Export) -> int:
    from bot.clock import SystemClock
    from bot.statistics.export import export_builds, open_writer, parse_since
    from storage.readonly import open_readonly

    now = SystemClock().now()
    since = parse_since(options.since, now)
    async with open_readonly(settings.database_url.get_secret_value()) as reads:
        with open_writer(options.format, options.out, sys.stdout) as writer:
            return await export_builds(reads, writer, since=since, until=now)


async def _export_audit(settings: Settings, options: Audit) -> int:
    from bot.clock import SystemClock
    from bot.statistics.export import open_writer, parse_since
    from storage import audit
    from storage.readonly import open_readonly

    since, count = parse_since(options.since, SystemClock().now()), 0
    async with open_readonly(settings.database_url.get_secret_value()) as reads:
        with open_writer(options.format, options.out, sys.stdout, audit.COLUMNS) as writer:
            async for entries in audit.iterate_entries(reads, since=since):
                writer.write([audit.to_facts(entry) for entry in entries])
                count += len(entries)
            writer.close()
    return count


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    from storage import DatabaseUnavailable, DatabaseUnusable

    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(coroutine)
    except (DatabaseUnusable, DatabaseUnavailable) as error:
        raise StartupFailed(str(error)) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        from uvloop import new_event_loop  # not there on Windows
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop


def _refuse(*sentences: str) -> NoReturn:
    for sentence in sentences:
        print(f"buildbell: {sentence}", file=sys.stderr)
    raise SystemExit(CANNOT) from None


def _about_option(name: str, problem: str) -> str:
    return f"--{name} {problem.replace('Input should', 'should', 1).replace('Field required', 'is missing', 1)}."


def main(arguments: list[str] | None = None) -> None:
    """Exit code 0 when all is well, 1 when `doctor` finds something, 2 when it cannot be done."""
    if (sys.argv[1:] if arguments is None else arguments) == ["--version"]:
        print(f"buildbell {__version__}")
        return
    try:
        CliApp.run(Buildbell, cli_args=arguments)
    except BuildbellError as error:
        _refuse(*error.sentence.splitlines())
    except ValidationError as error:  # its own words repeat what was typed, which may be an address with a password
        details = error.errors(include_url=False, include_input=False)
        _refuse(*(_about_option(str(detail["loc"][-1]), detail["msg"]) for detail in details))
    except SystemExit as stop:
        if isinstance(stop.code, str):  # a command that needs another one after it; Python's exit code is 1 for text
            _refuse(stop.code.replace("copy_", "copy"))  # it lists our fields, and a model has a method `copy`
        raise
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
