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
    """Run Buildbell until SIGTERM: in Socket Mode if an app-level token is set, otherwise over HTTP."""

    role: Role | None = Field(None, description="override BUILDBELL_ROLE for this process")

    def cli_cmd(self) -> None:
        settings = _settings_for_run(self.role)
        log.configure(settings.log_level, settings.log_format)
        gc.disable()
        from bot.app import serve  # half a second of imports that the other commands do not need

        keep_imports()
        _run(serve(settings))


class Migrate(BaseModel):
    """Migrate the database and print its schema version. `run` also migrates when it starts."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        print(f"Database schema is at version {_run(_migrate(settings))}.")


class Copy(BaseModel):
    """Copy all data from SQLite to an empty PostgreSQL database and verify every row. Stop Buildbell first."""

    model_config = ConfigDict(populate_by_name=True)

    source: str = Field(alias="from", description="the database to copy, sqlite:///FILE")
    target: str | None = Field(
        None,
        alias="to",
        description="the empty database, postgresql://USER@HOST/NAME. Defaults to BUILDBELL_DATABASE_URL, which keeps "
        "the password off the command line",
    )

    def cli_cmd(self) -> None:
        target = self.target or read_settings().database_url.get_secret_value()
        from bot.maintenance.copy_database import copy_database

        for line in _run(copy_database(self.source, target)):
            print(line)


class Doctor(BaseModel):
    """Check settings, database, Slack, Bitrise and the clock. Exits with 1 if a check fails."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        from bot import doctor
        from bot.clock import SystemClock

        results = _run(doctor.run_checks(settings, clock=SystemClock()))
        print(doctor.format_table(results))
        if any(result.is_error for result in results):
            raise SystemExit(WRONG)


class Manifest(BaseModel):
    """Print the Slack app manifest for the configured command, mode and URL."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        if missing := manifest.check_urls(settings):
            raise InvalidSettings(missing)
        sys.stdout.write(manifest.to_yaml(manifest.build_manifest(settings)))


class Export(BaseModel):
    """Export finished builds, without secrets. Safe to run while Buildbell is running."""

    since: str = Field("30d", description="start of the period: days ago (30d) or a date (2026-01-31)")
    format: Literal["csv", "json", "sqlite"] = Field("csv", description="csv, json (one array) or sqlite (needs --out)")
    out: Path | None = Field(None, description="new file to write. Defaults to standard output")

    def cli_cmd(self) -> None:
        settings = read_settings()
        count = _run(_export(settings, self))
        if self.out:
            print(f"Wrote {count:,} {'build' if count == 1 else 'builds'} to {self.out}.")


class Audit(Export):
    """Export the audit log of all workspaces, newest first. Safe to run while Buildbell is running."""

    format: Literal["csv", "json"] = Field("csv", description="csv or json (one array)")

    def cli_cmd(self) -> None:
        settings = read_settings()
        count = _run(_export_audit(settings, self))
        if self.out:
            print(f"Wrote {count:,} {'entry' if count == 1 else 'entries'} to {self.out}.")


class NewKey(BaseModel):
    """Print a new key. Put it first in BUILDBELL_ENCRYPTION_KEYS."""

    def cli_cmd(self) -> None:
        print(new_key())


class RotateKeys(BaseModel):
    """Encrypt every stored secret with the newest key, so that older keys can be removed."""

    def cli_cmd(self) -> None:
        settings = read_settings()
        from bot.maintenance.rotate_keys import rotate_keys

        count = _run(rotate_keys(settings))
        print(f"Encrypted {count} stored {'secret' if count == 1 else 'secrets'} with the newest key.")


class Keys(BaseModel):
    """Create an encryption key, or switch to a newer one."""

    new: CliSubCommand[NewKey] = Field(description="print a new key")
    rotate: CliSubCommand[RotateKeys] = Field(description="encrypt stored secrets with the newest key")

    def cli_cmd(self) -> None:
        CliApp.run_subcommand(self)


class Buildbell(BaseSettings):
    """
    Start, track and stop Bitrise builds from Slack.

    Set BUILDBELL_… environment variables, or put them in the file .env. .env.example explains each. Secrets can't be
    passed on the command line, where other users of the machine could read them.
    """

    model_config = SettingsConfigDict(cli_prog_name="buildbell", cli_hide_none_type=True)

    run: CliSubCommand[Run] = Field(description="run Buildbell until SIGTERM")
    migrate: CliSubCommand[Migrate] = Field(description="migrate the database")
    copy_: CliSubCommand[Copy] = Field(alias="copy", description="copy all data from SQLite to PostgreSQL")
    doctor: CliSubCommand[Doctor] = Field(description="check settings, database, Slack, Bitrise and the clock")
    manifest: CliSubCommand[Manifest] = Field(description="print the Slack app manifest")
    export: CliSubCommand[Export] = Field(description="export finished builds as CSV, JSON or an SQLite file")
    audit: CliSubCommand[Audit] = Field(description="export the audit log as CSV or JSON")
    keys: CliSubCommand[Keys] = Field(description="create an encryption key, or switch to a newer one")

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
        return (init_settings,)  # a variable that happens to be called RUN isn't a command


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
    """Exit with 0 after success, 1 if `doctor` finds an error, 2 if the command can't run."""
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
