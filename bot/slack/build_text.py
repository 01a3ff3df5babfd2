"""One build in words: where it stands, how far it is, what caused it, why it was stopped. Shared by all that draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, Cause, Outcome, State, format_duration
from bot.domain.eta import Eta
from bot.slack.blocks import Line, Part, coded, linked, person, said, words
from bot.slack.text import DASH, code, first_line, outside, quoted
from storage.builds import BuildRow, seconds_between

CELLS = 10
SENTENCE_LIMIT = 300
OF_BITRISE = (Reason.ROLLING_BUILD, Reason.LOST_AGENT, Reason.ON_HOLD_EXPIRED, Reason.TIME_OUT)


@dataclass(frozen=True, slots=True)
class BuildView:
    """A build with what its row does not know.

    ``requester_name`` is the requester's name in Slack, where the caller knows it better than Bitrise does.
    """

    build: BuildRow
    app_title: str
    url: str
    eta: Eta | None = None
    requester_name: str | None = None
    is_installable: bool = False


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
UNKNOWN = StatusBadge("❔", "Ended")


def is_stopping(build: BuildRow) -> bool:
    return not build.is_finished and build.abort_requested_by is not None


def status_badge(build: BuildRow) -> StatusBadge:
    if build.is_finished:
        return STATUS_BADGES.get(build.outcome or "", UNKNOWN)
    return (
        STATUS_BADGES["stopping"]
        if is_stopping(build)
        else STATUS_BADGES.get(build.state, STATUS_BADGES[State.RUNNING])
    )


def name(shown: BuildView) -> str:
    """``iOS Shop deploy #812``, from outside and not escaped."""
    build = shown.build
    return " ".join(filter(None, (shown.app_title, build.target, number(build))))


def number(build: BuildRow) -> str:
    return f"#{build.number}" if build.number is not None else "(no number yet)"


def short_commit(commit_hash: str) -> str:
    return outside(commit_hash, 40)[:7]


def took(build: BuildRow) -> str:
    """``6 min`` for a build that ended and ran; else empty."""
    return format_duration(build.run_seconds) if build.run_seconds is not None else ""


def unshown(count: int) -> str:
    return f"{count} more {'is' if count == 1 else 'are'} not shown here."


# Lines of rich text.


def title_line(shown: BuildView) -> Line:
    stands, build = status_badge(shown.build), shown.build
    target = [words(" · "), said(build.target, 80)] if build.target else []
    app = said(shown.app_title, 80, bold=True)
    return [
        words(f"{stands.emoji} "),
        words(stands.word, bold=True),
        words("  "),
        app,
        *target,
        words(f"  {number(build)}"),
    ]


def place_parts(build: BuildRow) -> list[Part]:
    """Branch or tag, or at least the commit."""
    if build.tag:
        return [words("tag "), coded(build.tag)]
    if build.branch:
        return [coded(build.branch)]
    return [coded(short_commit(build.commit_hash))] if build.commit_hash else []


def code_line(build: BuildRow) -> list[Part]:
    """Branch or tag, commit, and the commit message's first line."""
    drawn = place_parts(build)
    commit = short_commit(build.commit_hash or "")
    if commit and (build.tag or build.branch):
        drawn += [words(" · "), linked(build.commit_url, commit)]
    title = first_line(build.commit_message or "")
    if title:
        drawn += [words("  ")] if drawn else []
        drawn += [said(title, 120)]
    return drawn


def progress(build: BuildRow, eta: Eta | None, now: datetime) -> str:
    """How far it is, in our own words."""
    if build.is_finished:
        return _ended(build)
    if build.state == State.QUEUED:
        waited = seconds_between(build.triggered_at, build.started_at or now)
        return "Waiting for a machine" + (f", {format_duration(waited)} so far" if waited else "") + _still_to_come(eta)
    ran = seconds_between(build.started_at, build.finished_at or now)
    return f"Running {_against(ran, eta)}" if ran is not None else "Running"


def _ended(build: BuildRow) -> str:
    ran = build.run_seconds
    if build.outcome == Outcome.SUCCEEDED:
        return "Succeeded" + (f" in {format_duration(ran)}" if ran is not None else "")
    if ran is None:
        return "Never reached a machine" if build.outcome in STOPPED else ""
    if build.outcome == Outcome.FAILED:
        return f"Failed after {format_duration(ran)}"
    return f"Ended after {format_duration(ran)}"


def _still_to_come(eta: Eta | None) -> str:
    """Waiting and running apart: the first depends on how busy the machines are, the second on the code."""
    if eta is None or eta.median_seconds < 1:
        return ""
    usual = f"; usually {format_duration(eta.queue_seconds)}" if eta.queue_seconds else ""
    return f"{usual}, then about {format_duration(eta.median_seconds)}"


def _against(ran: int, eta: Eta | None) -> str:
    spoken = format_duration(ran)
    if eta is None or eta.median_seconds < 1:
        return spoken
    usual = _bare(format_duration(eta.median_seconds), spoken)
    if ran > eta.median_seconds and spoken != format_duration(eta.median_seconds):
        rare = " and than 9 in 10" if eta.p90_seconds is not None and ran > eta.p90_seconds else ""
        return f"{spoken}, longer than the usual {usual}{rare}"
    return f"{spoken} of about {usual} · {bar(ran / eta.median_seconds)}"


def _bare(usual: str, spoken: str) -> str:
    """``7`` for ``7 min`` beside ``3 min``; ``2 h 10 min`` is said whole."""
    amount, _, unit = usual.partition(" ")
    return amount if spoken.partition(" ")[2] == unit and " " not in unit else usual


def bar(share: float) -> str:
    """Never full: what runs has not ended."""
    filled = min(CELLS - 1, max(0, int(share * CELLS)))
    return "▓" * filled + "░" * (CELLS - filled)


def cause_line(shown: BuildView) -> Line:
    """Who or what started it."""
    build = shown.build
    if build.requester:
        return [words("Started by "), _requester(shown), words(" from Slack")]
    before, after = _cause_words(build)
    if not build.cause_who:
        return [words(f"{before}{after}" if after else before)]
    verb = {Cause.SLACK: "Started by ", Cause.MANUAL: "Started by ", Cause.REBUILD: "Rebuilt by "}
    if build.cause in verb:
        return [words(verb[Cause(build.cause)]), said(build.cause_who, 60), words(after)]
    return [words(f"{before} by "), said(build.cause_who, 60)]


def _requester(shown: BuildView) -> Part:
    """By name where we know it: a card is posted at once, and would ping the person who has just typed."""
    build = shown.build
    handle = shown.requester_name or (build.cause_who if build.cause == Cause.SLACK else None)
    return said(f"@{handle}", 60) if handle else person(build.requester or "")


def _cause_words(build: BuildRow) -> tuple[str, str]:
    by_hand = {
        Cause.SLACK: ("Started", " from Slack"),
        Cause.MANUAL: ("Started", " in Bitrise"),
        Cause.REBUILD: ("Rebuilt", " in Bitrise"),
    }
    by_itself = {
        Cause.PUSH: "Push",
        Cause.PULL_REQUEST: f"Pull request #{build.pull_request_id}" if build.pull_request_id else "Pull request",
        Cause.TAG: "Tag",
        Cause.SCHEDULE: "Schedule",
        Cause.API: "Started through the Bitrise API",
        Cause.PIPELINE: "Part of a pipeline",
    }
    kind = Cause(build.cause) if build.cause in set(Cause) else Cause.OTHER
    return by_hand[kind] if kind in by_hand else (by_itself.get(kind, "Started from elsewhere"), "")


def stopped_line(build: BuildRow) -> Line:
    """Who stopped it and why, while it stops and afterwards; empty when nobody did."""
    if is_stopping(build):
        return [words("Stopping, asked by "), person(build.abort_requested_by or "")]
    if not build.is_finished or not (build.reason or build.reason_text or build.outcome in STOPPED):
        return []
    if build.outcome is None:
        return [said(build.reason_text or "How it ended is not known.", SENTENCE_LIMIT)]
    by = [words(" by "), person(who)] if (who := stopped_by(build)) else []
    where = [words(" in Bitrise")] if by and build.reason == Reason.IN_BITRISE else []
    why = why_stopped(build)
    if build.outcome == Outcome.SKIPPED:
        return [words("Skipped: stopped"), *by, *where, words(" and reported green"), *_after(f" {DASH} ", why)]
    return [words(status_badge(build).word), *by, *where, *_after(": ", why)]


def _after(separator: str, text: str) -> Line:
    return [words(separator), said(text, SENTENCE_LIMIT + 60)] if text else []


def stopped_by(build: BuildRow) -> str | None:
    """A Slack user id when it was stopped from here (our record), else the name Bitrise's text gives."""
    if build.reason in OF_BITRISE:
        return None
    from_here = build.abort_requested_by is not None and build.reason != Reason.IN_BITRISE
    return build.abort_requested_by if from_here else build.reason_by


def why_stopped(build: BuildRow) -> str:
    """``wrong branch (wrong branch or workflow)``: the sentence, and the category where it adds something."""
    sentence = build.reason_text or ""
    if build.reason is None or build.reason not in set(Reason):
        return sentence
    reason = Reason(build.reason)
    if reason in OF_BITRISE:
        return reason.label
    if reason in (Reason.OTHER, Reason.IN_BITRISE):
        return sentence
    return f"{sentence} ({reason.label})" if sentence and sentence != reason.label else reason.label


# Sentences of mrkdwn.


def where(build: BuildRow) -> str:
    """``on `release/3.2` ``, escaped; empty when Bitrise names neither branch nor tag nor commit."""
    if build.tag:
        return f"on tag {code(build.tag, 100)}"
    if build.branch:
        return f"on {code(build.branch, 100)}"
    return f"on {code(short_commit(build.commit_hash))}" if build.commit_hash else ""


def sentence(shown: BuildView) -> str:
    """``iOS Shop deploy #812 on release/3.2 failed after 6 min.`` as plain words: what a notification says."""
    build = shown.build
    place = where(build).replace("`", "")
    return " ".join(filter(None, (quoted(name(shown), 180), place, _verb(build)))) + "."


def _verb(build: BuildRow) -> str:
    if not build.is_finished:
        waits = "is waiting for a machine" if build.state == State.QUEUED else "is running"
        return "is being stopped" if is_stopping(build) else waits
    after = f" after {took(build)}" if took(build) else ""
    why = quoted(why_stopped(build), SENTENCE_LIMIT).rstrip(".")
    match build.outcome:
        case Outcome.SUCCEEDED | Outcome.FAILED:
            return f"{build.outcome}{after}"
        case Outcome.ABORTED:
            return f"was aborted{after}" + (f": {why}" if why else "")
        case Outcome.SKIPPED:
            return f"was skipped{after}: stopped and reported green" + (f", {why}" if why else "")
        case _:
            return "ended; how is not known"
