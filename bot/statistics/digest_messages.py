"""Figures that come by themselves: the message for a channel, its sentences, and what its owner is told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from bot.domain.builds import format_duration
from bot.slack.blocks import context, message, section
from bot.slack.charts import plain_table, table
from bot.slack.text import (
    NOTHING,
    Message,
    channel_mention,
    code,
    date,
    escape,
    mention,
    plain_date,
    quoted,
    several,
    shorten,
    unmarked,
)
from bot.statistics.insights import Kind, Remark, remarks
from bot.statistics.queries import Compared, Spread, Stats
from bot.statistics.text import share, spoken_minutes, summary, trend
from storage.digests import WEEKLY, DigestRow
from storage.statistics import Target

TEXT_LIMIT = 2_900
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def digest_message(
    figures: Compared, digest: DigestRow | None, titles: Mapping[str, str], *, is_late: bool, command: str
) -> Message:
    """``titles`` are the apps' names by slug; ``digest`` is None when it was ended meanwhile."""
    stats = figures.now
    said = " ".join(filter(None, (summary(stats.counts), trend(stats))))
    told = "\n".join(f"• {sentence(remark, stats, titles)}" for remark in remarks(figures))
    rows = list(_rows(figures))
    late = "Told late: I was away when it was due." if is_late else ""
    foot = " ".join(filter(None, (late, _foot(digest, command))))
    head = "\n".join(filter(None, (f"*{heading(stats, titles)}*", said, told)))
    text = shorten(
        "\n".join(filter(None, (f"{_plain_heading(stats, titles)}: {said}", told, plain_table(rows), late))), TEXT_LIMIT
    )
    return message(text, section(head), table(rows), *([context(foot)] if foot else []))


def heading(stats: Stats, titles: Mapping[str, str]) -> str:
    return f"{_app(stats, titles)}, {_span(stats)} from {date(stats.since)} to {date(stats.until)}"


def _plain_heading(stats: Stats, titles: Mapping[str, str]) -> str:
    return f"{_app(stats, titles)}, {_span(stats)} from {plain_date(stats.since)} to {plain_date(stats.until)}"


def _app(stats: Stats, titles: Mapping[str, str]) -> str:
    slug = stats.wanted.app_slug
    return unmarked(titles.get(slug, slug), 100) if slug else "All apps"


def _span(stats: Stats) -> str:
    return "the week" if stats.wanted.days == 7 else "the day"


def _foot(digest: DigestRow | None, command: str) -> str:
    if digest is None:
        return ""
    return f"{schedule_words(digest)}, set up by {mention(digest.owner)}. {escape(command)} digest changes it."


def schedule_words(digest: DigestRow) -> str:
    """``Every Monday at 09:00 (Europe/Amsterdam)``."""
    day = WEEKDAYS[digest.weekday % 7] if digest.cadence == WEEKLY else "day"
    return f"Every {day} at {digest.at} ({quoted(digest.zone, 60)})"


def _rows(figures: Compared) -> Iterator[tuple[str, str, str]]:
    now, before = figures.now, figures.before
    span = _span(now).removeprefix("the ")
    yield "Builds that ended", f"this {span}", f"{span} before"
    yield "True success rate", share(now.counts.success_rate), share(before.counts.success_rate)
    for name in ("succeeded", "failed", "aborted", "skipped"):
        yield name.capitalize(), f"{getattr(now.counts, name):,}", f"{getattr(before.counts, name):,}"
    yield "Success takes, median", _median(now.run), _median(before.run)
    yield "Wait for a machine, median", _median(now.queue), _median(before.queue)


def _median(spread: Spread | None) -> str:
    return format_duration(spread.median) if spread else NOTHING


# Sentences.


def sentence(remark: Remark, stats: Stats, titles: Mapping[str, str]) -> str:
    """One remark in words, escaped."""
    name = _target(remark.target, stats, titles)
    now, before = format_duration(remark.now), format_duration(remark.before)
    match remark.kind:
        case Kind.RATE_FELL | Kind.RATE_ROSE:
            return _rate(remark)
        case Kind.FAILING:
            since = f", and nothing else since {date(remark.since)}" if remark.since else ""
            return f"{name} fails most: {remark.count:,} of {remark.total:,} ({share(remark.now)}){since}."
        case Kind.REPLACED:
            return (
                f"{share(remark.now)} of stops were replaced builds: turn on rolling builds, and Bitrise stops them "
                "by itself."
            )
        case Kind.WAITING:
            return (
                f"Builds wait {now} for a machine in the middle, {before} before: more concurrency at Bitrise would "
                "shorten that."
            )
        case Kind.SLOWER:
            return f"{name} takes {round(100 * (remark.now / remark.before - 1))} % longer: {now}, {before} before."
        case Kind.FLAKY:
            return (
                f"{remark.count:,} commits failed and also passed with nothing changed, most of them in {name}: "
                "look at its tests."
            )
        case Kind.SKIPPED:
            return f"{remark.count:,} builds ({share(remark.now)}) had nothing to do and were skipped{_saved(remark)}."


def _rate(remark: Remark) -> str:
    moved = "rose" if remark.kind == Kind.RATE_ROSE else "fell"
    points = abs(round(100 * (remark.now - remark.before), 1))
    return f"The success rate {moved} by {points} points, from {share(remark.before)} to {share(remark.now)}."


def _saved(remark: Remark) -> str:
    if remark.saved_credits:
        return f", which saved about {several(remark.saved_credits, 'credit')}"
    return f", which saved about {spoken_minutes(remark.saved_seconds)} of machine time" if remark.saved_seconds else ""


def _target(target: Target | None, stats: Stats, titles: Mapping[str, str]) -> str:
    if target is None:
        return ""
    app_slug, workflow = target
    name = code(workflow, 60) if workflow else "what has no workflow"
    return name if stats.wanted.app_slug else f"{unmarked(titles.get(app_slug, app_slug), 60)} {name}"


# What people are told of it.


def set_up(digest: DigestRow, titles: Mapping[str, str], *, next_at: datetime) -> str:
    """For whoever has saved it; mrkdwn."""
    what = unmarked(titles.get(digest.app_slug, digest.app_slug), 100) if digest.app_slug else "all apps"
    return (
        f"{channel_mention(digest.channel_id)} gets the figures of {what}: "
        f"{schedule_words(digest).replace('Every', 'every')}, the next time {date(next_at)}. "
        "When nothing happened, nothing is told."
    )
