"""Structured logging as text or JSON: an event and its fields on one line, secrets redacted."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

STARS = "********"
SECRETS = re.compile(r"\b(?:xox[a-z](?:\.xox[a-z])?-|xapp-|bit[pw]at_)[\w.-]+")
"""Slack's and Bitrise's tokens, recognized by their prefixes."""
SECRET_URLS = re.compile(r"(hooks\.slack(?:-gov)?\.com/|/(?:commands|actions|respond)/)[^\s\"'<>\\]+")
"""A ``response_url`` or an incoming webhook: anybody with the path can post."""
NAMED_SECRETS = re.compile(
    r"""(?ix) (\b (?:authorization | response_url | signing_secret | client_secret | ticket | api_token
                  | access_token | refresh_token | password | token) ["']? \s* [:=] \s* ["']?)
        (?: (?:bearer | basic | token) \s+ )? [^\s"'&,;}\\]+"""
)
SECRET_FIELDS = re.compile(r"(?i)authorization|secret|password|(?:^|_)token$|response_url|api_token")
WARNINGS_ONLY = ("slack_bolt", "slack_sdk")
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}

_secrets: set[str] = set()


def add_secret(secret: str) -> None:
    """Redact ``secret`` in all log lines. Needed only for secrets without a recognizable form."""
    if len(secret) >= 8 and not SECRETS.fullmatch(secret):
        _secrets.add(secret)


def redact(text: str) -> str:
    """Replace tokens, response URLs, Authorization values and added secrets by stars."""
    for secret in _secrets:
        text = text.replace(secret, STARS)
    text = SECRET_URLS.sub(rf"\1{STARS}", SECRETS.sub(STARS, text))
    return NAMED_SECRETS.sub(rf"\1{STARS}", text)


def escape(text: str) -> str:
    """Escape line breaks and control characters, so that a value can't forge a log line or move the cursor."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def configure(level: str, log_format: Literal["text", "json"]) -> None:
    """Send all logging of this process to standard error in one format.

    Bolt logs whole request bodies at INFO when a signature is bad, and gives its loggers the root's level when they
    are created, so that a level on their parent isn't enough: the handler drops records of Slack's libraries below
    WARNING.
    """
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    handler.addFilter(_is_logged)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(True)
    for name in WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").disabled = True  # paths and addresses of every request; metrics count them


def _is_logged(record: logging.LogRecord) -> bool:
    if record.name == "aiohttp.server" and record.exc_info:
        from aiohttp.http_exceptions import HttpProcessingError

        # A malformed HTTP request is refused, but logged as an error: anybody could fill the log with tracebacks.
        return not isinstance(record.exc_info[1], HttpProcessingError)
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in WARNINGS_ONLY


class _Handler(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Name only the place: the standard handler prints the arguments, secrets included."""
        sys.stderr.write(f"a log line could not be written: {record.pathname}:{record.lineno}\n")


class TextFormatter(logging.Formatter):
    """``2026-08-07T10:00:00.000Z INFO bot.builds: build started build_slug=abc``"""

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={_quote(value)}" for name, value in _fields(record).items())
        event = escape(redact(record.getMessage()))
        lines = [f"{_time(record)} {record.levelname} {record.name}: {event}{fields}"]
        # Indented, so that a line break in an exception's text doesn't begin a new log line.
        lines += [f"  | {escape(line)}" for line in _trace(self, record).splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One object a line: ``time``, ``level``, ``logger``, ``event``, the fields, and ``exception`` if any."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redact(record.getMessage()),
        }
        for name, value in _fields(record).items():
            entry[f"fact_{name}" if name in entry or name == "exception" else name] = value
        if trace := _trace(self, record):
            entry["exception"] = trace
        return json.dumps(entry)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: _clean(name, value) for name, value in record.__dict__.items() if name not in STANDARD}


def _clean(name: str, value: object) -> Any:
    """Convert a field to JSON types, without secrets."""
    if SECRET_FIELDS.search(name) and value is not None:
        return STARS
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {redact(str(key)): _clean(str(key), item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(name, item) for item in value]
    return redact(str(value))


def _quote(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and re.search(r'[\s="\\]|^$', text):
        text = json.dumps(text, ensure_ascii=False)
    return escape(text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return redact(formatter.formatException(record.exc_info))
