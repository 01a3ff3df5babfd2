"""What a channel or a person hears of builds they did not start here: lines, changes, folds, branches, reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    ButtonElement,
)

from bot.domain import compare_links as compare
from bot.domain.builds import Cause, Outcome, format_duration
from bot.results.messages import why_blocks
from bot.results.trends import BROKEN, FLAKY, Change, New
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import Line, actions, button, coded, lines, linked, message, said, section, separated, words
from bot.slack.build_text import STATUS_BADGES, UNKNOWN, BuildView
from bot.slack.cards import ended_line
from bot.slack.text import Message, channel_mention, code, date, first_line, link, outside, quoted, several, unmarked
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.results import FindingRow

LISTED = 25
COMMIT_TITLE = 80
ORDER = (Outcome.FAILED, Outcome.ABORTED, Outcome.SKIPPED, Outcome.SUCCEEDED)


def line(builds: Sequence[BuildView], facts: Mapping[str, Any]) -> Message:
    """The end of one build in one line, with what caused it."""
    build = builds[0]
    told = [f"{ended_line(build)} {caused(build)}.", *_remarks(build.build, facts)]
    return Message(" ".join(told))


def started(builds: Sequence[BuildView]) -> Message:
    """A start in one line; it says the same whenever it is drawn."""
    build = builds[0]
    return Message(f"▶️ *Started*: {_named(build)}. {caused(build)}.")


def notes(facts: Mapping[str, Any] | None, builds: Sequence[BuildView]) -> list[str]:
    """What stands small below a card, as mrkdwn."""
    return [note.replace("`", "") for note in _remarks(builds[0].build, facts or {})] if builds else []


def _remarks(build: BuildRow, facts: Mapping[str, Any]) -> list[str]:
    told = []
    read = Change.read(facts)
    if read is not None and read.kind == FLAKY:
        told.append(f"Flaky, not fixed: the same commit failed in #{read.other}.")
    if facts.get("late") and build.finished_at:
        told.append(f"Told late: it ended {date(build.finished_at)}.")
    return told


def _named(build: BuildView) -> str:
    row = build.build
    name = unmarked(f"{build.app_title} · {row.target}" if row.target else build.app_title, 150)
    return " ".join(filter(None, (name, link(build.url, shown.number(row)), shown.where(row))))


def caused(build: BuildView) -> str:
    """``Push by octocat``, escaped; mentions nobody."""
    parts = shown.cause_line(build)
    return unmarked("".join(getattr(part, "text", None) or "somebody" for part in parts), 200)


# Changes.


def change(build: BuildView, facts: Mapping[str, Any], new: New | None, app: AppRow | None) -> Message:
    """Broken, back to normal, or flaky."""
    read = Change.read(facts) or Change(BROKEN)
    head = {BROKEN: _broken, FLAKY: _flaky}.get(read.kind, _fixed)(build, read)
    told = " ".join([head, *(_remarks(build.build, {"late": facts.get("late")}))])
    if read.kind != BROKEN or new is None or not new.commits:
        return Message(told)
    return message(told, section(told), lines(*_new_lines(build.build, new, app)))


def _broken(build: BuildView, change: Change) -> str:
    chance = f" The same commit passed in #{change.other}, so this may be chance." if change.other else ""
    return f"❌ *Broken* since {_named(build)}. {caused(build)}.{chance}"


def _fixed(build: BuildView, change: Change) -> str:
    lasted = f" after {format_duration(change.seconds)}" if change.seconds is not None else ""
    return f"✅ *Back to normal*{lasted}: {_named(build)}. Broken since #{change.since}, {_failures(change)}."


def _flaky(build: BuildView, change: Change) -> str:
    commit = code(shown.short_commit(build.build.commit_hash or ""))
    return (
        f"🟡 *Flaky, not fixed*: {_named(build)} passed with {commit}, the very commit that failed in "
        f"#{change.other}. Red since #{change.since}, {_failures(change)}."
    )


def _failures(change: Change) -> str:
    return f"{change.failures} failure{'' if change.failures == 1 else 's'}"


def _new_lines(build: BuildRow, new: New, app: AppRow | None) -> list[Line]:
    """What came since the last green build, newest first, with a link to see it all."""
    url = _compare_url(build, new, app)
    green = linked(url, f"since #{new.green.number}") if url else words(f"since #{new.green.number}")
    head: Line = [words("New ", bold=True), green, words(" was green:")]
    told: list[Line] = [head]
    for commit in new.commits:
        who = [words(" – "), said(commit.who, 60)] if commit.who else []
        title = [words(" "), said(first, COMMIT_TITLE)] if (first := first_line(commit.message)) else []
        told.append([words("• "), coded(shown.short_commit(commit.commit_hash)), *title, *who])
    return [*told, [words(f"and {new.more} more")]] if new.more else told


def _compare_url(build: BuildRow, new: New, app: AppRow | None) -> str | None:
    if app is None or app.repo_url is None or not new.green.commit_hash or not build.commit_hash:
        return None
    return compare.compare_url(app.repo_url, app.provider, new.green.commit_hash, build.commit_hash)


# Many at once.


def fold(builds: Sequence[BuildView], facts: Mapping[str, Any]) -> Message:
    """What ended while nobody was told, in one message."""
    counted = {outcome: [each for each in builds if each.build.outcome == outcome] for outcome in ORDER}
    spoken = ", ".join(f"{len(those)} {outcome}" for outcome, those in reversed(counted.items()) if those)
    of = "of your builds" if facts.get("yours") else "builds"
    text = f"{len(builds)} {of} ended while I was away: {spoken}."
    return message(text, section(f"*{text}*"), lines(*(_listed(outcome, counted[outcome]) for outcome in ORDER)))


def _listed(outcome: Outcome, builds: Sequence[BuildView]) -> Line:
    if not builds:
        return []
    stands = STATUS_BADGES.get(outcome, UNKNOWN)
    named = [linked(each.url, outside(shown.name(each), 80)) for each in builds[:LISTED]]
    more = [words(f", and {len(builds) - LISTED} more")] if len(builds) > LISTED else []
    return [words(f"{stands.emoji} {stands.word}: "), *separated(named, ", "), *more]


def branch(builds: Sequence[BuildView]) -> Message:
    """The message over a branch's thread: the newest build of each workflow there."""
    row = builds[0].build
    place = f"tag {row.tag}" if row.tag else row.branch or "no branch"
    app = builds[0].app_title
    states = [f"{each.build.target or 'build'} {shown.status_badge(each.build).word.lower()}" for each in builds]
    text = quoted(f"{app} on {place}: {', '.join(states)}.", 1_000)
    head: Line = [said(app, 80, bold=True), words(" on "), coded(place)]
    return message(text, lines(head, *map(_state_line, builds)))


def _state_line(build: BuildView) -> Line:
    row, stands = build.build, shown.status_badge(build.build)
    took = shown.took(row)
    return [
        words(f"{stands.emoji} {stands.word}  "),
        said(row.target or "build", 80),
        words(" "),
        linked(build.url, shown.number(row)),
        *([words(f"  {took}")] if took else []),
    ]


# Why.


def explanation(build: BuildView, finding: FindingRow | None, new: New | None, app: AppRow | None) -> Message | None:
    """Why a build failed, for a phone: step, tests, the telling lines, what was new. None when nothing is known."""
    is_told = finding is not None and bool(finding.failed_step or finding.tests or finding.lines)
    blocks = why_blocks(finding) if is_told else []  # that there is no log helps nobody who has not asked
    if new is not None and new.commits and build.build.cause != Cause.SCHEDULE:
        blocks.append(lines(*_new_lines(build.build, new, app)))
    if not blocks:
        return None
    return message(_why_text(build, finding), *blocks)


def _why_text(build: BuildView, finding: FindingRow | None) -> str:
    name = quoted(shown.name(build), 150)
    if finding is None:
        return f"What is new in {name}."
    step = f" in step {quoted(finding.failed_step, 100)}" if finding.failed_step else ""
    tests = f"; {several(len(finding.tests), 'test')} failed" if finding.tests else ""
    last = f": {quoted(finding.lines[-1], 200)}" if finding.lines else ""
    return f"{name} failed{step}{tests}{last}."


# When a channel cannot be told.


def silenced(channel_id: str, why: str, *, count: int) -> Message:
    which = "a subscription" if count == 1 else f"{count} subscriptions"
    text = (
        f"I have paused {which} of yours in {channel_mention(channel_id)}: {quoted(why)}. Nothing is lost. When I can "
        "write there again (invite me, or unarchive it), press *Try again*."
    )
    return message(text, section(text), *actions(_again(channel_id)))


def still_silenced(channel_id: str, why: str) -> Message:
    """For somebody who wanted a channel to hear again whose subscriptions others have set up."""
    text = (
        f"I still can't write in {channel_mention(channel_id)}: {quoted(why)}. What it hears stays paused; nothing is "
        "lost. When I can write there again (invite me, or unarchive it), press *Try again*."
    )
    return message(text, section(text), *actions(_again(channel_id)))


def digest_paused(channel_id: str, why: str) -> Message:
    text = (
        f"I have paused the figures for {channel_mention(channel_id)} that you set up: {quoted(why)}. When I can write "
        "there again (invite me, or unarchive it), press *Try again*."
    )
    return message(text, section(text), *actions(button(ids.DIGEST_RESUME, "Try again", value=channel_id)))


def _again(channel_id: str) -> ButtonElement:
    return button(ids.SUBSCRIPTION_RESUME, "Try again", value=channel_id)
