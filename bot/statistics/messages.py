"""The message of ``/build stats``: a sentence, a table, charts, details, and buttons to narrow and export."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from bot.domain.abort_reasons import Reason
from bot.domain.builds import format_duration
from bot.errors import ViewExpired
from bot.slack import ids
from bot.slack.blocks import Block, Button, actions, button, context, message, section
from bot.slack.build_lists import VALUE_LIMIT
from bot.slack.charts import bars, pie, plain_table, table
from bot.slack.text import NOTHING, Message, capital, length, plural, quoted, shorten
from bot.statistics.queries import DEFAULT_DAYS, MAX_DAYS, PERIODS, Percentiles, Stats, StatsQuery
from bot.statistics.text import (
    details,
    heading,
    median,
    outcome_rows,
    share,
    summary_and_trend,
    summary_before,
)

BY_REASON = "reason"
CHART_OUTCOMES = ("failed", "succeeded", "aborted", "skipped")
"""Slack colors by position, and in no common palette the first color is green: failures never look like successes."""
APPS_OFFERED = 4
"""Apps or workflows that get a button."""
TEXT_LIMIT = 2_900


@dataclass(frozen=True, slots=True)
class StatsPage:
    """The value of a button: which builds, and whether by reason or by outcome."""

    query: StatsQuery
    by: str | None = None

    def value(self) -> str:
        facts = {name: value for name, value in asdict(self.query).items() if value is not None}
        return json.dumps(facts | ({"by": self.by} if self.by else {}), ensure_ascii=False, separators=(",", ":"))


def read_stats_page(value: str) -> StatsPage:
    """Raises `ViewExpired` for a foreign value."""
    try:
        facts = dict(json.loads(value))
        by = facts.pop("by", None)
        query = {field.name: facts[field.name] for field in fields(StatsQuery) if field.name in facts}
        days = min(MAX_DAYS, max(1, int(query.get("days", DEFAULT_DAYS))))
        return StatsPage(StatsQuery(**query | {"days": days}), by)
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise ViewExpired("Those figures are too old to be asked further. Type the command again.") from broken


def stats_message(stats: Stats, page: StatsPage, titles: Mapping[str, str], *, past: str = "") -> Message:
    """``titles`` are the apps' names by slug; ``past`` says what is still being imported, not escaped."""
    text, blocks = _by_reason(stats, titles) if page.by == BY_REASON else _by_outcome(stats, titles)
    note = quoted(f"{past} Until then these figures are not whole.") if past else ""
    return message(
        f"{text}\n{note}" if note else text, blocks, context(note) if note else None, *_buttons(stats, page, titles)
    )


def _by_outcome(stats: Stats, titles: Mapping[str, str]) -> tuple[str, list[Block]]:
    head = heading(stats, titles)
    if not stats.counts.total:
        text = f"{head}: no build ended. {summary_before(stats)}"
        return text, [section(f"*{head}*\nNo build ended.")]
    sentence, below = summary_and_trend(stats), details(stats, titles)
    days = f"{stats.query.days} d"
    rows = [
        ("Builds that ended", f"last {days}", f"{days} before"),
        *outcome_rows(stats.counts, stats.before),
        ("Success takes, median", median(stats.run), median(stats.run_before)),
        ("Success takes, 9 in 10 within", _p90(stats.run), _p90(stats.run_before)),
        ("Wait for a machine, median", median(stats.queue), NOTHING),
        ("Wait for a machine, 9 in 10 within", _p90(stats.queue), NOTHING),
    ]
    blocks = [
        section(f"*{head}*\n{sentence}"),
        table(rows),
        _outcomes_over_time(stats)
        or pie("How builds ended", [(name.capitalize(), getattr(stats.counts, name)) for name in CHART_OUTCOMES]),
        section(below) if below else None,
    ]
    text = "\n".join(filter(None, (f"{head}: {sentence}", plain_table(rows), below)))
    return shorten(text, TEXT_LIMIT), [block for block in blocks if block]


def _p90(durations: Percentiles | None) -> str:
    return format_duration(durations.p90) if durations else NOTHING


def _outcomes_over_time(stats: Stats) -> Block | None:
    if len(stats.intervals) < 2:
        return None
    counts = [interval.counts for interval in stats.intervals]
    series = {name.capitalize(): [getattr(each, name) for each in counts] for name in CHART_OUTCOMES}
    labels = [f"{interval.since:%b} {interval.since.day}" for interval in stats.intervals]
    return bars("How builds ended", labels, series, x_label="from that day on, UTC")


def _by_reason(stats: Stats, titles: Mapping[str, str]) -> tuple[str, list[Block]]:
    head, counts = heading(stats, titles), stats.counts
    stopped = counts.aborted + counts.skipped
    if not stopped:
        return f"{head}: no build was stopped.", [section(f"*{head}*\nNo build was stopped.")]
    sentence = (
        f"{stopped:,} of {plural(counts.total, 'build')} {'was' if stopped == 1 else 'were'} stopped: "
        f"{counts.aborted:,} aborted, {counts.skipped:,} skipped (stopped and reported green)."
    )
    reasons = [(_reason_label(reason), builds) for reason, builds in stats.reasons]
    rows = [("Why", "builds", "share"), *((label, f"{n:,}", share(n / stopped)) for label, n in reasons)]
    chart = pie("Why builds were stopped", [(capital(label), n) for label, n in reasons])
    text = shorten(f"{head}: {sentence}\n{plain_table(rows)}", TEXT_LIMIT)
    return text, [section(f"*{head}*\n{sentence}"), table(rows), *([chart] if chart else [])]


def _reason_label(reason: str | None) -> str:
    if reason is None:
        return "no reason given"
    return Reason(reason).label if reason in set(Reason) else reason


# Buttons: each asks the same question, changed in one point.


def _buttons(stats: Stats, page: StatsPage, titles: Mapping[str, str]) -> list[list[Block]]:
    query = page.query
    periods = [
        (f"{days} days", replace(page, query=replace(query, days=days))) for days in PERIODS if days != query.days
    ]
    other = ("By outcome", replace(page, by=None)) if page.by else ("By reason", replace(page, by=BY_REASON))
    return [
        actions(*_row([*periods, other], start=1)),
        actions(*_row(_narrower(stats, page, titles), start=11)),
        actions(
            _button(ids.STATS_EXPORT, "Export CSV", replace(page, by=None)),
            button(ids.STATS_MEANING, "What do these mean?", value="meaning"),
        ),
    ]


def _narrower(stats: Stats, page: StatsPage, titles: Mapping[str, str]) -> list[tuple[str, StatsPage]]:
    """Apps, then the workflows of one; and the way back."""
    query = page.query
    if query.app_slug is None:
        slugs = list(stats.apps)[:APPS_OFFERED]
        return [(titles.get(slug, slug), replace(page, query=replace(query, app_slug=slug))) for slug in slugs]
    back = ("All apps", replace(page, query=replace(query, app_slug=None, workflow=None)))
    if query.workflow is not None:
        return [("All workflows", replace(page, query=replace(query, workflow=None))), back]
    busiest = sorted(stats.workflows, key=lambda each: (-each.finished, each.name or ""))
    names = [each.name for each in busiest if each.name][:APPS_OFFERED]
    return [*((name, replace(page, query=replace(query, workflow=name))) for name in names), back]


def _row(pages: Sequence[tuple[str, StatsPage]], *, start: int) -> list[Button | None]:
    return [
        _button(ids.numbered(ids.STATS_SHOW, place), label, page)
        for place, (label, page) in enumerate(pages, start=start)
    ]


def _button(action_id: str, label: str, page: StatsPage) -> Button | None:
    """None for filters of absurd length, which no button can carry."""
    value = page.value()
    return button(action_id, label, value=value) if length(value) <= VALUE_LIMIT else None


def export_text(count: int, *, is_whole: bool) -> str:
    """The text above the exported file."""
    rest = "" if is_whole else " There are more; `buildbell export` on the server gives all of them."
    return f"{plural(count, 'build')}, as CSV.{rest}"
