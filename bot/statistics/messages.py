"""Figures as one message: a sentence, a table, charts, what stands out, and buttons to ask further."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.abort_reasons import Reason
from bot.domain.builds import format_duration
from bot.errors import ViewExpired
from bot.slack import ids
from bot.slack.blocks import actions, button, context, message, section
from bot.slack.build_lists import VALUE_LIMIT
from bot.slack.charts import bars, pie, plain_table, table
from bot.slack.text import NOTHING, Message, capital, length, quoted, several, shorten
from bot.statistics.queries import MOST_DAYS, SPANS, USUAL_DAYS, Counts, Spread, Stats, StatsWanted
from bot.statistics.text import (
    before_words,
    cost_line,
    failing_line,
    flaky_line,
    heading,
    share,
    slowest_line,
    summary,
    trend,
)

BY_REASON = "reason"
OFFERED = 4
"""So many apps or workflows get a button."""
TEXT_LIMIT = 2_900


@dataclass(frozen=True, slots=True)
class StatsPage:
    """What a button stands for: which builds, and whether their reasons are looked at instead of their outcomes."""

    wanted: StatsWanted
    by: str | None = None

    def value(self) -> str:
        facts = {name: value for name, value in asdict(self.wanted).items() if value is not None}
        return json.dumps(facts | ({"by": self.by} if self.by else {}), ensure_ascii=False, separators=(",", ":"))


def read_stats_page(value: str) -> StatsPage:
    """What the pressed button stands for. Raises `ViewExpired` for a value that is not ours."""
    try:
        facts = dict(json.loads(value))
        by = facts.pop("by", None)
        known = {field.name: facts[field.name] for field in fields(StatsWanted) if field.name in facts}
        return StatsPage(
            StatsWanted(**known | {"days": min(MOST_DAYS, max(1, int(known.get("days", USUAL_DAYS))))}), by
        )
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise ViewExpired("Those figures are too old to be asked further. Type the command again.") from broken


def stats_message(stats: Stats, page: StatsPage, titles: Mapping[str, str], *, past: str = "") -> Message:
    """``titles`` are the apps' names by slug; ``past`` says what is still being read of it, not escaped."""
    told = _reasons(stats, titles) if page.by == BY_REASON else _outcomes(stats, titles)
    note = quoted(f"{past} Until then these figures are not whole.") if past else ""
    text = f"{told.text}\n{note}" if note else told.text
    return message(text, *told.blocks, *([context(note)] if note else []), *_buttons(stats, page, titles))


@dataclass(frozen=True, slots=True)
class _Told:
    text: str
    blocks: Sequence[Block]


def _outcomes(stats: Stats, titles: Mapping[str, str]) -> _Told:
    head, said = heading(stats, titles), " ".join(filter(None, (summary(stats.counts), trend(stats))))
    if not stats.counts.total:
        return _Told(f"{head}: no build ended. {before_words(stats)}", [section(f"*{head}*\nNo build ended.")])
    rows = list(_rows(stats))
    remarks = [line for line in (cost_line(stats), slowest_line(stats, titles), failing_line(stats, titles)) if line]
    remarks += [line] if (line := flaky_line(stats)) else []
    below = "\n".join(remarks)
    charts = [chart for chart in (_over_time(stats), _whole(stats.counts)) if chart]
    text = shorten("\n".join(filter(None, (f"{head}: {said}", plain_table(rows), below))), TEXT_LIMIT)
    return _Told(text, [section(f"*{head}*\n{said}"), table(rows), *charts, *([section(below)] if below else [])])


def _rows(stats: Stats) -> Iterator[tuple[str, str, str]]:
    days = f"{stats.wanted.days} d"
    yield "Builds that ended", f"last {days}", f"{days} before"
    yield "True success rate", share(stats.counts.success_rate), share(stats.before.success_rate)
    for name in ("succeeded", "failed", "aborted", "skipped"):
        yield name.capitalize(), f"{getattr(stats.counts, name):,}", f"{getattr(stats.before, name):,}"
    yield "Success takes, median", _median(stats.run), _median(stats.run_before)
    yield "Success takes, 9 in 10 within", _p90(stats.run), _p90(stats.run_before)
    yield "Wait for a machine, median", _median(stats.queue), NOTHING
    yield "Wait for a machine, 9 in 10 within", _p90(stats.queue), NOTHING


def _median(spread: Spread | None) -> str:
    return format_duration(spread.median) if spread else NOTHING


def _p90(spread: Spread | None) -> str:
    return format_duration(spread.p90) if spread else NOTHING


def _over_time(stats: Stats) -> Block | None:
    if len(stats.parts) < 2:
        return None
    names = ("succeeded", "failed", "aborted", "skipped")
    series = {name.capitalize(): [getattr(part.counts, name) for part in stats.parts] for name in names}
    labels = [f"{part.since:%b} {part.since.day}" for part in stats.parts]
    return bars("How builds ended", labels, series, x_label="from that day on, UTC")


def _whole(counts: Counts) -> Block | None:
    names = ("succeeded", "failed", "aborted", "skipped")
    return pie("All of them", [(name.capitalize(), getattr(counts, name)) for name in names])


def _reasons(stats: Stats, titles: Mapping[str, str]) -> _Told:
    head, stopped = heading(stats, titles), stats.counts.aborted + stats.counts.skipped
    if not stopped:
        return _Told(f"{head}: no build was stopped.", [section(f"*{head}*\nNo build was stopped.")])
    verb = "was" if stopped == 1 else "were"
    said = f"{stopped:,} of {several(stats.counts.total, 'build')} {verb} stopped: {stats.counts.aborted:,} aborted, "
    said += f"{stats.counts.skipped:,} skipped (stopped and reported green)."
    named = [(reason_label(reason), builds) for reason, builds in stats.reasons]
    rows = [("Why", "builds", "share"), *((label, f"{n:,}", share(n / stopped)) for label, n in named)]
    chart = pie("Why builds were stopped", [(capital(label), n) for label, n in named])
    text = shorten(f"{head}: {said}\n{plain_table(rows)}", TEXT_LIMIT)
    return _Told(text, [section(f"*{head}*\n{said}"), table(rows), *([chart] if chart else [])])


def reason_label(reason: str | None) -> str:
    if reason is None:
        return "no reason given"
    return Reason(reason).label if reason in set(Reason) else reason


# Buttons: each is the same question, changed in one point.


def _buttons(stats: Stats, page: StatsPage, titles: Mapping[str, str]) -> list[Block]:
    spans = [
        (f"{days} days", replace(page, wanted=replace(page.wanted, days=days)))
        for days in SPANS
        if days != page.wanted.days
    ]
    other = ("By outcome", replace(page, by=None)) if page.by else ("By reason", replace(page, by=BY_REASON))
    return [
        *actions(*_row([*spans, other], begin=1)),
        *actions(*_row(_narrower(stats, page, titles), begin=11)),
        *actions(
            _button(ids.STATS_EXPORT, "Export CSV", replace(page, by=None)),
            button(ids.STATS_MEANING, "What do these mean?", value="meaning"),
        ),
    ]


def _narrower(stats: Stats, page: StatsPage, titles: Mapping[str, str]) -> list[tuple[str, StatsPage]]:
    """Apps, then the workflows of one; and the way back."""
    wanted = page.wanted
    if wanted.app_slug is None:
        slugs = list(stats.apps)[:OFFERED]
        return [(titles.get(slug, slug), replace(page, wanted=replace(wanted, app_slug=slug))) for slug in slugs]
    back = ("All apps", replace(page, wanted=replace(wanted, app_slug=None, workflow=None)))
    if wanted.workflow is not None:
        return [("All workflows", replace(page, wanted=replace(wanted, workflow=None))), back]
    busiest = sorted(stats.workflows, key=lambda each: (-each.finished, each.name or ""))
    names = [each.name for each in busiest if each.name][:OFFERED]
    return [*((name, replace(page, wanted=replace(wanted, workflow=name))) for name in names), back]


def _row(offered: Sequence[tuple[str, StatsPage]], *, begin: int) -> list[ButtonElement | None]:
    return [
        _button(ids.numbered(ids.STATS_SHOW, place), label, page)
        for place, (label, page) in enumerate(offered, start=begin)
    ]


def _button(action_id: str, label: str, page: StatsPage) -> ButtonElement | None:
    """None for filters of absurd length, which no button can carry."""
    value = page.value()
    return button(action_id, label, value=value) if length(value) <= VALUE_LIMIT else None


def exported(count: int, *, is_whole: bool) -> str:
    """What stands above the file."""
    rest = "" if is_whole else " There are more; `buildbell export` on the server gives all of them."
    return f"{count:,} {'build' if count == 1 else 'builds'}, as CSV.{rest}"
