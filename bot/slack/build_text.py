"""One build in words: status, progress, cause, stop reason. Shared by cards, lists, forms and notifications."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.abort_reasons import AUTOMATIC, Reason
from bot.domain.builds import STOPPED, Cause, Outcome, State, format_duration
from bot.domain.eta import Eta
from bot.slack import rich
from bot.slack.rich import Line
from bot.slack.text import DASH, clean, code, first_line, isolate, quoted
from storage.builds import BuildRow, seconds_between

BAR_CELLS = 10
REASON_LIMIT = 300
CAUSES = {
    Cause.SLACK: ("Started", " from Slack"),
    Cause.MANUAL: ("Started", " in Bitrise"),
    Cause.REBUILD: ("Rebuilt", " in Bitrise"),
    Cause.PUSH: ("Push", ""),
    Cause.PULL_REQUEST: ("Pull request", ""),
    Cause.TAG: ("Tag", ""),
    Cause.SCHEDULE: ("Schedule", ""),
    Cause.API: ("Started via API", ""),
    Cause.PIPELINE: ("Part of a pipeline", ""),
    Cause.OTHER: ("Started outside Slack", ""),
}
"""The words before and after the name of a person."""


@dataclass(frozen=True, slots=True)
class BuildView:
    """A build with what its row lacks.

    ``requester_name`` is the requested_by's name in Slack, if the caller knows it better than Bitrise.
    """

    build: BuildRow
    app_title: str
    url: str
    eta: Eta | None = None
    requester_name: str | None = None
    is_installable: bool = False
    variables: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class StatusBadge:
    emoji: str
    word: str


STATUS_BADGES: dict[str, StatusBadge] = {
    State.QUEUED: StatusBadge("⏳", "Queued"),
    State.RUNNING: StatusBadge("🔵", "Running"),
    "stopping": StatusBadge("🟠", "Stopping…"),
    Outcome.SUCCEEDED: StatusBadge("✅", "Succeeded"),
    Outcome.FAILED: StatusBadge("❌", "Failed"),
    Outcome.ABORTED: StatusBadge("⏹️", "Aborted"),
    Outcome.SKIPPED: StatusBadge("⏭️", "Skipped"),
}
UNKNOWN = StatusBadge("❔", "Result unknown")


def is_stopping(build: BuildRow) -> bool:
    return not build.is_finished and build.abort_requested_by is not None


def status_badge(build: BuildRow) -> StatusBadge:
    if build.is_finished:
        return STATUS_BADGES.get(build.outcome or "", UNKNOWN)
    state = "stopping" if is_stopping(build) else build.state
    return STATUS_BADGES.get(state, STATUS_BADGES[State.RUNNING])


def name(view: BuildView) -> str:
    """``iOS Shop deploy #812``, not escaped."""
    return " ".join(filter(None, (isolate(view.app_title), isolate(view.build.target or ""), number(view.build))))


def number(build: BuildRow) -> str:
    return f"#{build.number}" if build.number is not None else "(no number yet)"


def short_commit(commit_hash: str) -> str:
    return clean(commit_hash, 40)[:7]


def duration(build: BuildRow) -> str:
    """``6 min`` for a finished build that ran, else empty."""
    return format_duration(build.run_seconds) if build.run_seconds is not None else ""


def more_not_shown(count: int) -> str:
    return f"…and {count} more."


# Lines of rich text.


def title_line(view: BuildView) -> Line:
    badge, build = status_badge(view.build), view.build
    target: Line = [" · ", rich.text(build.target, 80)] if build.target else None
    linked = rich.link(view.url, number(build))
    return [f"{badge.emoji} ", rich.bold(badge.word), "  ", rich.bold(view.app_title, 80), target, "  ", linked]


def branch_parts(build: BuildRow) -> Line:
    """Branch or tag, or at least the commit."""
    if build.tag:
        return ["tag ", rich.code(build.tag)]
    if build.branch:
        return rich.code(build.branch)
    return rich.code(short_commit(build.commit_hash)) if build.commit_hash else None


def commit_line(build: BuildRow) -> Line:
    """Branch or tag, commit, and the first line of the commit message."""
    place, commit = branch_parts(build), short_commit(build.commit_hash or "")
    if commit and (build.tag or build.branch):
        place = [place, " · ", rich.link(build.commit_url, commit)]
    title = first_line(build.commit_message or "")
    return [place, "  " if place and title else None, rich.text(title, 120) if title else None]


def message_part(build: BuildRow, limit: int) -> Line:
    return ["“", rich.text(build.build_message, limit, italic=True), "”"] if build.build_message else None


def variables_part(view: BuildView) -> Line:
    """``FLAVOR=beta +2``: the first variable, and how many more there are."""
    if not view.variables:
        return None
    first, *others = view.variables
    return [rich.code(first, 60), f" +{len(others)}" if others else None]


def cause_line(view: BuildView) -> Line:
    """The person or event that started the build."""
    build = view.build
    if build.requested_by:
        # By name if known: a card is posted at once, and a mention would ping the person who has just typed.
        handle = view.requester_name or (build.triggered_by_name if build.cause == Cause.SLACK else None)
        return ["Started by ", rich.text(f"@{handle}", 60) if handle else rich.user(build.requested_by), " from Slack"]
    what, where = CAUSES[Cause(build.cause) if build.cause in set(Cause) else Cause.OTHER]
    if build.cause == Cause.PULL_REQUEST and build.pull_request_id:
        what = f"Pull request #{build.pull_request_id}"
    return [f"{what} by ", rich.text(build.triggered_by_name, 60), where] if build.triggered_by_name else what + where


def stop_line(build: BuildRow) -> Line:
    """The person who stopped the build and the reason, during and after the stop."""
    if is_stopping(build):
        return ["Stopping (requested by ", rich.user(build.abort_requested_by or ""), ")"]
    if not build.is_finished or not (build.reason or build.reason_text or build.outcome in STOPPED):
        return None
    if build.outcome is None:
        return rich.text(build.reason_text or "Bitrise no longer shows this build.", REASON_LIMIT)
    reason = stop_reason(build)
    why: Line = [f" {DASH} ", rich.text(reason, REASON_LIMIT + 60)] if reason else None
    if build.reason in AUTOMATIC:
        return ["Stopped automatically", why]
    if build.outcome not in STOPPED:
        return [status_badge(build).word, why]
    user, where = stopped_by(build), " in Bitrise" if build.reason == Reason.IN_BITRISE else None
    by: Line = [" by ", rich.user(user), where] if user else None
    return ["Skipped" if build.outcome == Outcome.SKIPPED else "Stopped", by, why]


def stopped_by(build: BuildRow) -> str | None:
    """Return a Slack user id if the build was stopped from Slack, else the name in Bitrise's text."""
    if build.reason in AUTOMATIC:
        return None
    from_slack = build.abort_requested_by is not None and build.reason != Reason.IN_BITRISE
    return build.abort_requested_by if from_slack else build.reason_by


def stop_reason(build: BuildRow) -> str:
    """``wrong branch or workflow: “should have been main”``: the category and the text, if they add something."""
    text = build.reason_text or ""
    if build.reason is None or build.reason not in set(Reason):
        return text
    reason = Reason(build.reason)
    if reason in AUTOMATIC:
        return reason.label
    if reason in (Reason.OTHER, Reason.IN_BITRISE):
        return text
    return f"{reason.label}: “{isolate(text)}”" if text and text.lower() != reason.label else reason.label


# Progress.


def progress(build: BuildRow, eta: Eta | None, now: datetime) -> str:
    if build.is_finished:
        return _result(build)
    if build.state == State.QUEUED:
        waited = seconds_between(build.triggered_at, build.started_at or now)
        return "Queued" + (f" for {format_duration(waited)}" if waited else "") + _usual(eta)
    ran = seconds_between(build.started_at, build.finished_at or now)
    return _compare(ran, eta) if ran is not None else "Running"


def _result(build: BuildRow) -> str:
    ran = duration(build)
    if build.outcome == Outcome.SUCCEEDED:
        return f"Succeeded in {ran}" if ran else "Succeeded"
    if not ran:
        return "Stopped before it reached a machine" if build.outcome in STOPPED else ""
    return f"{'Stopped' if build.outcome in STOPPED else status_badge(build).word} after {ran}"


def _usual(eta: Eta | None) -> str:
    """Queue time and duration apart: the first depends on how busy the machines are, the second on the code."""
    if eta is None or eta.median_seconds < 1:
        return ""
    queue = f" (usually {format_duration(eta.queue_seconds)})" if eta.queue_seconds else ""
    return f"{queue} · then about {format_duration(eta.median_seconds)}"


def _compare(ran: int, eta: Eta | None) -> str:
    """``3 of ~7 min · ▓▓▓▓░░░░░░``; the unit is not repeated."""
    elapsed = format_duration(ran)
    if eta is None or eta.median_seconds < 1:
        return f"Running for {elapsed}"
    median = format_duration(eta.median_seconds)
    if ran > eta.median_seconds and elapsed != median:
        rare = " (slower than 9 in 10 builds)" if eta.p90_seconds is not None and ran > eta.p90_seconds else ""
        longer = format_duration(ran - eta.median_seconds)
        return f"Running for {elapsed} {DASH} {longer} longer than usual{rare}"
    amount, _, unit = elapsed.partition(" ")
    short = amount if median.partition(" ")[2] == unit and " " not in unit else elapsed
    return f"{short} of ~{median} · {bar(ran / eta.median_seconds)}"


def bar(share: float) -> str:
    """Never full: a running build has not finished."""
    filled = min(BAR_CELLS - 1, max(0, int(share * BAR_CELLS)))
    return "▓" * filled + "░" * (BAR_CELLS - filled)


# Sentences of mrkdwn.


def on_branch(build: BuildRow) -> str:
    """``on `release/3.2` ``, escaped; empty without branch, tag and commit."""
    if build.tag:
        return f"on tag {code(build.tag, 100)}"
    if build.branch:
        return f"on {code(build.branch, 100)}"
    return f"on {code(short_commit(build.commit_hash))}" if build.commit_hash else ""


def sentence(view: BuildView) -> str:
    """``❌ iOS Shop deploy #812 failed after 6 min (release/3.2)``: the text of a notification, also on a phone."""
    place = on_branch(view.build).replace("`", "").removeprefix("on ")
    badge = status_badge(view.build).emoji
    return f"{badge} {quoted(name(view), 180)} {_verb(view.build)}{f' ({place})' if place else ''}"


def _verb(build: BuildRow) -> str:
    if is_stopping(build):
        return "is stopping"
    if not build.is_finished:
        return "is queued" if build.state == State.QUEUED else "is running"
    after = f" after {ran}" if (ran := duration(build)) else ""
    why = quoted(stop_reason(build), REASON_LIMIT).rstrip(".")
    match build.outcome:
        case Outcome.SUCCEEDED | Outcome.FAILED:
            return f"{build.outcome}{after}"
        case Outcome.ABORTED | Outcome.SKIPPED:
            what = "was skipped" if build.outcome == Outcome.SKIPPED else f"was stopped{stopped_by_name(build)}"
            return f"{what}{after}" + (f": {why}" if why else "")
        case _:
            return "finished with an unknown result"


def stopped_by_name(build: BuildRow) -> str:
    """`` by Bo``, escaped, for notifications; empty if nobody is known by name."""
    if build.reason in AUTOMATIC:
        return " automatically"
    return f" by {quoted(build.reason_by, 60)}" if build.reason_by else ""
