"""Statistics in words: success rate, trend, durations, costs, and the definitions of all of them."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.builds import Cause, format_duration
from bot.slack import ids
from bot.slack.blocks import section
from bot.slack.forms import Payload, modal
from bot.slack.text import NOTHING, code, period, plural, quoted, unmarked
from bot.statistics.queries import Counts, Percentiles, Stats
from storage.statistics import Target

LISTED = 3
OUTCOMES = ("succeeded", "failed", "aborted", "skipped")


def heading(stats: Stats, titles: Mapping[str, str]) -> str:
    """``iOS Shop, last 30 days, workflow `deploy` ``, escaped."""
    query = stats.query
    parts = [app_name(query.app_slug, titles) if query.app_slug else "All apps", f"last {period(query.days)}"]
    parts += [f"workflow {code(query.workflow, 80)}"] if query.workflow else []
    parts += [f"branch {code(query.branch, 80)}"] if query.branch else []
    if query.cause:
        cause = Cause(query.cause).label if query.cause in set(Cause) else quoted(query.cause, 40)
        parts.append(f"started by {cause}")
    return ", ".join(parts)


def app_name(app_slug: str, titles: Mapping[str, str], limit: int = 100) -> str:
    return unmarked(titles.get(app_slug, app_slug), limit)


def workflow_name(
    target: Target, stats: Stats, titles: Mapping[str, str], *, default: str = "builds without a workflow"
) -> str:
    """The workflow, after its app if the statistics are of all apps."""
    app_slug, workflow = target
    name = code(workflow, 60) if workflow else default
    return name if stats.query.app_slug else f"{app_name(app_slug, titles, 60)} {name}"


def share(part: float | None) -> str:
    """``94.1 %``. ``100 %`` and ``0 %`` are exact: other rates are not rounded to them."""
    if part is None:
        return "–"
    if part in (0, 1):
        return f"{part:.0%}".replace("%", " %")
    return f"{min(99.9, max(0.1, round(100 * part, 1))):.1f} %"


def median(durations: Percentiles | None) -> str:
    return format_duration(durations.median) if durations else NOTHING


def summary(counts: Counts) -> str:
    """The success rate, and what was left out of it."""
    left_out = f"{counts.aborted:,} aborted, {counts.skipped:,} skipped not counted"
    if not counts.finished:
        return f"No build succeeded or failed; {left_out}."
    return f"{share(counts.success_rate)} of {counts.finished:,} finished succeeded; {left_out}."


def summary_and_trend(stats: Stats) -> str:
    return f"{summary(stats.counts)} {_trend(stats)}".rstrip()


def _trend(stats: Stats) -> str:
    now, before = stats.counts.success_rate, stats.before.success_rate
    if now is None or before is None:
        return ""
    previous = f"the {period(stats.query.days)} before"
    points = round(100 * (now - before), 1)
    if not points:
        return f"As many as in {previous}."
    more = "more" if points > 0 else "fewer"
    return f"That is {abs(points):.1f} points {more} than in {previous} ({share(before)} of {stats.before.finished:,})."


def summary_before(stats: Stats) -> str:
    counts = summary(stats.before) if stats.before.total else "none either."
    return f"In the {period(stats.query.days)} before: {counts}"


def outcome_rows(now: Counts, before: Counts) -> list[tuple[str, str, str]]:
    """Rows of a table: the success rate and the number of builds by outcome."""
    rate = ("True success rate", share(now.success_rate), share(before.success_rate))
    return [rate, *((name.capitalize(), f"{getattr(now, name):,}", f"{getattr(before, name):,}") for name in OUTCOMES)]


def format_minutes(seconds: int) -> str:
    return f"{round(seconds / 60):,} min" if seconds >= 60 else format_duration(seconds)


def details(stats: Stats, titles: Mapping[str, str]) -> str:
    """Lines about costs, slow, failing and flaky workflows."""
    lines = [_costs(stats), *([] if stats.query.workflow else _workflows(stats, titles)), _flaky(stats)]
    return "\n".join(filter(None, lines))


def _costs(stats: Stats) -> str:
    parts = []
    for outcome in ("failed", "aborted", "skipped"):
        cost = stats.costs.get(outcome)
        if cost and (cost.run_seconds or cost.credits):
            credit = f" ({plural(cost.credits, 'credit')})" if cost.credits else ""
            parts.append(f"{outcome} {format_minutes(cost.run_seconds)}{credit}")
    return f"*Machine time without a success:* {', '.join(parts)}." if parts else ""


def _workflows(stats: Stats, titles: Mapping[str, str]) -> list[str]:
    slowest = [
        f"{workflow_name((each.app_slug, each.name), stats, titles)} {format_duration(each.median or 0)}"
        for each in stats.slowest[:LISTED]
    ]
    failing = [
        f"{workflow_name((each.app_slug, each.name), stats, titles)} {each.failed:,} of {each.finished:,} "
        f"({share(each.failed / each.finished)})"
        for each in stats.most_failing[:LISTED]
    ]
    lines = [f"*Slowest, by median:* {' · '.join(slowest)}"] if slowest else []
    return [*lines, f"*Most failures:* {' · '.join(failing)}"] if failing else lines


def _flaky(stats: Stats) -> str:
    if not stats.flaky:
        return ""
    commits = [f"{code(each.commit_hash[:7])} in {code(each.workflow, 40)}" for each in stats.flaky[:LISTED]]
    rest = ", …" if len(stats.flaky) > LISTED else ""
    count = plural(len(stats.flaky), "commit")
    return f"*Flaky:* {count} failed and also passed, with nothing changed: {', '.join(commits)}{rest}"


MEANINGS = (
    "*Which builds.* Those that ended within the span, by Bitrise's time of their end. A build that is part of a "
    "pipeline is counted as a build; the pipeline itself is not counted again. Without an app: all apps that the "
    "stored Bitrise token reaches.",
    "*True success rate* = succeeded ÷ (succeeded + failed). *Aborted* builds were stopped, *skipped* ones were "
    "stopped and reported green because there was nothing to do: neither says anything about the code, so both stand "
    "beside the rate and never in it.",
    "*A success takes:* from its start on a machine to its end, of successes only. *Wait for a machine:* from the "
    "trigger to the start, of all builds that reached one. The *median* is the one in the middle; *9 in 10 within* "
    "says how long the slowest tenth exceeds.",
    "*Machine time without a success:* the time on machines, and the credits Bitrise names, of failed, aborted and "
    "skipped builds.",
    "*Flaky:* a commit on which a workflow failed in this span, and which has passed the same workflow of the same app "
    "as well.",
    "*Before:* the span of the same length just before this one.",
)


def meanings_view() -> Payload:
    return modal(ids.MESSAGE_CLOSED, "What the numbers mean", [section(text) for text in MEANINGS], close="Close")
