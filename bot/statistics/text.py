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
    """``94.1%`` or ``75%``. ``100%`` and ``0%`` are exact: other rates are not rounded to them."""
    if part is None:
        return NOTHING
    return f"{100 * part if part in (0, 1) else min(99.9, max(0.1, round(100 * part, 1))):g}%"


def median(durations: Percentiles | None) -> str:
    return format_duration(durations.median) if durations else NOTHING


def headline(stats: Stats, *, bold: str = "*") -> str:
    """``*94.2% success* (114 of 121) · ▲ 7.9 pts vs previous 30 days``, and what isn't counted in a second line."""
    counts = stats.counts
    rate = "No build succeeded or failed"
    if counts.finished:
        rate = f"{bold}{share(counts.success_rate)} success{bold} ({counts.succeeded:,} of {counts.finished:,})"
    others = [
        f"{count:,} {name}" for name, count in (("aborted", counts.aborted), ("skipped", counts.skipped)) if count
    ]
    left_out = f"\nNot counted: {', '.join(others)}." if others else ""
    return f"{rate}{_trend(stats)}{left_out}"


def _trend(stats: Stats) -> str:
    now, before = stats.counts.success_rate, stats.before.success_rate
    if now is None or before is None:
        return ""
    points = round(100 * (now - before), 1)
    change = f"{'▲' if points > 0 else '▼'} {abs(points):g} pts" if points else "unchanged"
    return f" · {change} vs previous {period(stats.query.days)}"


def outcome_rows(now: Counts, before: Counts) -> list[tuple[str, str, str]]:
    """Rows of a table: the success rate and the number of builds by outcome."""
    rate = ("Success rate", share(now.success_rate), share(before.success_rate))
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
    return f"*Time spent on unsuccessful builds:* {', '.join(parts)}." if parts else ""


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
    lines = [f"*Slowest (median):* {' · '.join(slowest)}"] if slowest else []
    return [*lines, f"*Most failures:* {' · '.join(failing)}"] if failing else lines


def _flaky(stats: Stats) -> str:
    if not stats.flaky:
        return ""
    commits = [f"{code(each.commit_hash[:7])} in {code(each.workflow, 40)}" for each in stats.flaky[:LISTED]]
    rest = ", …" if len(stats.flaky) > LISTED else ""
    count = plural(len(stats.flaky), "commit")
    return f"*Flaky:* {count} failed and also passed without changes: {', '.join(commits)}{rest}"


MEANINGS = (
    "*Builds.* Builds that finished within the period, by Bitrise's finish time. A pipeline's builds are counted, the "
    "pipeline itself isn't. Without an app: all apps that the connected Bitrise token can access. Days start at "
    "midnight in your time zone.",
    "*Success rate* = succeeded ÷ (succeeded + failed). *Aborted* builds were stopped. *Skipped* builds were "
    "stopped and "
    "reported as passed because there was nothing to do. Neither says anything about the code, so neither counts.",
    "*Stopped by people* includes stops from Slack, in Bitrise and through the API. *Stopped automatically* "
    "are rolling "
    "builds, time limits, lost machines and builds that were on hold too long.",
    "*Duration* is the time on a machine, of successful builds. *Queue time* is the time from the trigger to the start "
    "on a machine. The *median* is the middle value; nine in ten builds stay below the *p90*.",
    "*Time spent on unsuccessful builds*: machine time, and credits if Bitrise reports them.",
    "*Flaky*: a commit on which a workflow failed in the period and also passed.",
    "*Previous*: the period of the same length before this one.",
)


def meanings_view() -> Payload:
    return modal(ids.MESSAGE_CLOSED, "About these stats", [section(text) for text in MEANINGS], close="Close")
