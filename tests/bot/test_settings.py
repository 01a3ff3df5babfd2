"""Settings and the command line: defaults, invalid values and their explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.__main__ import main
from bot.domain.abort_reasons import REASONS_TO_CHOOSE
from bot.settings import InvalidSettings, Settings, read_settings
from bot.settings_check import check_required, find_typos
from bot.vault import KEY_BYTES, new_key, parse_keys

SECRET = "xoxb-2323-2424-AbCdEfGh"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in a folder whose only .env is the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """Run a command that must fail, and return its error output."""
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


def test_ci_steps_may_give_every_reason_that_people_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().ci_reasons == ("no-changes",)
    monkeypatch.setenv("BUILDBELL_CI_REASONS", ", ".join(REASONS_TO_CHOOSE))
    assert read_settings().ci_reasons == REASONS_TO_CHOOSE


def test_unknown_ci_reason_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_CI_REASONS", "no-changes,boredom")
    with pytest.raises(InvalidSettings, match="BUILDBELL_CI_REASONS should be 'superseded', 'wrong-target'"):
        read_settings()


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_app_token_selects_socket_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_APP_TOKEN", "xapp-1-A1-2-abc")
    assert read_settings().uses_socket_mode


def test_urls_are_normalized_for_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("BUILDBELL_PUBLIC_URL", "https://buildbell.example.com/")
    settings = read_settings()
    assert settings.slack_api_url == "http://127.0.0.1:9/api/"
    assert settings.public_url == "https://buildbell.example.com"


def test_line_break_after_a_secret_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_METRICS_TOKEN", "t0k3n\n")
    assert read_settings().metrics_token == SecretStr("t0k3n")


@pytest.mark.parametrize("field", ["slack_signing_secret", "metrics_token", "slack_client_secret"])
def test_blank_secret_counts_as_not_set(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BUILDBELL_{field.upper()}", " ")
    assert getattr(read_settings(), field) is None


def test_secrets_are_not_in_the_repr() -> None:
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
    ("BUILDBELL_SLACK_BOT_TOKEN", "xoxp-2323-AbCdEfGh", "must start with xoxb-"),
    ("BUILDBELL_SLACK_APP_TOKEN", SECRET, "must start with xapp-"),
    ("BUILDBELL_SLACK_API_URL", "slack.com/api", "https://"),
    ("BUILDBELL_PUBLIC_URL", "https://ana:AbCdEfGh@example.com", "must not contain a user name or password"),
    ("BUILDBELL_DATABASE_URL", "mysql://ana:AbCdEfGh@db/x", "sqlite:///buildbell.db"),
    ("BUILDBELL_CONNECT_USERS", "U024BE7LH,@bo", "'@bo'"),
    ("BUILDBELL_CONNECT_USERS", "*", "everybody"),
    ("BUILDBELL_LOG_LEVEL", "LOUD", "'DEBUG'"),
    ("BUILDBELL_LOG_FORMAT", "xml", "'json'"),
]


@pytest.mark.parametrize(("name", "value", "told"), WRONG)
@pytest.mark.parametrize("command", ["run", "migrate", "doctor", "manifest"])
def test_invalid_value_is_explained_in_one_sentence(
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


def test_all_invalid_values_are_reported_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_PORT", "many")
    monkeypatch.setenv("BUILDBELL_COMMAND", "build")
    with pytest.raises(InvalidSettings) as wrong:
        read_settings()
    assert {problem.split()[0] for problem in wrong.value.problems} == {"BUILDBELL_PORT", "BUILDBELL_COMMAND"}
    assert wrong.value.__cause__ is None


def test_run_names_every_missing_setting(capsys: pytest.CaptureFixture[str]) -> None:
    bot_token, way_in, keys = refused(capsys, "run")
    assert "BUILDBELL_SLACK_BOT_TOKEN is not set" in bot_token
    assert "BUILDBELL_SLACK_APP_TOKEN" in way_in
    assert "BUILDBELL_SLACK_SIGNING_SECRET" in way_in
    assert "buildbell keys new" in keys


@pytest.mark.parametrize("role", ["web", "worker"])
def test_sqlite_needs_the_role_all(role: Any) -> None:
    facts: dict[str, Any] = {"slack_bot_token": SECRET, "slack_app_token": "xapp-1", "encryption_keys": new_key()}
    [told] = check_required(Settings(**facts, role=role))
    assert told.startswith(f"BUILDBELL_ROLE={role} doesn't work with SQLite")
    assert check_required(Settings(**facts, role=role, database_url="postgresql://host/buildbell")) == []


def test_worker_needs_neither_app_token_nor_signing_secret() -> None:
    worker = Settings(
        slack_bot_token=SECRET, encryption_keys=new_key(), role="worker", database_url="postgresql://host/buildbell"
    )
    assert check_required(worker) == []


def test_app_token_or_signing_secret_is_enough() -> None:
    key = new_key()
    by_socket = Settings(slack_bot_token=SECRET, slack_app_token="xapp-1", encryption_keys=key)
    by_http = Settings(slack_bot_token=SECRET, slack_signing_secret="8f7e", encryption_keys=key)
    assert check_required(by_socket) == check_required(by_http) == []


@pytest.mark.parametrize("keys", ["c2hvcnQ=", "not base64!", "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=,c2hvcnQ="])
def test_invalid_encryption_key_is_not_shown(
    keys: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_BOT_TOKEN", SECRET)
    monkeypatch.setenv("BUILDBELL_SLACK_APP_TOKEN", "xapp-1")
    monkeypatch.setenv("BUILDBELL_ENCRYPTION_KEYS", keys)
    [sentence] = refused(capsys, "run")
    assert f"Key {keys.count(',') + 1} in BUILDBELL_ENCRYPTION_KEYS" in sentence
    assert not any(piece in sentence for piece in keys.split(","))


def test_env_file_that_is_not_text_is_reported(empty_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (empty_folder / ".env").write_bytes(b"BUILDBELL_COMMAND=\xff\xfe")
    assert refused(capsys, "migrate") == ["buildbell: Can't read .env as UTF-8 text. Fix the file or move it away."]


def test_misspelled_variable_is_reported() -> None:
    assert find_typos(["BUILDBELL_PORT", "HOME", "BUILDBELL_SLACK_BOT_TOKENS"]) == [
        "Unknown setting BUILDBELL_SLACK_BOT_TOKENS. Did you mean BUILDBELL_SLACK_BOT_TOKEN?"
    ]


# The command line.


@pytest.mark.parametrize("arguments", [[], ["keys"], ["sing"], ["run", "--port", "1"]])
def test_unknown_command_prints_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
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
def test_invalid_option_is_explained_in_one_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == [f"buildbell: {told}"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    said = capsys.readouterr().out
    assert all(f"    {command} " in said for command in ("run", "migrate", "copy", "doctor", "manifest", "keys"))


def test_new_key_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    main(["keys", "new"])
    [key] = parse_keys(capsys.readouterr().out)
    assert len(key) == KEY_BYTES


def test_migrate_creates_the_database_and_prints_its_version(
    empty_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["migrate"])
    assert capsys.readouterr().out.startswith("Database schema is at version ")
    assert (empty_folder / "buildbell.db").exists()


def test_migrate_in_an_unwritable_folder_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BUILDBELL_DATABASE_URL", "sqlite:///nowhere/buildbell.db")
    [sentence] = refused(capsys, "migrate")
    assert "nowhere" in sentence


# Many workspaces, by OAuth.

OAUTH: dict[str, Any] = {"slack_client_id": "12.34", "slack_client_secret": "s3cr3t-of-the-app"}


def test_oauth_needs_no_bot_token() -> None:
    ready = Settings(
        **OAUTH, slack_app_token="xapp-1", encryption_keys=new_key(), public_url="https://buildbell.example.com"
    )
    assert ready.uses_oauth
    assert check_required(ready) == []


@pytest.mark.parametrize("left_out", list(OAUTH))
def test_client_id_and_secret_need_each_other(left_out: str) -> None:
    half = {name: value for name, value in OAUTH.items() if name != left_out}
    settings = Settings(**half, slack_bot_token=SECRET, slack_app_token="xapp-1", encryption_keys=new_key())
    [sentence] = check_required(settings)
    assert sentence.startswith(f"BUILDBELL_{left_out.upper()} is not set")
    assert "s3cr3t" not in sentence


def test_oauth_needs_the_public_url() -> None:
    settings = Settings(**OAUTH, slack_app_token="xapp-1", encryption_keys=new_key())
    [sentence] = check_required(settings)
    assert "BUILDBELL_PUBLIC_URL is not set" in sentence


def test_invalid_client_id_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDBELL_SLACK_CLIENT_ID", "A0123")
    with pytest.raises(InvalidSettings, match="BUILDBELL_SLACK_CLIENT_ID must be two numbers"):
        read_settings()
