"""The doctor: what an operator reads when something is wrong, and when all is well."""

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
from bot.doctor import Finding, check_keys, check_scopes, check_settings, examine, table
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
    """What is stored once somebody in Acme has connected."""
    database = await open_database(settings.database_url.get_secret_value())
    sealed = Vault(parse_keys(KEY)).seal(token, context=token_context("T1"))
    await workspace_rows.save_workspace(database, workspace_id="T1", name="Acme", bot_user_id="U1")
    await database.transaction(
        lambda tx: workspace_rows.save_connection(
            tx, "T1", sealed=sealed, kind="personal", owner="bitrise-bot", by="U2", now=datetime.now(UTC)
        )
    )
    await database.close()


async def found(settings: Settings, subject: str, clock: Clock = CLOCK) -> Finding:
    [finding] = [finding for finding in await examine(settings, clock=clock) if finding.subject == subject]
    return finding


async def test_all_is_well(settings: Settings, bitrise: PracticeBitrise) -> None:
    acme = bitrise.add_workspace("Acme")
    user = bitrise.add_user("bitrise-bot")
    bitrise.add_app("iOS Shop", acme)
    bitrise.add_app("Android Shop", acme)
    await connect(settings, bitrise.add_token(user, role="developer"))
    findings = await examine(settings, clock=CLOCK)
    assert [finding.subject for finding in findings if finding.level != "ok"] == []
    assert table(findings).endswith("\nAll is well.")
    assert "Acme: bitrise-bot, reaches 2 apps." in table(findings)


async def test_a_wrong_bot_token(settings: Settings) -> None:
    wrong = settings.model_copy(update={"slack_bot_token": Settings(slack_bot_token="xoxb-wrong").slack_bot_token})
    finding = await found(wrong, "Slack token")
    assert finding.is_wrong
    assert finding.sentence.startswith("Slack refuses BUILDBELL_SLACK_BOT_TOKEN (invalid_auth): copy it again")


async def test_a_wrong_app_token_ends_with_an_answer(settings: Settings) -> None:
    wrong = settings.model_copy(update={"slack_app_token": Settings(slack_app_token="xapp-wrong").slack_app_token})
    finding = await found(wrong, "Slack app token")
    assert finding.is_wrong
    assert "BUILDBELL_SLACK_APP_TOKEN (invalid_auth)" in finding.sentence


async def test_http_mode_needs_no_app_token(settings: Settings) -> None:
    finding = await found(settings.model_copy(update={"slack_app_token": None}), "Slack app token")
    assert finding.level == "skipped"


async def test_slack_that_is_not_there(settings: Settings) -> None:
    away = settings.model_copy(update={"slack_api_url": "http://127.0.0.1:1/api/"})
    finding = await found(away, "Slack token")
    assert finding.is_wrong
    assert "http://127.0.0.1:1/api/ cannot be reached" in finding.sentence


async def test_slack_that_answers_nonsense(settings: Settings, slack: PracticeSlack) -> None:
    slack.faults.add(Fault("auth.test", status=500, times=None))
    finding = await found(settings, "Slack token")
    assert finding.is_wrong


async def test_a_slow_answer_is_not_waited_for(
    settings: Settings, slack: PracticeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor.CHECK_SECONDS", 0.05)
    slack.faults.add(Fault("auth.test", kind="slow", delay=5, times=None))
    finding = await found(settings, "Slack token")
    assert finding.is_wrong


@pytest.mark.parametrize(("off", "level"), [(30, "ok"), (-90, "warning"), (90, "warning"), (600, "error")])
async def test_a_clock_that_is_off(settings: Settings, off: int, level: str) -> None:
    finding = await found(settings, "clock", SteppedClock(datetime.now(UTC) + timedelta(seconds=off)))
    assert finding.level == level


@pytest.mark.parametrize(
    ("granted", "level", "told"),
    [
        (",".join((*SCOPES, *OPTIONAL_SCOPES)), "ok", "All that are needed."),
        (", ".join(SCOPES), "ok", "left out by choice: chat:write.public, files:write, users:read.email"),
        ("commands,links:read,links:write", "error", "Missing: chat:write, users:read."),
        ("", "error", "Missing: commands"),
    ],
)
def test_scopes(granted: str, level: str, told: str) -> None:
    finding = check_scopes(granted)
    assert finding.level == level
    assert told in finding.sentence


async def test_steps_that_may_ask_for_a_skip_and_cannot_reach_us(settings: Settings, bitrise: PracticeBitrise) -> None:
    await connect(settings, bitrise.add_token(bitrise.add_user("bitrise-bot")))
    database = await open_database(settings.database_url.get_secret_value())
    await database.transaction(lambda tx: workspace_rows.claim_key(tx, "T1", "skip", key="k", sealed="s"))
    await database.transaction(
        lambda tx: workspace_rows.save_call(tx, "T1", "skip", now=datetime(2026, 3, 2, 9, 4, tzinfo=UTC))
    )
    await database.close()
    without = settings.model_copy(update={"public_url": None})
    told = "Acme: builds can't reach it without BUILDBELL_PUBLIC_URL."
    assert await found(without, "skip step") == Finding("skip step", "warning", told)
    reached = settings.model_copy(update={"public_url": "https://buildbell.example.com"})
    assert await found(reached, "skip step") == Finding("skip step", "ok", "Acme: on, last used 2026-03-02 09:04 UTC.")


async def test_a_revoked_bitrise_token(settings: Settings, bitrise: PracticeBitrise) -> None:
    token = bitrise.add_token(bitrise.add_user("bitrise-bot"), role="developer")
    await connect(settings, token)
    bitrise.revoke(token)
    finding = await found(settings, "Bitrise token")
    assert finding.is_wrong
    assert token not in finding.sentence


async def test_a_token_sealed_with_a_lost_key(settings: Settings, bitrise: PracticeBitrise) -> None:
    await connect(settings, bitrise.add_token(bitrise.add_user("bitrise-bot"), role="developer"))
    other = settings.model_copy(update={"encryption_keys": Settings(encryption_keys=OTHER_KEY).encryption_keys})
    finding = await found(other, "Bitrise token")
    assert finding.is_wrong
    assert "BUILDBELL_ENCRYPTION_KEYS does not hold" in finding.sentence


async def test_a_database_that_is_not_there_is_not_made(settings: Settings, empty_folder: Path) -> None:
    finding = await found(settings, "database")
    assert (finding.level, os.listdir(empty_folder)) == ("ok", [])


async def test_a_database_whose_folder_is_missing(settings: Settings) -> None:
    finding = await found(settings.model_copy(update={"database_url": SecretStr("sqlite:///no/where.db")}), "database")
    assert finding.is_wrong


async def test_a_file_that_is_no_database(settings: Settings, empty_folder: Path) -> None:
    (empty_folder / "buildbell.db").write_text("Dear diary, " * 100)
    finding = await found(settings, "database")
    assert finding.is_wrong


def test_what_is_missing_and_what_is_misspelt() -> None:
    levels = [finding.level for finding in check_settings(Settings(), ["BUILDBELL_PROT"])]
    assert levels == ["error", "error", "error", "warning"]


@pytest.mark.parametrize(
    ("keys", "level"), [(None, "skipped"), (KEY, "ok"), (f"{OTHER_KEY},{KEY}", "ok"), ("AAAA", "error")]
)
def test_encryption_keys(keys: Any, level: str) -> None:
    assert check_keys(Settings(encryption_keys=keys)).level == level


def test_the_table_shows_no_control_characters() -> None:
    assert "\x1b" not in table([Finding("Slack token", "ok", "It is of @bo in \x1b[31mAcme.")])


def test_exit_code_tells_that_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["doctor"])
    assert stop.value.code == 1
    assert "3 things are wrong." in capsys.readouterr().out


# Many workspaces, by OAuth.


@pytest.fixture
def many(settings: Settings, app: Installation) -> Settings:
    given = {"slack_client_id": app.app.client_id, "slack_client_secret": app.app.client_secret}
    made = Settings(**given, public_url="https://buildbell.example.com")  # type: ignore[arg-type]
    oauth = {name: getattr(made, name) for name in ("slack_client_id", "slack_client_secret", "public_url")}
    return settings.model_copy(update={**oauth, "slack_bot_token": None})


async def test_oauth_is_well(many: Settings) -> None:
    findings = await examine(many, clock=CLOCK)
    assert [finding for finding in findings if finding.level in ("warning", "error")] == []
    told = table(findings)
    assert "Slack knows the client id and the client secret." in told
    assert "Workspaces install at https://buildbell.example.com/slack/install." in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("slack_client_secret", "f" * 32, "BUILDBELL_SLACK_CLIENT_SECRET (bad_client_secret)"),
        ("slack_client_id", "1.2", "BUILDBELL_SLACK_CLIENT_ID (invalid_client_id)"),
    ],
)
async def test_what_slack_does_not_know_is_told(many: Settings, name: str, value: str, told: str) -> None:
    wrong = getattr(Settings(**{name: value}), name)  # type: ignore[arg-type]
    finding = await found(many.model_copy(update={name: wrong}), "OAuth")
    assert finding.is_wrong
    assert told in finding.sentence
    assert "f" * 32 not in finding.sentence


async def test_an_address_without_https_is_told(many: Settings) -> None:
    finding = await found(many.model_copy(update={"public_url": "http://buildbell.example.com"}), "install page")
    assert finding.is_wrong


async def test_a_bot_token_beside_oauth_is_told_to_be_of_no_use(many: Settings, settings: Settings) -> None:
    finding = await found(many.model_copy(update={"slack_bot_token": settings.slack_bot_token}), "Slack token")
    assert finding.level == "warning"


async def test_the_clock_is_compared_with_oauth_too(many: Settings) -> None:
    finding = await found(many, "clock", SteppedClock(start=datetime.now(UTC) + timedelta(minutes=10)))
    assert finding.is_wrong
