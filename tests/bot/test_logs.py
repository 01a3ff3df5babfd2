"""Log lines: their fields, redaction, and protection against forged lines."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.logs import JsonFormatter, TextFormatter, escape, redact


def record(event: str, *arguments: object, exc_info: Any = None, **fields: object) -> logging.LogRecord:
    result = logging.LogRecord("bot.builds", logging.INFO, __file__, 1, event, arguments, exc_info)
    result.created = 1754560800.25
    result.__dict__.update(fields)
    return result


def as_text(event: str, **fields: object) -> str:
    return TextFormatter().format(record(event, **fields))


def as_json(event: str, **fields: object) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(JsonFormatter().format(record(event, **fields)))
    return parsed


def test_text_line_has_the_event_and_its_fields() -> None:
    assert as_text("build finished", build_slug="a1", number=812, state=None, by="Ana Diaz") == (
        '2025-08-07T10:00:00.250Z INFO bot.builds: build finished build_slug=a1 number=812 state=null by="Ana Diaz"'
    )


def test_json_line_is_one_object_with_the_fields() -> None:
    assert as_json("build finished", build_slug="a1", number=812, apps=["x", "y"]) == {
        "time": "2025-08-07T10:00:00.250Z",
        "level": "info",
        "logger": "bot.builds",
        "event": "build finished",
        "build_slug": "a1",
        "number": 812,
        "apps": ["x", "y"],
    }


def test_field_does_not_replace_a_standard_field() -> None:
    entry = as_json("build finished", level="x", time="y")
    assert (entry["level"], entry["fact_level"], entry["fact_time"]) == ("info", "x", "y")


SECRETS = [
    "xoxb-2323-2424-AbCdEfGh",
    "xoxp-2323-AbCdEfGh",
    "xoxe.xoxp-1-AbCdEfGh",
    "xoxe-1-AbCdEfGh",
    "xapp-1-A1-2-AbCdEfGh",
    "bitpat_AbCdEfGh",
    "bitwat_AbCd-EfGh",
    "https://hooks.slack.com/commands/T1/2/AbCdEfGh",
    "https://hooks.slack.com/services/T1/B2/AbCdEfGh",
    "http://127.0.0.1:4000/respond/AbCdEfGh",
    "Authorization: Bearer AbCdEfGh",
    "{'Authorization': 'AbCdEfGh'}",
    '{"authorization": "token AbCdEfGh", "x": 1}',
    "wss://wss-primary.slack.com/link/?ticket=AbCdEfGh&app_id=1",
    "token=AbCdEfGh&team_id=T1",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_redacted_everywhere_in_a_line(secret: str, log_format: str) -> None:
    formatter = TextFormatter() if log_format == "text" else JsonFormatter()
    try:
        raise RuntimeError(f"failed with {secret}")
    except RuntimeError as error:
        raised = (type(error), error, error.__traceback__)
    line = formatter.format(
        record("calling %s", secret, exc_info=raised, detail=secret, nested={"a": [secret]}, odd=_Odd(secret))
    )
    assert "AbCdEfGh" not in line
    assert "********" in line


class _Odd:
    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


@pytest.mark.parametrize("name", ["token", "bitrise_token", "Authorization", "signing_secret", "response_url"])
def test_field_with_the_name_of_a_secret_is_redacted(name: str) -> None:
    assert as_json("x", **{name: "plain words"})[name] == "********"


def test_added_secret_is_redacted_without_a_recognizable_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_secrets", set())
    logs.add_secret("Zq8-old-kind-of-token")
    assert redact("refused: Zq8-old-kind-of-token!") == "refused: ********!"


def test_short_secrets_are_not_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_secrets", set())
    logs.add_secret("")
    logs.add_secret("a")
    assert redact("a build") == "a build"


@pytest.mark.parametrize("text", ["build a1b2c3d finished", "tokens are fine", "https://app.bitrise.io/build/abc"])
def test_other_texts_are_not_redacted(text: str) -> None:
    assert redact(text) == text


@given(event=st.text(), field=st.text())
def test_one_event_is_one_line(event: str, field: str) -> None:
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record("%s", event, field=field))
        assert len(line.splitlines()) == 1
        assert line.isprintable()


def test_line_breaks_and_terminal_codes_are_escaped() -> None:
    assert escape("a\nb\x1b[2Jc\u202ed") == "a\\nb\\x1b[2Jc\\u202ed"


def test_exception_cannot_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2025-08-07T10:00:00.250Z INFO bot.builds: build finished")
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    first, *rest = TextFormatter().format(record("oh", exc_info=raised)).splitlines()
    assert first.endswith("bot.builds: oh")
    assert rest
    assert all(line.startswith("  | ") for line in rest)


@pytest.mark.usefixtures("own_logging")
def test_libraries_of_slack_log_warnings_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bolt gives its loggers the root's level, and logs whole bodies at INFO when a signature is bad."""
    bolt = logging.getLogger("slack_bolt.AsyncRequestVerification")
    monkeypatch.setattr(bolt, "level", logging.DEBUG)
    logs.configure("DEBUG", "text")
    bolt.info("Invalid request signature detected (body: payload=…)")
    bolt.warning("Unhandled request")
    logging.getLogger("bot.builds").debug("build started", extra={"build_slug": "a1"})
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()] == [
        "WARNING slack_bolt.AsyncRequestVerification: Unhandled request",
        "DEBUG bot.builds: build started build_slug=a1",
    ]


@pytest.mark.usefixtures("own_logging")
def test_failed_log_call_does_not_show_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "json")
    logging.getLogger("bot.builds").info("%d builds", "bitpat_AbCdEfGh")
    output = capsys.readouterr().err
    assert "a log line could not be written" in output
    assert "AbCdEfGh" not in output
