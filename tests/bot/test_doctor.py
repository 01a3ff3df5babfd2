"""The results of ``buildbell doctor``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.__main__ import main
from bot.clock import Clock, SystemClock
from bot.connection import token_context
from bot.doctor import Check, check_keys, check_scopes, check_settings, format_table, run_checks
from bot.manifest import OPTIONAL_SCOPES, SCOPES, build_manifest
from bot.settings import Settings
from bot.vault import Vault, parse_keys
from playground.bitrise import PracticeBitrise
from playground.clock import SteppedClock
from playground.slack import Installation, PracticeSlack
from playground.wire import Fault
from storage import open_database
from storage import workspaces as workspace_rows

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
OTHER_KEY = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def slack() -> AsyncIterator[PracticeSlack]:
    practice = PracticeSlack(clock=SteppedClock())
    await practice.start()
    yield practice
    await practice.stop()


@pytest.fixture
async def bitrise() -> AsyncIterator[PracticeBitrise]:
    practice = PracticeBitrise(SteppedClock())
    await practice.start()
    yield practice
    await practice.stop()


@pytest.fixture
def app(slack: PracticeSlack) -> Installation:
    return slack.install(build_manifest(Settings()), slack.add_team("Acme"))


@pytest.fixture
def settings(slack: PracticeSlack, bitrise: PracticeBitrise, app: Installation) -> Settings:
    return Settings(
        slack_bot_token=app.bot_token,
        slack_app_token=app.app_token,
        encryption_keys=KEY,
        slack_api_url=slack.api_url,
        bitrise_api_url=bitrise.api_url,
    )


async def connect(settings: Settings, token: str) -> None:
    """Store a connection of the workspace Acme."""
    database = await open_database(settings.database_url.get_secret_value())
    sealed = Vault(parse_keys(KEY)).seal(token, context=token_context("T1"))
    await workspace_rows.save_workspace(database, workspace_id="T1", name="Acme", bot_user_id="U1")
    await database.transaction(
        lambda tx: workspace_rows.save_connection(
            tx, "T1", sealed=sealed, owner="bitrise-bot", by="U2", now=datetime.now(UTC)
        )
    )
    await database.close()


async def find_result(settings: Settings, subject: str, clock: Clock = CLOCK) -> Check:
    [result] = [result for result in await run_checks(settings, clock=clock) if result.subject == subject]
    return result


async def test_complete_setup_has_no_errors(settings: Settings, bitrise: PracticeBitrise) -> None:
    acme = bitrise.add_workspace("Acme")
    user = bitrise.add_user("bitrise-bot")
    bitrise.add_app("iOS Shop", acme)
    bitrise.add_app("Android Shop", acme)
    await connect(settings, bitrise.add_token(user, role="developer"))
    results = await run_checks(settings, clock=CLOCK)
    assert [result.subject for result in results if result.level != "ok"] == []
    assert format_table(results).endswith("\nAll checks passed.")
    assert "Acme: bitrise-bot, 2 apps." in format_table(results)


async def test_invalid_bot_token_is_reported(settings: Settings) -> None:
    wrong = settings.model_copy(update={"slack_bot_token": Settings(slack_bot_token="xoxb-wrong").slack_bot_token})
    result = await find_result(wrong, "Slack token")
    assert result.is_error
    assert result.sentence.startswith("Slack rejected BUILDBELL_SLACK_BOT_TOKEN (invalid_auth). Copy it again")


async def test_invalid_app_token_is_reported(settings: Settings) -> None:
    wrong = settings.model_copy(update={"slack_app_token": Settings(slack_app_token="xapp-wrong").slack_app_token})
    result = await find_result(wrong, "Slack app token")
    assert result.is_error
    assert "BUILDBELL_SLACK_APP_TOKEN (invalid_auth)" in result.sentence


async def test_http_mode_needs_no_app_token(settings: Settings) -> None:
    result = await find_result(settings.model_copy(update={"slack_app_token": None}), "Slack app token")
    assert result.level == "skipped"


async def test_unreachable_slack_is_reported(settings: Settings) -> None:
    away = settings.model_copy(update={"slack_api_url": "http://127.0.0.1:1/api/"})
    result = await find_result(away, "Slack token")
    assert result.is_error
    assert "Can't reach http://127.0.0.1:1/api/" in result.sentence


async def test_unreadable_response_of_slack_is_reported(settings: Settings, slack: PracticeSlack) -> None:
    slack.faults.add(Fault("auth.test", status=500, times=None))
    result = await find_result(settings, "Slack token")
    assert result.is_error


async def test_slow_check_is_given_up(
    settings: Settings, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.CHECK_SECONDS", 0.05)
    slack.faults.add(Fault("auth.test", kind="slow", delay=5, times=None))
    result = await find_result(settings, "Slack token")
    assert result.is_error


@pytest.mark.parametrize(("off", "level"), [(30, "ok"), (-90, "warning"), (90, "warning"), (600, "error")])
async def test_wrong_clock_is_reported(settings: Settings, off: int, level: str) -> None:
    result = await find_result(settings, "clock", SteppedClock(datetime.now(UTC) + timedelta(seconds=off)))
    assert result.level == level


@pytest.mark.parametrize(
    ("granted", "level", "told"),
    [
        (",".join((*SCOPES, *OPTIONAL_SCOPES)), "ok", "All scopes granted."),
        (
            ", ".join(SCOPES),
            "ok",
            "Optional, not granted: app_mentions:read, chat:write.public, files:write, users:read.email",
        ),
        ("commands,links:read,links:write", "error", "Missing: chat:write, users:read."),
        ("", "error", "Missing: commands"),
    ],
)
def test_missing_scopes_are_reported(granted: str, level: str, told: str) -> None:
    result = check_scopes(granted)
    assert result.level == level
    assert told in result.sentence


async def test_skip_endpoint_without_a_public_url_is_reported(settings: Settings, bitrise: PracticeBitrise) -> None:
    await connect(settings, bitrise.add_token(bitrise.add_user("bitrise-bot")))
    database = await open_database(settings.database_url.get_secret_value())
    await database.transaction(lambda tx: workspace_rows.claim_key(tx, "T1", "skip", key="k", sealed="s"))
    await database.transaction(
        lambda tx: workspace_rows.save_call(tx, "T1", "skip", now=datetime(2026, 3, 2, 9, 4, tzinfo=UTC))
    )
    await database.close()
    without = settings.model_copy(update={"public_url": None})
    told = "Acme: builds can't reach Buildbell. Set BUILDBELL_PUBLIC_URL."
    assert await find_result(without, "skip step") == Check("skip step", "warning", told)
    reached = settings.model_copy(update={"public_url": "https://buildbell.example.com"})
    assert await find_result(reached, "skip step") == Check(
        "skip step", "ok", "Acme: on, last used 2026-03-02 09:04 UTC."
    )


async def test_revoked_bitrise_token_is_reported(settings: Settings, bitrise: PracticeBitrise) -> None:
    token = bitrise.add_token(bitrise.add_user("bitrise-bot"), role="developer")
    await connect(settings, token)
    bitrise.revoke(token)
    result = await find_result(settings, "Bitrise token")
    assert result.is_error
    assert token not in result.sentence


async def test_token_encrypted_with_a_missing_key_is_reported(settings: Settings, bitrise: PracticeBitrise) -> None:
    await connect(settings, bitrise.add_token(bitrise.add_user("bitrise-bot"), role="developer"))
    other = settings.model_copy(update={"encryption_keys": Settings(encryption_keys=OTHER_KEY).encryption_keys})
    result = await find_result(other, "Bitrise token")
    assert result.is_error
    assert "BUILDBELL_ENCRYPTION_KEYS lacks the key" in result.sentence


async def test_missing_database_is_not_created(settings: Settings, empty_folder: Path) -> None:
    result = await find_result(settings, "database")
    assert (result.level, os.listdir(empty_folder)) == ("ok", [])


async def test_missing_folder_of_the_database_is_reported(settings: Settings) -> None:
    result = await find_result(
        settings.model_copy(update={"database_url": SecretStr("sqlite:///no/where.db")}), "database"
    )
    assert result.is_error


async def test_file_that_is_not_a_database_is_reported(settings: Settings, empty_folder: Path) -> None:
    (empty_folder / "buildbell.db").write_text("Dear diary, " * 100)
    result = await find_result(settings, "database")
    assert result.is_error


def test_missing_and_misspelled_settings_are_reported() -> None:
    levels = [result.level for result in check_settings(Settings(), ["BUILDBELL_PROT"])]
    assert levels == ["error", "error", "error", "warning"]


@pytest.mark.parametrize(
    ("keys", "level"), [(None, "skipped"), (KEY, "ok"), (f"{OTHER_KEY},{KEY}", "ok"), ("AAAA", "error")]
)
def test_encryption_keys_are_checked(keys: Any, level: str) -> None:
    assert check_keys(Settings(encryption_keys=keys)).level == level


def test_table_escapes_control_characters() -> None:
    assert "\x1b" not in format_table([Check("Slack token", "ok", "Valid for @bo in \x1b[31mAcme.")])


def test_exit_code_is_1_if_there_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["doctor"])
    assert stop.value.code == 1
    assert "3 checks failed." in capsys.readouterr().out


# Many workspaces, by OAuth.


@pytest.fixture
def many(settings: Settings, app: Installation) -> Settings:
    given = {"slack_client_id": app.app.client_id, "slack_client_secret": app.app.client_secret}
    made = Settings(**given, public_url="https://buildbell.example.com")  # type: ignore[arg-type]
    oauth = {name: getattr(made, name) for name in ("slack_client_id", "slack_client_secret", "public_url")}
    return settings.model_copy(update={**oauth, "slack_bot_token": None})


async def test_complete_oauth_setup_has_no_errors(many: Settings) -> None:
    results = await run_checks(many, clock=CLOCK)
    assert [result for result in results if result.level in ("warning", "error")] == []
    told = format_table(results)
    assert "Slack accepts the client id and client secret." in told
    assert "Workspaces install at https://buildbell.example.com/slack/install." in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("slack_client_secret", "f" * 32, "BUILDBELL_SLACK_CLIENT_SECRET (bad_client_secret)"),
        ("slack_client_id", "1.2", "BUILDBELL_SLACK_CLIENT_ID (invalid_client_id)"),
    ],
)
async def test_invalid_client_id_or_secret_is_reported(many: Settings, name: str, value: str, told: str) -> None:
    wrong = getattr(Settings(**{name: value}), name)  # type: ignore[arg-type]
    result = await find_result(many.model_copy(update={name: wrong}), "OAuth")
    assert result.is_error
    assert told in result.sentence
    assert "f" * 32 not in result.sentence


async def test_public_url_without_https_is_reported(many: Settings) -> None:
    result = await find_result(many.model_copy(update={"public_url": "http://buildbell.example.com"}), "install page")
    assert result.is_error


async def test_unused_bot_token_is_reported(many: Settings, settings: Settings) -> None:
    result = await find_result(many.model_copy(update={"slack_bot_token": settings.slack_bot_token}), "Slack token")
    assert result.level == "warning"


async def test_clock_is_checked_with_oauth(many: Settings) -> None:
    result = await find_result(many, "clock", SteppedClock(start=datetime.now(UTC) + timedelta(minutes=10)))
    assert result.is_error
