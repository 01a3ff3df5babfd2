"""The command line as a person calls it: what is printed, and the exit code that a script would look at."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from bot.vault import new_key, parse_keys
from storage import Database, audit, open_database
from storage import builds as build_rows
from storage.audit import AuditRow
from storage.builds import BuildRow
from storage.migrations import MIGRATIONS
from tests.cli.conftest import CommandLine

NEWEST = MIGRATIONS[-1].number


async def test_a_new_key_is_printed_and_nothing_else(bare_scene: CommandLine) -> None:
    code, keys = await bare_scene.call("keys", "new", encryption_keys="")
    assert (code, keys.log) == (0, "")
    assert len(parse_keys(keys.out)) == 1


async def test_the_manifest_follows_the_settings(http_scene: CommandLine) -> None:
    code, manifest = await http_scene.call("manifest", command="/ship", public_url="https://ci.example.com")
    commands = yaml.safe_load(manifest.out)["features"]["slash_commands"]
    assert code == 0
    assert [command["command"] for command in commands] == ["/ship", "/ship-status", "/ship-abort"]
    assert {command["url"] for command in commands} == {"https://ci.example.com/slack/events"}


async def test_migrate_makes_the_database_and_says_its_version(bare_scene: CommandLine) -> None:
    first = await bare_scene.call("migrate")
    again = await bare_scene.call("migrate")
    assert [(code, process.out) for code, process in (first, again)] == [
        (0, f"Database schema is at version {NEWEST}.\n")
    ] * 2
    assert bare_scene.database_path.exists()


@pytest.mark.usefixtures("short_locks")
@pytest.mark.parametrize("arguments", [["migrate"], ["keys", "rotate"]], ids=" ".join)
async def test_a_locked_database_is_told_in_one_line(bare_scene: CommandLine, arguments: list[str]) -> None:
    await bare_scene.call("migrate")
    with contextlib.closing(sqlite3.connect(bare_scene.database_path, isolation_level=None)) as backup:
        backup.execute("begin exclusive")
        code, refused = await bare_scene.call(*arguments)
    assert (code, refused.said) == (2, ["buildbell: Another process, such as a backup, keeps the database locked."])


async def test_a_damaged_file_is_told_in_one_line(bare_scene: CommandLine) -> None:
    await bare_scene.call("migrate")
    with bare_scene.database_path.open("r+b") as damaged:
        damaged.seek(4096)
        damaged.write(b"\xff" * 40 * 4096)
    code, refused = await bare_scene.call("export")
    told = "The database file is damaged. Stop Buildbell and restore a backup."
    assert (code, refused.said) == (2, [f"buildbell: {told}"])


async def test_a_dotenv_file_is_read(bare_scene: CommandLine) -> None:
    (bare_scene.folder / ".env").write_text("BUILDBELL_COMMAND=/ship\n")
    _, manifest = await bare_scene.call("manifest")
    assert "/ship-status" in manifest.out


@pytest.mark.parametrize("arguments", [[], ["keys"], ["dance"], ["run", "--port", "80"]], ids=" ".join)
async def test_what_is_no_command_is_refused(bare_scene: CommandLine, arguments: list[str]) -> None:
    code, process = await bare_scene.call(*arguments)
    assert code == 2
    assert process.said


async def test_who_names_no_command_is_told_those_that_there_are(bare_scene: CommandLine) -> None:
    _, process = await bare_scene.call()
    assert "{run, migrate, copy, doctor, manifest, export, audit, keys}" in process.said[0]


async def test_the_version_is_told_and_is_that_of_the_package(bare_scene: CommandLine) -> None:
    code, told = await bare_scene.call("--version")
    assert (code, told.out) == (0, f"buildbell {metadata.version('buildbell')}\n")


async def test_help_names_every_command(bare_scene: CommandLine) -> None:
    code, told = await bare_scene.call("--help")
    assert code == 0
    assert all(word in told.out for word in ("run", "migrate", "doctor", "manifest", "export", "audit", "keys"))


# Export.


@contextlib.asynccontextmanager
async def database_in_use(scene: CommandLine) -> AsyncIterator[Database]:
    """Hold the database as a running bot does, with a build that succeeded two hours ago."""
    now = datetime.now(UTC)
    facts = dict.fromkeys(BuildRow.__dataclass_fields__) | {
        "workspace_id": scene.team.id, "build_slug": "b0001", "app_slug": scene.shop.slug, "is_pipeline": False,
        "is_utility": False, "branch": "=1+1", "cause": "push", "state": "finished", "outcome": "succeeded",
        "finished_at": now - timedelta(hours=2), "last_synced_at": now,
    }  # fmt: skip
    database = await open_database(f"sqlite:///{scene.database_path}")
    await database.transaction(lambda tx: build_rows.add_build(tx, BuildRow(**facts)))  # type: ignore[arg-type]
    yield database
    await database.close()


async def test_builds_are_exported_while_the_database_is_in_use(scene: CommandLine) -> None:
    async with database_in_use(scene):
        code, printed = await scene.call("export", "--since", "2d")
        in_json = await scene.call("export", "--format", "json")
    (row,) = csv.DictReader(io.StringIO(printed.out))
    assert (code, printed.log) == (0, "")
    assert (row["build_slug"], row["branch"], row["outcome"]) == ("b0001", "'=1+1", "succeeded")
    assert [row["branch"] for row in json.loads(in_json[1].out)] == ["=1+1"]


async def test_audit_log_is_exported_while_the_database_is_in_use(scene: CommandLine) -> None:
    async with database_in_use(scene) as database:
        entry = AuditRow("a1", scene.team.id, datetime.now(UTC), "U1", "start", "=deploy", "done", scene.shop.slug)
        await database.transaction(lambda tx: audit.add_entry(tx, entry))
        code, printed = await scene.call("audit", "--since", "2d")
        _, in_json = await scene.call("audit", "--format", "json")
    row = next(row for row in csv.DictReader(io.StringIO(printed.out)) if row["action"] == "start")
    assert (code, printed.log) == (0, "")
    assert (row["user_id"], row["app_slug"], row["subject"]) == ("U1", scene.shop.slug, "'=deploy")
    assert "=deploy" in [row["subject"] for row in json.loads(in_json.out)]


async def test_an_sqlite_file_is_written_once(bare_scene: CommandLine) -> None:
    await bare_scene.call("migrate")
    path = bare_scene.folder / "builds.db"
    code, first = await bare_scene.call("export", "--format", "sqlite", "--out", str(path))
    assert (code, first.out) == (0, f"Wrote 0 builds to {path}.\n")
    code, again = await bare_scene.call("export", "--format", "sqlite", "--out", str(path))
    assert code == 2
    assert "already exists" in again.said[0]
    with contextlib.closing(sqlite3.connect(path)) as written:
        assert written.execute("select count(*) from build_facts").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "soon"], "30d"),
        (["--format", "sqlite"], "--out"),
        (["--out", "nowhere/x.csv"], "Cannot write"),
    ],
    ids=["span", "no file", "no folder"],
)
async def test_an_export_that_cannot_be_is_refused_in_one_line(
    bare_scene: CommandLine, arguments: list[str], told: str
) -> None:
    await bare_scene.call("migrate")
    code, refused = await bare_scene.call("export", *arguments)
    assert (code, refused.out, len(refused.said)) == (2, "", 1), refused.log
    assert told in refused.said[0]


# Doctor.


async def test_doctor_finds_all_well(scene: CommandLine) -> None:
    code, doctor = await scene.call("doctor")
    assert (code, doctor.log) == (0, ""), doctor.out
    assert doctor.out.endswith("\nAll checks passed.\n")
    assert "Acme: ci-bot, 1 app." in doctor.out


async def test_doctor_finds_all_well_on_a_postgres_in_use(bare_scene: CommandLine, postgres_url: str) -> None:
    bare_scene.settings["database_url"] = postgres_url
    await bare_scene.connect()
    replica = await open_database(postgres_url)
    code, doctor = await bare_scene.call("doctor")
    await replica.close()
    assert code == 0, doctor.out
    assert "PostgreSQL is writable" in doctor.out
    assert "ci-bot, 1 app" in doctor.out


async def doctor_says(scene: CommandLine, **wrong: str) -> str:
    """The one line that is wrong."""
    code, doctor = await scene.call("doctor", **wrong)
    assert (code, doctor.log) == (1, ""), doctor.printed
    (line,) = [line for line in doctor.out.splitlines() if line.startswith("error")]
    return line


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"slack_bot_token": "xoxb-wrong"}, "BUILDBELL_SLACK_BOT_TOKEN (invalid_auth)"),
        ({"slack_app_token": "xapp-wrong"}, "BUILDBELL_SLACK_APP_TOKEN (invalid_auth)"),
        ({"encryption_keys": new_key()}, "BUILDBELL_ENCRYPTION_KEYS lacks the key"),
        ({"bitrise_api_url": "http://127.0.0.1:1/v0.1"}, "Couldn't reach Bitrise"),
        ({"database_url": "sqlite:///no/such/folder.db"}, "isn't writable"),
    ],
    ids=["bot token", "app token", "key", "bitrise", "folder"],
)
async def test_doctor_names_the_one_thing_that_is_wrong(scene: CommandLine, wrong: dict[str, str], told: str) -> None:
    assert told in await doctor_says(scene, **wrong)


async def test_doctor_tells_of_a_revoked_bitrise_token(scene: CommandLine) -> None:
    scene.bitrise.revoke(scene.token)
    assert "Bitrise token" in await doctor_says(scene)


async def test_doctor_tells_of_a_missing_scope(scene: CommandLine) -> None:
    scene.app.scopes = tuple(scope for scope in scene.app.scopes if scope != "users:read")
    assert "Missing: users:read" in await doctor_says(scene)


async def test_doctor_tells_of_a_newer_database(scene: CommandLine) -> None:
    write(scene.database_path, "insert into schema_version (version) values (99)")
    assert "The database has schema version 99" in await doctor_says(scene)


@pytest.mark.usefixtures("short_locks")
async def test_doctor_tells_of_a_lock(scene: CommandLine) -> None:
    with contextlib.closing(sqlite3.connect(scene.database_path, isolation_level=None)) as backup:
        backup.execute("begin exclusive")
        told = await doctor_says(scene)
    assert told.endswith("  Another process, such as a backup, keeps the database locked.")


# Keys.


async def test_a_key_is_replaced_without_anybody_noticing(scene: CommandLine) -> None:
    newer = new_key()
    rotated = await scene.call("keys", "rotate", encryption_keys=f"{newer},{scene.key}")
    again = await scene.call("keys", "rotate", encryption_keys=f"{newer},{scene.key}")
    assert [code for code, _ in (rotated, again)] == [0, 0]
    assert rotated[1].out == "Encrypted 1 stored secret with the newest key.\n"
    assert again[1].out == "Encrypted 0 stored secrets with the newest key.\n"
    scene.settings["encryption_keys"] = newer
    code, doctor = await scene.call("doctor")
    assert code == 0, doctor.out


async def test_keys_are_not_rotated_without_the_older_one(scene: CommandLine) -> None:
    code, rotate = await scene.call("keys", "rotate", encryption_keys=new_key())
    assert (code, len(rotate.said)) == (2, 1), rotate.log
    assert "BUILDBELL_ENCRYPTION_KEYS lacks the key" in rotate.said[0]


def write(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()
