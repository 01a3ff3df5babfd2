"""Messages about imports of past builds: the one that tracks their progress, and one line of it for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain.builds import format_duration
from bot.slack.blocks import context, message, section
from bot.slack.text import Message, escape, isolate, mention, period, plural, quoted, unmarked
from storage.imports import DONE, FAILED, ImportRow

APPS_LISTED = 10
EMOJI = {DONE: "✅", FAILED: "❌"}
GONE = "This import moved to another message, or Bitrise was disconnected."


def progress(rows: Sequence[ImportRow], titles: Mapping[str, str], *, command: str) -> Message:
    """A line for each app. ``titles`` are the apps' names by slug."""
    if not rows:
        return Message(GONE)
    days = period(max(row.days for row in rows))
    if any(row.is_open for row in rows):
        head = f"*Importing builds* from the last {days} (requested by {mention(rows[0].requested_by)})"
        note = (
            f"You can keep using Buildbell. To cancel, run `{escape(command)} import stop`; builds already "
            "imported are kept."
        )
    else:
        builds, seconds = sum(row.imported_count for row in rows), sum(row.duration_ms for row in rows) / 1_000
        states = {row.state for row in rows}
        result = "complete" if DONE in states else "failed" if FAILED in states else "canceled"
        head = f"*Import {result}*: {plural(builds, 'build')} from the last {days}, in {format_duration(seconds)}"
        note = f"{'They are' if builds != 1 else 'It is'} now included in `{escape(command)} stats`." if builds else ""
    started = [row for row in rows if row.updated_at or not row.is_open]
    apps = [_app_line(row, titles) for row in started[:APPS_LISTED]]
    more = len(started) - len(apps)
    rest = [_waiting(len(rows) - len(started)), f"and {more:,} more {'apps' if more > 1 else 'app'}" if more else ""]
    text = "\n".join([head, *apps, *filter(None, rest)])
    return message(text, section(text), context(note) if note else None)


def progress_sentence(rows: Sequence[ImportRow], titles: Mapping[str, str]) -> str:
    """The open imports in one sentence, not escaped; empty without any."""
    if not rows:
        return ""
    first, rest = rows[0], _waiting(len(rows) - 1)
    title = isolate(titles.get(first.app_slug, first.app_slug))
    return f"Importing past builds: {title}: {_app_progress(first)}{f'; {rest}' if rest else ''}."


def _waiting(count: int) -> str:
    return f"{count:,} more {'apps are' if count > 1 else 'app is'} waiting" if count else ""


def _app_line(row: ImportRow, titles: Mapping[str, str]) -> str:
    title = unmarked(titles.get(row.app_slug, row.app_slug), 100)
    if row.is_open:
        return f"🔵 {title}: {_app_progress(row)}"
    emoji = EMOJI.get(row.state, "⏹️")
    if row.state == DONE:
        return f"{emoji} {title}: {plural(row.imported_count, 'build') if row.imported_count else 'no builds'}"
    after = f" after {row.imported_count:,} of {plural(row.total, 'build')}" if row.total else ""
    return f"{emoji} {title}: {quoted(row.error or 'stopped', 300)}{after}"


def _app_progress(row: ImportRow) -> str:
    """``1,850 of 4,210 builds (43%), about 2 min left``."""
    count, total = row.imported_count, max(row.total or 0, row.imported_count)
    imported = f"{count:,} of {plural(total, 'build')} ({100 * count // total}%)" if total else "starting"
    if row.failures:
        return f"{imported}; Bitrise is busy, the import resumes automatically"
    left = seconds_left(row)
    return imported + (f", about {format_duration(left)} left" if left else "")


def seconds_left(row: ImportRow) -> float | None:
    """Estimate the remaining time from the pace so far; None before the first page."""
    if not row.imported_count or not row.total or not row.duration_ms:
        return None
    return row.duration_ms / 1_000 / row.imported_count * max(0, row.total - row.imported_count)
