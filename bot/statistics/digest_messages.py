"""Messages of scheduled reports: the report, its insights in words, the reply when a schedule is saved."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.domain.builds import format_duration
from bot.slack import ids
from bot.slack.blocks import actions, button, context, message, section
from bot.slack.text import Message, capital, channel_mention, date, escape, mention, plural, quoted, shorten
from bot.statistics.insights import Insight, InsightKind, find_insights
from bot.statistics.messages import DETAILS, StatsPage
from bot.statistics.queries import Interval, Percentiles, PeriodComparison, Stats
from bot.statistics.text import app_name, format_minutes, headline, median, share, workflow_name
from storage.digests import WEEKLY, DigestRow

TEXT_LIMIT = 2_900
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def digest_message(
    comparison: PeriodComparison, digest: DigestRow | None, titles: Mapping[str, str], *, is_late: bool, command: str
) -> Message:
    """``titles`` are the apps' names by slug; ``digest`` is None if it was removed meanwhile."""
    now, before = comparison.now, comparison.before
    insights = [f"• {insight_text(each, now, titles)}" for each in find_insights(comparison)]
    medians = (("duration", now.run, before.run), ("queue time", now.queue, before.queue))
    below = "\n".join([*insights, capital(" · ".join(_median_text(*each) for each in medians))])
    late = "Delayed: Buildbell was offline at the scheduled time." if is_late else ""
    head = (f"*{_heading(now, titles)}*", headline(now), below)
    text = filter(None, (f"{_heading(now, titles)}: {headline(now, bold='')}", below, late))
    foot = late
    if digest is not None:
        schedule = f"{schedule_text(digest)} · set up by {mention(digest.created_by)}"
        foot = f"{late} {schedule} · change it with `{escape(command)} digest`".lstrip()
    return message(
        shorten("\n".join(text), TEXT_LIMIT),
        section("\n".join(head)),
        actions(button(ids.STATS_OPEN, "Details", value=StatsPage(now.query, DETAILS).value())),
        context(foot) if foot else None,
    )


def _median_text(name: str, now: Percentiles | None, before: Percentiles | None) -> str:
    """``median queue time 24 s (previously 20 s)``."""
    return f"median {name} {median(now)}" + (f" (previously {median(before)})" if before else "")


def _heading(stats: Stats, titles: Mapping[str, str]) -> str:
    """``iOS Shop, Mar 2-8``, the days that the report is about."""
    app = app_name(stats.query.app_slug, titles) if stats.query.app_slug else "All apps"
    return f"{app}, {Interval(stats.since, stats.until, stats.counts).label}"


def schedule_text(digest: DigestRow) -> str:
    """``Every Monday at 09:00 (Europe/Amsterdam)``."""
    day = WEEKDAYS[digest.weekday % 7] if digest.cadence == WEEKLY else "day"
    return f"Every {day} at {digest.at} ({quoted(digest.zone, 60)})"


def saved_text(digest: DigestRow, titles: Mapping[str, str], *, next_at: datetime) -> str:
    """The reply to the person who saved the schedule, as mrkdwn."""
    apps = app_name(digest.app_slug, titles) if digest.app_slug else "all apps"
    return (
        f"Scheduled a report about {apps} in {channel_mention(digest.channel_id)}: "
        f"{schedule_text(digest).replace('Every', 'every')}, next on {date(next_at)}. "
        "No report is posted if no builds finished."
    )


def insight_text(insight: Insight, stats: Stats, titles: Mapping[str, str]) -> str:
    """One insight in a sentence, escaped."""
    name = workflow_name(insight.target, stats, titles, default="builds without a workflow") if insight.target else ""
    now, before = format_duration(insight.now), format_duration(insight.before)
    match insight.kind:
        case InsightKind.RATE_FELL | InsightKind.RATE_ROSE:
            moved = "rose" if insight.kind == InsightKind.RATE_ROSE else "fell"
            points = abs(round(100 * (insight.now - insight.before), 1))
            return f"The success rate {moved} {points:g} pts, from {share(insight.before)} to {share(insight.now)}."
        case InsightKind.FAILING:
            since = f", without a success since {date(insight.since)}" if insight.since else ""
            return f"{name} fails most often: {insight.count:,} of {insight.total:,} ({share(insight.now)}){since}."
        case InsightKind.REPLACED:
            return (
                f"{share(insight.now)} of stopped builds were superseded. Turn on rolling builds, and Bitrise "
                "stops them automatically."
            )
        case InsightKind.WAITING:
            return f"Median queue time rose from {before} to {now}. More Bitrise concurrency would shorten it."
        case InsightKind.SLOWER:
            return (
                f"{name} takes {round(100 * (insight.now / insight.before - 1))}% longer: {now}, previously {before}."
            )
        case InsightKind.FLAKY:
            return (
                f"{insight.count:,} commits failed and also passed without changes, most often in {name}. "
                "Check its tests."
            )
        case InsightKind.SKIPPED:
            return (
                f"{insight.count:,} builds ({share(insight.now)}) were skipped because nothing "
                f"changed{_saved(insight)}."
            )


def _saved(insight: Insight) -> str:
    if insight.saved_credits:
        return f", which saved about {plural(insight.saved_credits, 'credit')}"
    return (
        f", which saved about {format_minutes(insight.saved_seconds)} of machine time" if insight.saved_seconds else ""
    )
