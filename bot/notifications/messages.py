"""Messages to channels and people about builds: results, changes of results, summaries, reasons, pauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.domain import compare_links
from bot.domain.builds import Cause, Outcome, format_duration
from bot.results.messages import failure_blocks
from bot.results.trends import BROKEN, FLAKY, CommitsSince, ResultTrend
from bot.slack import build_text, ids, rich
from bot.slack.blocks import actions, button, lines, message, section
from bot.slack.build_text import STATUS_BADGES, BuildView, status_badge
from bot.slack.cards import linked_name, result_line
from bot.slack.rich import Line
from bot.slack.text import Message, channel_mention, clean, code, date, first_line, isolate, plural, quoted, unmarked
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.results import ResultRow

BUILDS_LISTED = 25
COMMIT_TITLE_LIMIT = 80
OUTCOMES = (Outcome.FAILED, Outcome.ABORTED, Outcome.SKIPPED, Outcome.SUCCEEDED)


def result(view: BuildView, facts: Mapping[str, Any]) -> Message:
    """A result in one line, with the build's cause."""
    return Message(" ".join([f"{result_line(view)} {_cause(view)}.", *_remarks(view.build, facts)]))


def started(view: BuildView) -> Message:
    """A start in one line, the same whenever it is rendered."""
    return Message(f"▶️ *Started*: {linked_name(view)}. {_cause(view)}.")


def card_notes(view: BuildView, facts: Mapping[str, Any] | None) -> list[str]:
    """The small lines below a card, as mrkdwn."""
    return [remark.replace("`", "") for remark in _remarks(view.build, facts or {})]


def _remarks(build: BuildRow, facts: Mapping[str, Any]) -> list[str]:
    remarks = []
    change = ResultTrend.from_facts(facts)
    if change is not None and change.kind == FLAKY:
        remarks.append(f"Flaky, not fixed: the same commit failed in #{change.other}.")
    if facts.get("late") and build.finished_at:
        remarks.append(f"Delayed: finished {date(build.finished_at)}.")
    return remarks


def _cause(view: BuildView) -> str:
    """``Push by octocat``, escaped; mentions nobody."""
    return unmarked(rich.plain(build_text.cause_line(view), default="somebody"), 200)


# Changes of results.


def result_change(view: BuildView, facts: Mapping[str, Any], new: CommitsSince | None, app: AppRow | None) -> Message:
    """Broken, back to normal, or flaky."""
    change = ResultTrend.from_facts(facts) or ResultTrend(BROKEN)
    text = " ".join([_change_text(view, change), *_remarks(view.build, {"late": facts.get("late")})])
    if change.kind != BROKEN or new is None or not new.commits:
        return Message(text)
    return message(text, section(text), lines(*_new_commits(view.build, new, app)))


def _change_text(view: BuildView, change: ResultTrend) -> str:
    name, failures = linked_name(view), plural(change.failures, "failure")
    if change.kind == BROKEN:
        chance = f" The same commit passed in #{change.other}, so this may be flaky." if change.other else ""
        return f"❌ *Broken*: {name}. {_cause(view)}.{chance}"
    if change.kind == FLAKY:
        commit = code(build_text.short_commit(view.build.commit_hash or ""))
        return (
            f"🟡 *Flaky, not fixed*: {name} passed on {commit}, the same commit that failed in "
            f"#{change.other}. Failing since #{change.since}, {failures}."
        )
    lasted = f" after {format_duration(change.seconds)}" if change.seconds is not None else ""
    return f"✅ *Fixed*{lasted}: {name}. Was broken since #{change.since}, {failures}."


def _new_commits(build: BuildRow, new: CommitsSince, app: AppRow | None) -> list[Line]:
    """The commits since the last green build, newest first, with a link that compares the two."""
    compared = rich.link(_compare_url(build, new, app), f"#{new.last_green.number}")
    rows: list[Line] = [[rich.bold("Changes"), " since ", compared, " (last green build):"]]
    for commit in new.commits:
        title = first_line(commit.message)
        rows.append(
            [
                "• ",
                rich.code(build_text.short_commit(commit.commit_hash)),
                [" ", rich.text(title, COMMIT_TITLE_LIMIT)] if title else None,
                [" – ", rich.text(commit.author, 60)] if commit.author else None,
            ]
        )
    return [*rows, f"…and {new.more} more" if new.more else None]


def _compare_url(build: BuildRow, new: CommitsSince, app: AppRow | None) -> str | None:
    if app is None or app.repo_url is None or not new.last_green.commit_hash or not build.commit_hash:
        return None
    return compare_links.compare_url(app.repo_url, app.provider, new.last_green.commit_hash, build.commit_hash)


# Many builds.


def summary(views: Sequence[BuildView], facts: Mapping[str, Any]) -> Message:
    """Builds that finished while Buildbell was offline, in one message."""
    by_outcome = {outcome: [view for view in views if view.build.outcome == outcome] for outcome in OUTCOMES}
    counts = ", ".join(f"{len(those)} {outcome}" for outcome, those in reversed(by_outcome.items()) if those)
    of = "of your builds" if facts.get("yours") else "builds"
    text = f"{len(views)} {of} finished while Buildbell was offline: {counts}."
    return message(text, section(f"*{text}*"), lines(*(_outcome_line(*each) for each in by_outcome.items())))


def _outcome_line(outcome: Outcome, views: Sequence[BuildView]) -> Line:
    if not views:
        return None
    badge = STATUS_BADGES[outcome]
    names = [rich.link(view.url, clean(build_text.name(view), 80)) for view in views[:BUILDS_LISTED]]
    more = f", and {len(views) - BUILDS_LISTED} more" if len(views) > BUILDS_LISTED else None
    return [f"{badge.emoji} {badge.word}: ", rich.join(", ", names), more]


def branch(views: Sequence[BuildView]) -> Message:
    """The parent of a branch's thread: the newest build of each workflow."""
    build, app = views[0].build, views[0].app_title
    place = f"tag {build.tag}" if build.tag else build.branch or "no branch"
    statuses = [f"{view.build.target or 'build'} {status_badge(view.build).word.lower()}" for view in views]
    text = quoted(f"{isolate(app)} on {isolate(place)}: {', '.join(statuses)}.", 1_000)
    return message(text, lines([rich.bold(app, 80), " on ", rich.code(place)], *map(_status_line, views)))


def _status_line(view: BuildView) -> Line:
    build, badge = view.build, status_badge(view.build)
    number, duration = rich.link(view.url, build_text.number(build)), build_text.duration(build)
    target = rich.text(build.target or "build", 80)
    return [f"{badge.emoji} {badge.word}  ", target, " ", number, f"  {duration}" if duration else None]


# Why a build failed.


def explanation(
    view: BuildView, finding: ResultRow | None, new: CommitsSince | None, app: AppRow | None
) -> Message | None:
    """Failed step, tests, log lines and new commits, short enough for a phone. None if nothing is known."""
    has_failure = finding is not None and bool(finding.failed_step or finding.tests or finding.lines)
    blocks = failure_blocks(finding) if finding is not None and has_failure else []
    if new is not None and new.commits and view.build.cause != Cause.SCHEDULE:
        blocks.append(lines(*_new_commits(view.build, new, app)))
    return message(_explanation_text(view, finding), blocks) if blocks else None


def _explanation_text(view: BuildView, finding: ResultRow | None) -> str:
    name = quoted(build_text.name(view), 150)
    if finding is None:
        return f"Changes in {name}."
    step = f" in step {quoted(finding.failed_step, 100)}" if finding.failed_step else ""
    tests = f"; {plural(len(finding.tests), 'test')} failed" if finding.tests else ""
    last = f": {quoted(finding.lines[-1], 200)}" if finding.lines else ""
    return f"{name} failed{step}{tests}{last}."


# Pauses.


def notifications_paused(channel_id: str, why: str) -> Message:
    """A direct message to somebody who can repair it."""
    text = f"Notifications in {channel_mention(channel_id)} are paused: {quoted(why)}."
    return _try_again(text, ids.SUBSCRIPTION_RESUME, channel_id)


def still_paused(channel_id: str, why: str) -> Message:
    """For somebody who tried to resume subscriptions that others set up."""
    text = f"Buildbell still can't post in {channel_mention(channel_id)}: {quoted(why)}. Its notifications stay paused."
    return _try_again(text, ids.SUBSCRIPTION_RESUME, channel_id)


def report_paused(channel_id: str, why: str) -> Message:
    text = f"The scheduled report for {channel_mention(channel_id)} is paused: {quoted(why)}."
    return _try_again(text, ids.DIGEST_RESUME, channel_id)


def _try_again(text: str, action_id: str, channel_id: str) -> Message:
    fix = "Invite Buildbell (`/invite @Buildbell`) or unarchive the channel. Buildbell tries again every few hours; to "
    text = f"{text} {fix}resume at once, press *Try again*."
    return message(text, section(text), actions(button(action_id, "Try again", value=channel_id)))


def notifications_resumed(paused_at: datetime, *, command: str) -> Message:
    """A note to the channel, which shows that Buildbell can post there again."""
    text = (
        f"Notifications have resumed. Results since {date(paused_at)} weren't posted here. "
        f"Run `{command} list` to see recent builds."
    )
    return message(text, section(text))


def app_lost(title: str) -> Message:
    """A note to a channel that has subscribed to the app."""
    text = (
        f"Notifications for *{unmarked(title, 100)}* are paused: the connected Bitrise token can no longer access the "
        "app. They resume automatically when it can."
    )
    return message(text, section(text))


def apps_lost(titles: Sequence[str], channel_ids: Sequence[str]) -> Message:
    """A direct message to somebody who can repair it."""
    names = ", ".join(f"*{unmarked(title, 100)}*" for title in titles[:BUILDS_LISTED])
    more = f" and {len(titles) - BUILDS_LISTED} more" if len(titles) > BUILDS_LISTED else ""
    channels = ", ".join(map(channel_mention, channel_ids[:BUILDS_LISTED]))
    text = (
        f"The connected Bitrise token can no longer access {names}{more}. Notifications in {channels} are paused. "
        "Check that the app still exists and that the token's owner is on its team."
    )
    return message(text, section(text))


def app_found(title: str) -> Message:
    text = f"Notifications for *{unmarked(title, 100)}* have resumed: the Bitrise token can access the app again."
    return message(text, section(text))
