"""Redact secrets in build logs: rather a word too many than a secret too few. Pure.

Logs contain what scripts printed: the environment, a header, a signed URL. Redacting a text again changes nothing.
"""

from __future__ import annotations

from bot.results.secret_blocks import redact_blocks
from bot.results.secret_commands import redact_arguments
from bot.results.secret_formats import redact_addresses, redact_files, redact_random, redact_tokens
from bot.results.secret_values import redact_values


def redact_secrets(text: str) -> str:
    """Replace every known and every likely secret by stars."""
    text = redact_long_secrets(text)
    while True:
        redacted = "\n".join(map(_redact_line, text.split("\n")))
        text = redact_long_secrets(redacted)
        if text == redacted:
            return text


def redact_long_secrets(text: str) -> str:
    """Redact secrets of several lines, and those whose names are on other lines. The rest is a matter of one line."""
    return redact_blocks(redact_files(text))


def _redact_line(line: str) -> str:
    while (redacted := _redact_once(line)) != line:  # stars may join two parts into a recognizable secret
        line = redacted
    return line


def _redact_once(line: str) -> str:
    return redact_random(redact_arguments(redact_values(redact_tokens(redact_addresses(line)))))
