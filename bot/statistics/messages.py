"""The message of ``/build stats``: a headline and a chart, pages with details and reasons, and buttons for more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from bot.domain.abort_reasons import AUTOMATIC, Reason
from bot.domain.builds import format_duration
from bot.errors import ViewExpired
from bot.slack import ids
from bot.slack.blocks import Block, Button, actions, button, context, message, section
from bot.slack.build_lists import VALUE_LIMIT
from bot.slack.charts import bars, pie, plain_table, table
from bot.slack.text import NOTHING, Message, capital, length, period, plural, quoted, shorten
from bot.statistics.queries import DEFAULT_DAYS, MAX_DAYS, PERIODS, Counts, Percentiles, Stats, StatsQuery
from bot.statistics.text import details, heading, headline, median, outcome_rows, share

BY_REASON, DETAILS = "reason", "details"
CHART_OUTCOMES = ("failed", "succeeded", "aborted", "skipped")
"""Slack colors by position, and in no common palette the first color is green: failures never look like successes."""
APPS_OFFERED = 4
"""Apps or workflows that get a button."""
TEXT_LIMIT = 2_900


@dataclass(frozen=True, slots=True)
class StatsPage:
    """The value of a button: which builds, and which page about them: the headline, the details or the reasons."""

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
        raise ViewExpired("This report has expired. Run the command again.") from broken


def stats_message(stats: Stats, page: StatsPage, titles: Mapping[str, str], *, past: str = "") -> Message:
    """``titles`` are the apps' names by slug; ``past`` says what is still being imported, not escaped."""
    render = {BY_REASON: _reasons, DETAILS: _details}.get(page.by or "", _summary)
    text, blocks = render(stats, titles)
    note = quoted(f"{past} These numbers are incomplete until the import finishes.") if past else ""
    return message(
        f"{text}\n{note}" if note else text, blocks, context(note) if note else None, *_buttons(stats, page, titles)
    )


def _summary(stats: Stats, titles: Mapping[str, str]) -> tuple[str, list[Block]]:
    head = heading(stats, titles)
    if not stats.counts.total:
        earlier = replace(stats, counts=stats.before, before=Counts())
        before = headline(earlier, bold="").splitlines()[0] if stats.before.total else ""
        previous = f" Previous {period(stats.query.days)}: {before}." if before else ""
        return f"{head}: no builds finished.{previous}", [section(f"*{head}*\nNo builds finished.{previous}")]
    chart = _results_over_time(stats) or pie(
        "Results", [(name.capitalize(), getattr(stats.counts, name)) for name in CHART_OUTCOMES]
    )
    text = f"{head}: {headline(stats, bold='')}"
    return shorten(text, TEXT_LIMIT), [block for block in (section(f"*{head}*\n{headline(stats)}"), chart) if block]


def _details(stats: Stats, titles: Mapping[str, str]) -> tuple[str, list[Block]]:
    head, below, days = heading(stats, titles), details(stats, titles), f"{stats.query.days} d"
    rows = [
        ("Builds", f"last {days}", f"previous {days}"),
        *outcome_rows(stats.counts, stats.before),
        ("Duration, median", median(stats.run), median(stats.run_before)),
        ("Duration, p90", _p90(stats.run), _p90(stats.run_before)),
        ("Queue time, median", median(stats.queue), NOTHING),
        ("Queue time, p90", _p90(stats.queue), NOTHING),
    ]
    text = "\n".join(filter(None, (f"{head}:", plain_table(rows), below)))
    blocks = [section(f"*{head}*"), table(rows), section(below) if below else None]
    return shorten(text, TEXT_LIMIT), [block for block in blocks if block]


def _p90(durations: Percentiles | None) -> str:
    return format_duration(durations.p90) if durations else NOTHING


def _results_over_time(stats: Stats) -> Block | None:
    if len(stats.intervals) < 2:
        return None
    counts = [interval.counts for interval in stats.intervals]
    series = {name.capitalize(): [getattr(each, name) for each in counts] for name in CHART_OUTCOMES}
    return bars("Results", [interval.label for interval in stats.intervals], series)


def _reasons(stats: Stats, titles: Mapping[str, str]) -> tuple[str, list[Block]]:
    """Return why builds were stopped, by people and automatically."""
    head, counts = heading(stats, titles), stats.counts
    stopped = counts.aborted + counts.skipped
    if not stopped:
        return f"{head}: no builds were stopped.", [section(f"*{head}*\nNo builds were stopped.")]
    automatic = sum(builds for reason, builds in stats.reasons if reason in AUTOMATIC)
    sentence = (
        f"*{stopped:,} of {plural(counts.total, 'build')} stopped*: {stopped - automatic:,} by people, {automatic:,} "
        f"automatically · {counts.aborted:,} aborted, {counts.skipped:,} skipped (reported as passed)"
    )
    reasons = [(_reason_label(reason), builds) for reason, builds in stats.reasons]
    rows = [("Reason", "builds", "share"), *((label, f"{n:,}", share(n / stopped)) for label, n in reasons)]
    chart = pie("Stop reasons", [(capital(label), n) for label, n in reasons])
    text = shorten(f"{head}: {sentence.replace('*', '')}\n{plain_table(rows)}", TEXT_LIMIT)
    return text, [section(f"*{head}*\n{sentence}"), table(rows), *([chart] if chart else [])]


def _reason_label(reason: str | None) -> str:
    if reason is None:
        return "no reason"
    return Reason(reason).label if reason in set(Reason) else reason


# Buttons: each asks the same question, changed in one point.


def _buttons(stats: Stats, page: StatsPage, titles: Mapping[str, str]) -> list[list[Block]]:
    query = page.query
    periods = [
        (f"{days} days", replace(page, query=replace(query, days=days))) for days in PERIODS if days != query.days
    ]
    pages = (("Summary", None), ("Details", DETAILS), ("Stop reasons", BY_REASON))
    others = [(label, replace(page, by=by)) for label, by in pages if by != page.by]
    rows = [actions(*_row([*others, *periods], start=1))]
    if page.by is None:
        return rows
    return [
        *rows,
        actions(*_row(_narrower(stats, page, titles), start=11)),
        actions(
            _button(ids.STATS_EXPORT, "Export CSV", replace(page, by=None)),
            button(ids.STATS_MEANING, "About these stats", value="meaning"),
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
    rest = "" if is_whole else " More builds match; `buildbell export` on the server exports all of them."
    return f"{plural(count, 'build')}, as CSV.{rest}"
