"""Figures in words: the sentence, the trend, what was slow, what failed, what it cost; and what they all mean."""

from __future__ import annotations

from collections.abc import Mapping

from bot.domain.builds import Cause, format_duration
from bot.slack import ids
from bot.slack.blocks import section
from bot.slack.forms import Payload, modal
from bot.slack.text import code, quoted, several, unmarked
from bot.statistics.queries import Counts, Stats, Workflow

TOLD = 3


def heading(stats: Stats, titles: Mapping[str, str]) -> str:
    """``iOS Shop, last 30 days, workflow `deploy` ``, escaped."""
    wanted = stats.wanted
    app = titles.get(wanted.app_slug, wanted.app_slug) if wanted.app_slug else "All apps"
    parts = [unmarked(app, 100), f"last {_days(wanted.days)}"]
    parts += [f"workflow {code(wanted.workflow, 80)}"] if wanted.workflow else []
    parts += [f"branch {code(wanted.branch, 80)}"] if wanted.branch else []
    parts += [f"started by {_cause(wanted.cause)}"] if wanted.cause else []
    return ", ".join(parts)


def _days(days: int) -> str:
    return f"{days} days" if days > 1 else "24 hours"


def _cause(cause: str) -> str:
    return Cause(cause).label if cause in set(Cause) else quoted(cause, 40)


def share(part: float | None) -> str:
    """``94.1 %``. Only all is ``100 %`` and only nothing is ``0 %``: what comes near is not rounded to them."""
    if part is None:
        return "–"
    if part in (0, 1):
        return f"{part:.0%}".replace("%", " %")
    return f"{min(99.9, max(0.1, round(100 * part, 1))):.1f} %"


def summary(counts: Counts) -> str:
    """The success rate, and what was left out of it."""
    left_out = f"{counts.aborted:,} aborted, {counts.skipped:,} skipped not counted"
    if not counts.finished:
        return f"No build succeeded or failed; {left_out}."
    return f"{share(counts.success_rate)} of {counts.finished:,} finished succeeded; {left_out}."


def trend(stats: Stats) -> str:
    now, before = stats.counts.success_rate, stats.before.success_rate
    if now is None or before is None:
        return ""
    span = f"the {_days(stats.wanted.days)} before"
    points = round(100 * (now - before), 1)
    if not points:
        return f"As many as in {span}."
    more = "more" if points > 0 else "fewer"
    return f"That is {abs(points):.1f} points {more} than in {span} ({share(before)} of {stats.before.finished:,})."


def before_words(stats: Stats) -> str:
    span = f"In the {_days(stats.wanted.days)} before: "
    return span + (summary(stats.before) if stats.before.total else "none either.")


def cost_line(stats: Stats) -> str:
    """Machine time that gave no success."""
    parts = []
    for outcome in ("failed", "aborted", "skipped"):
        cost = stats.costs.get(outcome)
        if cost and (cost.run_seconds or cost.credits):
            credit = f" ({several(cost.credits, 'credit')})" if cost.credits else ""
            parts.append(f"{outcome} {spoken_minutes(cost.run_seconds)}{credit}")
    return f"*Machine time without a success:* {', '.join(parts)}." if parts else ""


def spoken_minutes(seconds: int) -> str:
    return f"{round(seconds / 60):,} min" if seconds >= 60 else format_duration(seconds)


def slowest_line(stats: Stats, titles: Mapping[str, str]) -> str:
    told = [f"{_name(each, stats, titles)} {format_duration(each.median or 0)}" for each in stats.slowest[:TOLD]]
    return f"*Slowest, by median:* {' · '.join(told)}" if told and not stats.wanted.workflow else ""


def failing_line(stats: Stats, titles: Mapping[str, str]) -> str:
    told = [
        f"{_name(each, stats, titles)} {each.failed:,} of {each.finished:,} ({share(each.failed / each.finished)})"
        for each in stats.most_failing[:TOLD]
    ]
    return f"*Most failures:* {' · '.join(told)}" if told and not stats.wanted.workflow else ""


def flaky_line(stats: Stats) -> str:
    """Commits that failed and passed: the test is to be looked at, not the code."""
    if not stats.flaky:
        return ""
    count = f"{len(stats.flaky):,} commits" if len(stats.flaky) > 1 else "1 commit"
    told = [f"{code(each.commit_hash[:7])} in {code(each.workflow, 40)}" for each in stats.flaky[:TOLD]]
    rest = ", …" if len(stats.flaky) > TOLD else ""
    return f"*Flaky:* {count} failed and also passed, with nothing changed: {', '.join(told)}{rest}"


def _name(workflow: Workflow, stats: Stats, titles: Mapping[str, str]) -> str:
    name = code(workflow.name, 60) if workflow.name else "builds without a workflow"
    if stats.wanted.app_slug:
        return name
    return f"{unmarked(titles.get(workflow.app_slug, workflow.app_slug), 60)} {name}"


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
    """The definitions, behind a button."""
    return modal(ids.MESSAGE_CLOSED, "What the numbers mean", [section(text) for text in MEANINGS], close="Close")
