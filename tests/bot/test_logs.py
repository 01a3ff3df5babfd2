"""Log lines: what is told, what is hidden, and what cannot be forged."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import logs as log
from bot.logs import JsonFormatter, TextFormatter, escape, redact


def record(event: str, *arguments: object, exc_info: Any = None, **facts: object) -> logging.LogRecord:
    made = logging.LogRecord("bot.builds", logging.INFO, __file__, 1, event, arguments, exc_info)
    made.created = 1754560800.25
    made.__dict__.update(facts)
    return made


def as_text(event: str, **facts: object) -> str:
    return TextFormatter().format(record(event, **facts))


def as_json(event: str, **facts: object) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(JsonFormatter().format(record(event, **facts)))
    return parsed


def test_text_is_an_event_and_its_facts() -> None:
    assert as_text("build finished", build_slug="a1", number=812, state=None, by="Ana Diaz") == (
        '2025-08-07T10:00:00.250Z INFO bot.builds: build finished build_slug=a1 number=812 state=null by="Ana Diaz"'
    )


def test_json_is_one_object_with_the_facts_in_it() -> None:
    assert as_json("build finished", build_slug="a1", number=812, apps=["x", "y"]) == {
        "time": "2025-08-07T10:00:00.250Z",
        "level": "info",
        "logger": "bot.builds",
        "event": "build finished",
        "build_slug": "a1",
        "number": 812,
        "apps": ["x", "y"],
    }


def test_a_fact_does_not_replace_what_every_line_has() -> None:
    told = as_json("build finished", level="x", time="y")
    assert (told["level"], told["fact_level"], told["fact_time"]) == ("info", "x", "y")


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
def test_secrets_are_stars_wherever_they_stand(secret: str, log_format: str) -> None:
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
def test_a_fact_with_a_telling_name_is_stars(name: str) -> None:
    assert as_json("x", **{name: "plain words"})[name] == "********"


def test_a_hidden_secret_needs_no_telling_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_exact", set())
    log.hide("Zq8-old-kind-of-token")
    assert redact("refused: Zq8-old-kind-of-token!") == "refused: ********!"


def test_short_words_are_never_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_exact", set())
    log.hide("")
    log.hide("a")
    assert redact("a build") == "a build"


@pytest.mark.parametrize("text", ["build a1b2c3d finished", "tokens are fine", "https://app.bitrise.io/build/abc"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@given(event=st.text(), fact=st.text())
def test_one_event_is_one_line(event: str, fact: str) -> None:
    for formatter in (TextFormatter(), JsonFormatter()):
        line = formatter.format(record("%s", event, fact=fact))
        assert len(line.splitlines()) == 1
        assert line.isprintable()


def test_line_breaks_and_terminal_codes_are_shown_not_obeyed() -> None:
    assert escape("a\nb\x1b[2Jc\u202ed") == "a\\nb\\x1b[2Jc\\u202ed"


def test_an_exception_cannot_forge_a_line() -> None:
    try:
        raise ValueError("bad\n2025-08-07T10:00:00.250Z INFO bot.builds: build finished")
    except ValueError as error:
        raised = (type(error), error, error.__traceback__)
    first, *rest = TextFormatter().format(record("oh", exc_info=raised)).splitlines()
    assert first.endswith("bot.builds: oh")
    assert rest
    assert all(line.startswith("  | ") for line in rest)


@pytest.mark.usefixtures("own_logging")
def test_slack_libraries_speak_only_to_warn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bolt gives its loggers the root's level, and logs whole bodies at INFO when a signature is bad."""
    bolt = logging.getLogger("slack_bolt.AsyncRequestVerification")
    monkeypatch.setattr(bolt, "level", logging.DEBUG)
    log.configure("DEBUG", "text")
    bolt.info("Invalid request signature detected (body: payload=…)")
    bolt.warning("Unhandled request")
    logging.getLogger("bot.builds").debug("build started", extra={"build_slug": "a1"})
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()] == [
        "WARNING slack_bolt.AsyncRequestVerification: Unhandled request",
        "DEBUG bot.builds: build started build_slug=a1",
    ]


@pytest.mark.usefixtures("own_logging")
def test_a_line_that_cannot_be_written_does_not_show_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("INFO", "json")
    logging.getLogger("bot.builds").info("%d builds", "bitpat_AbCdEfGh")
    said = capsys.readouterr().err
    assert "a log line could not be written" in said
    assert "AbCdEfGh" not in said
