"""Settings and the command line: what an operator sets, gets wrong, and is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.__main__ import main
from bot.domain.abort_reasons import REASONS_TO_CHOOSE
from bot.settings import Settings, SettingsWrong, read_settings
from bot.settings_check import missing_for_run
from bot.settings_typos import unknown_names
from bot.vault import KEY_BYTES, new_key, parse_keys

SECRET = "xoxb-2323-2424-AbCdEfGh"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No .env but the one a test writes."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Run the command line, which must refuse, and return what it says."""
    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_everything_has_a_default() -> None:
    settings = read_settings()
    assert (settings.command, settings.port) == ("/build", 3000)
    assert settings.database_url.get_secret_value() == "sqlite:///buildbell.db"
    assert not settings.uses_socket_mode


def test_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    (empty_folder / ".env").write_text("BUILDBELL_COMMAND=/ship\nBUILDBELL_PORT=4000\nOTHER_PROGRAM=1\n")
    monkeypatch.setenv("BUILDBELL_PORT", "5000")
    settings = read_settings()
    assert (settings.command, settings.port) == ("/ship", 5000)


def test_a_step_may_give_the_reasons_that_people_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().ci_reasons == ("no-changes",)
    monkeypatch.setenv("BUILDBELL_CI_REASONS", ", ".join(REASONS_TO_CHOOSE))
    assert read_settings().ci_reasons == REASONS_TO_CHOOSE


def test_a_reason_nobody_knows_is_named_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_CI_REASONS", "no-changes,boredom")
    with pytest.raises(SettingsWrong, match="BUILDBELL_CI_REASONS should be 'superseded', 'wrong-target'"):
        read_settings()


def test_lists_are_plain_text_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_CONNECT_USERS", " U024BE7LH, W0G9QF9C6 ,")
    monkeypatch.setenv("BUILDBELL_REPORT_GREEN_USERS", "*")
    settings = read_settings()
    assert settings.connect_users == ("U024BE7LH", "W0G9QF9C6")
    assert settings.report_green_users == ("*",)


def test_empty_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_APP_TOKEN", "")
    monkeypatch.setenv("BUILDBELL_REPORT_GREEN_USERS", "")
    settings = read_settings()
    assert settings.slack_app_token is None
    assert settings.report_green_users == ()


def test_app_token_means_socket_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_APP_TOKEN", "xapp-1-A1-2-abc")
    assert read_settings().uses_socket_mode


def test_addresses_are_joined_without_doubled_slashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("BUILDBELL_PUBLIC_URL", "https://buildbell.example.com/")
    settings = read_settings()
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert settings.public_url == "https://buildbell.example.com"


def test_a_secret_out_of_a_file_may_end_with_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_METRICS_TOKEN", "t0k3n\n")
    assert read_settings().metrics_token == SecretStr("t0k3n")


@pytest.mark.parametrize("field", ["slack_signing_secret", "metrics_token", "slack_client_secret"])
def test_blanks_are_no_secret(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BUILDBELL_{field.upper()}", " ")
    assert getattr(read_settings(), field) is None


def test_secrets_do_not_show() -> None:
    settings = Settings(
        slack_bot_token=SECRET, encryption_keys="a-key-nobody-sees", slack_signing_secret="8f7e6d",
        database_url="postgresql://ana:hunter2@host/buildbell",
    )  # fmt: skip
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert not any(secret in shown for secret in (SECRET, "a-key-nobody-sees", "8f7e6d", "hunter2"))


WRONG = [
    ("BUILDBELL_PORT", "many", "must be a whole number"),
    ("BUILDBELL_PORT", "70000", "65535"),
    ("BUILDBELL_SWEEP_SECONDS", "soon", "must be a number"),
    ("BUILDBELL_SWEEP_SECONDS", "nan", "should be"),
    ("BUILDBELL_COMMAND", "build", "must be a slash"),
    ("BUILDBELL_COMMAND", "/Build it", "must be a slash"),
    ("BUILDBELL_COMMAND", "/" + "b" * 25, "up to 24"),
    ("BUILDBELL_SLACK_BOT_TOKEN", "xoxp-2323-AbCdEfGh", "must begin with xoxb-"),
    ("BUILDBELL_SLACK_APP_TOKEN", SECRET, "must begin with xapp-"),
    ("BUILDBELL_SLACK_API_URL", "slack.com/api", "https://"),
    ("BUILDBELL_PUBLIC_URL", "https://ana:AbCdEfGh@example.com", "must not hold a user name or password"),
    ("BUILDBELL_DATABASE_URL", "mysql://ana:AbCdEfGh@db/x", "sqlite:///buildbell.db"),
    ("BUILDBELL_CONNECT_USERS", "U024BE7LH,@bo", "'@bo'"),
    ("BUILDBELL_CONNECT_USERS", "*", "everybody"),
    ("BUILDBELL_LOG_LEVEL", "LOUD", "'DEBUG'"),
    ("BUILDBELL_LOG_FORMAT", "xml", "'json'"),
]


@pytest.mark.parametrize(("name", "value", "told"), WRONG)
@pytest.mark.parametrize("command", ["run", "migrate", "doctor", "manifest"])
def test_wrong_value_is_one_sentence(
    name: str,
    value: str,
    told: str,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)
    [sentence] = refused(capsys, command)
    assert sentence.startswith(f"buildbell: {name} ")
    assert told in sentence
    assert "AbCdEfGh" not in sentence


def test_everything_wrong_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_PORT", "many")
    monkeypatch.setenv("BUILDBELL_COMMAND", "build")
    with pytest.raises(SettingsWrong) as wrong:
        read_settings()
    assert {problem.split()[0] for problem in wrong.value.problems} == {"BUILDBELL_PORT", "BUILDBELL_COMMAND"}
    assert wrong.value.__cause__ is None


def test_run_without_settings_names_each_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    bot_token, way_in, keys = refused(capsys, "run")
    assert "BUILDBELL_SLACK_BOT_TOKEN is not set" in bot_token
    assert "BUILDBELL_SLACK_APP_TOKEN" in way_in
    assert "BUILDBELL_SLACK_SIGNING_SECRET" in way_in
    assert "buildbell keys new" in keys


@pytest.mark.parametrize("role", ["web", "worker"])
def test_sqlite_serves_one_process_that_does_everything(role: Any) -> None:
    facts: dict[str, Any] = {"slack_bot_token": SECRET, "slack_app_token": "xapp-1", "encryption_keys": new_key()}
    [told] = missing_for_run(Settings(**facts, role=role))
    assert told.startswith(f"BUILDBELL_ROLE is {role}, and BUILDBELL_DATABASE_URL names SQLite")
    assert missing_for_run(Settings(**facts, role=role, database_url="postgresql://host/buildbell")) == []


def test_a_worker_needs_no_way_into_slack() -> None:
    worker = Settings(
        slack_bot_token=SECRET, encryption_keys=new_key(), role="worker", database_url="postgresql://host/buildbell"
    )
    assert missing_for_run(worker) == []


def test_either_way_into_slack_is_enough() -> None:
    key = new_key()
    by_socket = Settings(slack_bot_token=SECRET, slack_app_token="xapp-1", encryption_keys=key)
    by_http = Settings(slack_bot_token=SECRET, slack_signing_secret="8f7e", encryption_keys=key)
    assert missing_for_run(by_socket) == missing_for_run(by_http) == []


@pytest.mark.parametrize("keys", ["c2hvcnQ=", "not base64!", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=,c2hvcnQ="])
def test_run_with_a_wrong_key_does_not_show_it(
    keys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_BOT_TOKEN", SECRET)
    monkeypatch.setenv("BUILDBELL_SLACK_APP_TOKEN", "xapp-1")
    monkeypatch.setenv("BUILDBELL_ENCRYPTION_KEYS", keys)
    [sentence] = refused(capsys, "run")
    assert f"Key {keys.count(',') + 1} in BUILDBELL_ENCRYPTION_KEYS" in sentence
    assert not any(piece in sentence for piece in keys.split(","))


def test_file_that_is_no_text_is_said(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_folder / ".env").write_bytes(b"BUILDBELL_COMMAND=\xff\xfe")
    assert refused(capsys, "migrate") == [
        "buildbell: The file .env cannot be read as UTF-8 text: correct it, or move it away."
    ]


def test_a_slip_in_a_name_is_noticed() -> None:
    assert unknown_names(["BUILDBELL_PORT", "HOME", "BUILDBELL_SLACK_BOT_TOKENS"]) == [
        "BUILDBELL_SLACK_BOT_TOKENS is no setting. Did you mean BUILDBELL_SLACK_BOT_TOKEN?"
    ]


# The command line.


@pytest.mark.parametrize("arguments", [[], ["keys"], ["sing"], ["run", "--port", "1"]])
def test_what_is_no_command_is_answered_with_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    said = "\n".join(refused(capsys, *arguments))
    assert "usage: buildbell" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "--role", "both"], "--role should be 'all', 'web' or 'worker'."),
        (["export", "--format", "xml"], "--format should be 'csv', 'json' or 'sqlite'."),
        (["copy", "--to", "postgresql://u:AbCdEfGh@h/b"], "--from is missing."),
    ],
    ids=["value", "another value", "left out"],
)
def test_an_option_that_is_wrong_is_one_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == [f"buildbell: {told}"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert all(f"    {command} " in said for command in ("run", "migrate", "copy", "doctor", "manifest", "keys"))


def test_new_key_is_one_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "new"])
    [key] = parse_keys(capsys.readouterr().out)
    assert len(key) == KEY_BYTES


def test_migrate_makes_the_database_and_says_its_version(
    empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    assert capsys.readouterr().out.startswith("The database is at version ")
    assert (empty_folder / "buildbell.db").exists()


def test_migrate_where_nothing_can_be_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_DATABASE_URL", "sqlite:///nowhere/buildbell.db")
    [sentence] = refused(capsys, "migrate")
    assert "nowhere" in sentence


# Many workspaces, by OAuth.

OAUTH: dict[str, Any] = {"slack_client_id": "12.34", "slack_client_secret": "s3cr3t-of-the-app"}


def test_with_oauth_no_bot_token_is_needed() -> None:
    ready = Settings(
        **OAUTH, slack_app_token="xapp-1", encryption_keys=new_key(), public_url="https://buildbell.example.com"
    )
    assert ready.uses_oauth
    assert missing_for_run(ready) == []


@pytest.mark.parametrize("left_out", list(OAUTH))
def test_half_of_oauth_is_told(left_out: str) -> None:
    half = {name: value for name, value in OAUTH.items() if name != left_out}
    settings = Settings(**half, slack_bot_token=SECRET, slack_app_token="xapp-1", encryption_keys=new_key())
    [sentence] = missing_for_run(settings)
    assert sentence.startswith(f"BUILDBELL_{left_out.upper()} is not set")
    assert "s3cr3t" not in sentence


def test_oauth_without_an_address_is_told() -> None:
    settings = Settings(**OAUTH, slack_app_token="xapp-1", encryption_keys=new_key())
    [sentence] = missing_for_run(settings)
    assert "BUILDBELL_PUBLIC_URL is not set" in sentence


def test_a_client_id_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_CLIENT_ID", "A0123")
    with pytest.raises(SettingsWrong, match="BUILDBELL_SLACK_CLIENT_ID must be two numbers"):
        read_settings()
