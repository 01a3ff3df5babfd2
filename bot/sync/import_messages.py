"""How far the past of apps has been read: the message that moves, and one line of it for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.builds import format_duration
from bot.slack.blocks import context, message, section
from bot.slack.text import Message, escape, mention, plural, quoted, unmarked
from storage.imports import DONE, FAILED, ImportRow

NAMED = 10
_SIGNS = {DONE: "✅", FAILED: "❌"}
GONE = (
    "Past builds are not read here any more: somebody has asked for them again elsewhere, or Bitrise was disconnected."
)


def progress(rows: Sequence[ImportRow], titles: Mapping[str, str], *, command: str) -> Message:
    """``titles`` are the apps' names by slug."""
    if not rows:
        return Message(GONE)
    told = [_line(row, titles) for row in rows if row.updated_at or not row.is_open][:NAMED]
    waiting = _waiting(sum(row.is_open and row.updated_at is None for row in rows))
    listed = [*told, *([waiting] if waiting else []), *_unnamed(rows, told, waiting)]
    if not any(row.is_open for row in rows):
        head = _over(rows)
        note = f"{escape(command)} stats counts them."
    else:
        head = f"*Reading builds* of the last {_days(rows)}, asked for by {mention(rows[0].requested_by)}"
        note = f"Nothing else waits for this. {escape(command)} import stop ends it; what is read stays."
    return message("\n".join([head, *listed]), section("\n".join([head, *listed])), context(note))


def _unnamed(rows: Sequence[ImportRow], told: Sequence[str], waiting: str) -> list[str]:
    left = len(rows) - len(told) - sum(row.is_open and row.updated_at is None for row in rows)
    return [f"and {left:,} more {'apps' if left > 1 else 'app'}"] if left else []


def _waiting(count: int) -> str:
    return f"{count:,} more {'apps wait' if count > 1 else 'app waits'}" if count else ""


def _over(rows: Sequence[ImportRow]) -> str:
    builds, spent = sum(row.imported_count for row in rows), sum(row.duration_ms for row in rows) / 1_000
    return f"*Builds are read*: {builds:,} of the last {_days(rows)}, in {format_duration(spent)}"


def _days(rows: Sequence[ImportRow]) -> str:
    days = max(row.days for row in rows)
    return f"{days} days" if days > 1 else "24 hours"


def _line(row: ImportRow, titles: Mapping[str, str]) -> str:
    title = unmarked(titles.get(row.app_slug, row.app_slug), 100)
    if row.is_open:
        return f"🔵 {title}: {_so_far(row)}"
    sign = _SIGNS.get(row.state, "⏹️")
    if row.state == DONE:
        return f"{sign} {title}: {_builds(row.imported_count)}"
    after = f" after {row.imported_count:,} of {plural(row.total, 'build')}" if row.total else ""
    return f"{sign} {title}: {quoted(row.error or 'ended', 300)}{after}"


def _builds(count: int) -> str:
    return f"{count:,} {'build' if count == 1 else 'builds'}" if count else "no builds"


def _so_far(row: ImportRow) -> str:
    """``1,850 of 4,210 builds (43 %), about 2 min left``."""
    total = max(row.total or 0, row.imported_count)
    read = (
        f"{row.imported_count:,} of {plural(total, 'build')} ({100 * row.imported_count // total} %)"
        if total
        else "about to begin"
    )
    if row.failures:
        return f"{read}; Bitrise is busy, I go on by myself"
    left = seconds_left(row)
    return read + (f", about {format_duration(left)} left" if left else "")


def seconds_left(row: ImportRow) -> float | None:
    """At the pace of what has been read so far; None while nothing has."""
    if not row.imported_count or not row.total or not row.duration_ms:
        return None
    return row.duration_ms / 1_000 / row.imported_count * max(0, row.total - row.imported_count)


def in_a_line(rows: Sequence[ImportRow], titles: Mapping[str, str]) -> str:
    """What is being read now, in words, not escaped; empty when nothing is."""
    if not rows:
        return ""
    first, rest = rows[0], _waiting(len(rows) - 1)
    title = titles.get(first.app_slug, first.app_slug)
    return f"Past builds are being read: {title}: {_so_far(first)}{f'; {rest}' if rest else ''}."
