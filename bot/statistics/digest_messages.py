"""Messages of scheduled reports: the report, its insights in words, the reply when a schedule is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.domain.builds import format_duration
from bot.slack.blocks import context, message, section
from bot.slack.charts import plain_table, table
from bot.slack.text import Message, channel_mention, date, escape, mention, plain_date, plural, quoted, shorten
from bot.statistics.insights import Insight, InsightKind, find_insights
from bot.statistics.queries import PeriodComparison, Stats
from bot.statistics.text import app_name, format_minutes, median, outcome_rows, share, summary_and_trend, workflow_name
from storage.digests import WEEKLY, DigestRow

TEXT_LIMIT = 2_900
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def digest_message(
    comparison: PeriodComparison, digest: DigestRow | None, titles: Mapping[str, str], *, is_late: bool, command: str
) -> Message:
    """``titles`` are the apps' names by slug; ``digest`` is None if it was removed meanwhile."""
    now, before = comparison.now, comparison.before
    period = _period(now)
    rows = [
        ("Builds that ended", f"this {period}", f"{period} before"),
        *outcome_rows(now.counts, before.counts),
        ("Success takes, median", median(now.run), median(before.run)),
        ("Wait for a machine, median", median(now.queue), median(before.queue)),
    ]
    sentence = summary_and_trend(now)
    insights = "\n".join(f"• {insight_text(each, now, titles)}" for each in find_insights(comparison))
    late = "Told late: I was away when it was due." if is_late else ""
    head = filter(None, (f"*{_heading(now, titles, date)}*", sentence, insights))
    text = filter(None, (f"{_heading(now, titles, plain_date)}: {sentence}", insights, plain_table(rows), late))
    foot = late
    if digest is not None:
        schedule = f"{schedule_text(digest)}, set up by {mention(digest.created_by)}."
        foot = f"{late} {schedule} {escape(command)} digest changes it.".lstrip()
    return message(
        shorten("\n".join(text), TEXT_LIMIT), section("\n".join(head)), table(rows), context(foot) if foot else None
    )


def _heading(stats: Stats, titles: Mapping[str, str], date: Callable[[datetime], str]) -> str:
    app = app_name(stats.query.app_slug, titles) if stats.query.app_slug else "All apps"
    return f"{app}, the {_period(stats)} from {date(stats.since)} to {date(stats.until)}"


def _period(stats: Stats) -> str:
    return "week" if stats.query.days == 7 else "day"


def schedule_text(digest: DigestRow) -> str:
    """``Every Monday at 09:00 (Europe/Amsterdam)``."""
    day = WEEKDAYS[digest.weekday % 7] if digest.cadence == WEEKLY else "day"
    return f"Every {day} at {digest.at} ({quoted(digest.zone, 60)})"


def saved_text(digest: DigestRow, titles: Mapping[str, str], *, next_at: datetime) -> str:
    """The reply to the person who saved the schedule, as mrkdwn."""
    apps = app_name(digest.app_slug, titles) if digest.app_slug else "all apps"
    return (
        f"{channel_mention(digest.channel_id)} gets the figures of {apps}: "
        f"{schedule_text(digest).replace('Every', 'every')}, the next time {date(next_at)}. "
        "When nothing happened, nothing is told."
    )


def insight_text(insight: Insight, stats: Stats, titles: Mapping[str, str]) -> str:
    """One insight in a sentence, escaped."""
    name = workflow_name(insight.target, stats, titles, default="what has no workflow") if insight.target else ""
    now, before = format_duration(insight.now), format_duration(insight.before)
    match insight.kind:
        case InsightKind.RATE_FELL | InsightKind.RATE_ROSE:
            moved = "rose" if insight.kind == InsightKind.RATE_ROSE else "fell"
            points = abs(round(100 * (insight.now - insight.before), 1))
            return f"The success rate {moved} by {points} points, from {share(insight.before)} to {share(insight.now)}."
        case InsightKind.FAILING:
            since = f", and nothing else since {date(insight.since)}" if insight.since else ""
            return f"{name} fails most: {insight.count:,} of {insight.total:,} ({share(insight.now)}){since}."
        case InsightKind.REPLACED:
            return (
                f"{share(insight.now)} of stops were replaced builds: turn on rolling builds, and Bitrise stops them "
                "by itself."
            )
        case InsightKind.WAITING:
            return (
                f"Builds wait {now} for a machine in the middle, {before} before: more concurrency at Bitrise would "
                "shorten that."
            )
        case InsightKind.SLOWER:
            return f"{name} takes {round(100 * (insight.now / insight.before - 1))} % longer: {now}, {before} before."
        case InsightKind.FLAKY:
            return (
                f"{insight.count:,} commits failed and also passed with nothing changed, most of them in {name}: "
                "look at its tests."
            )
        case InsightKind.SKIPPED:
            return (
                f"{insight.count:,} builds ({share(insight.now)}) had nothing to do and were skipped{_saved(insight)}."
            )


def _saved(insight: Insight) -> str:
    if insight.saved_credits:
        return f", which saved about {plural(insight.saved_credits, 'credit')}"
    return (
        f", which saved about {format_minutes(insight.saved_seconds)} of machine time" if insight.saved_seconds else ""
    )
