"""What a result means after the ones before it: broken, still broken, back to normal, or only chance (flaky).

A result is a success or a failure; aborted and skipped builds never count. A result that was overtaken by a newer
build's is none of today's and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.builds import Cause, Outcome
from storage import Reads, build_history
from storage.builds import BuildRow

BROKEN, FIXED, FLAKY = "broken", "fixed", "flaky"
COMMITS_READ = 200
COMMITS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Commit:
    """``who`` is the Git name of the push that built it; None where nobody is to be named."""

    commit_hash: str
    message: str
    who: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """``since`` is the number of the first failure, ``failures`` how many there were, ``seconds`` how long it was red.

    ``other`` is the number of the build that had the other result on the same commit.
    """

    kind: str
    since: int | None = None
    failures: int = 0
    seconds: float | None = None
    other: int | None = None

    def to_facts(self) -> dict[str, Any]:
        named = {"since": self.since, "failures": self.failures, "seconds": self.seconds, "other": self.other}
        return {"change": self.kind} | {name: value for name, value in named.items() if value}

    @classmethod
    def read(cls, facts: Any) -> Change | None:
        if not facts or not facts.get("change"):
            return None
        return cls(
            facts["change"], facts.get("since"), facts.get("failures", 0), facts.get("seconds"), facts.get("other")
        )


@dataclass(frozen=True, slots=True)
class New:
    """What came since the last green build: ``commits`` newest first, ``more`` of them not listed."""

    green: BuildRow
    commits: tuple[Commit, ...]
    more: int = 0


async def find_trend(db: Reads, build: BuildRow) -> Change | None:
    """What the build's result changes; None when it changes nothing, or is no result."""
    if build.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED) or not build.branch or not build.finished_at:
        return None
    if await build_history.has_newer_result(db, build):
        return None
    previous = await build_history.find_previous(db, build)
    if build.outcome == Outcome.FAILED:
        return await _trend_of_failure(db, build, previous)
    return await _trend_of_success(db, build) if previous and previous.outcome == Outcome.FAILED else None


async def _trend_of_failure(db: Reads, build: BuildRow, previous: BuildRow | None) -> Change | None:
    if previous is not None and previous.outcome == Outcome.FAILED:
        return None
    opposite = await build_history.find_contradicting(db, build)
    return Change(BROKEN, since=build.number, failures=1, other=opposite.number if opposite else None)


async def _trend_of_success(db: Reads, build: BuildRow) -> Change | None:
    failures = await build_history.find_failure_streak(db, build)
    opposite = await build_history.find_contradicting(db, build)
    if failures is None:
        return None
    began = failures.first.finished_at
    seconds = (build.finished_at - began).total_seconds() if began and build.finished_at else None
    kind = FLAKY if opposite else FIXED
    other = opposite.number if opposite else None
    return Change(kind, failures.first.number, failures.count, seconds, other)


async def list_new_commits(db: Reads, build: BuildRow) -> New | None:
    """The commits between the last green build and this failure, as far as Bitrise has built them.

    None when it did not turn red with this build, or when nothing can be said. A schedule blames nobody.
    """
    if build.outcome != Outcome.FAILED or not build.branch or not build.finished_at or not build.triggered_at:
        return None
    green = await build_history.find_previous(db, build)
    if green is None or green.outcome != Outcome.SUCCEEDED or green.triggered_at is None:
        return None
    seen = await build_history.list_since(db, build, green.triggered_at, limit=COMMITS_READ)
    commits = commits_of(seen, green)
    blames = build.cause != Cause.SCHEDULE
    shown = [each if blames else Commit(each.commit_hash, each.message) for each in commits[:COMMITS_SHOWN]]
    return New(green, tuple(shown), more=max(0, len(commits) - COMMITS_SHOWN))


def commits_of(builds: list[BuildRow], green: BuildRow) -> list[Commit]:
    """Each commit once, newest first, with the push that brought it rather than a later schedule or rebuild."""
    found: dict[str, Commit] = {}
    for build in builds:
        if not build.commit_hash or build.commit_hash == green.commit_hash:
            continue
        pushed = build.cause in (Cause.PUSH, Cause.PULL_REQUEST)
        known = found.get(build.commit_hash)
        who = build.triggered_by_name if pushed else known.who if known else None
        found[build.commit_hash] = Commit(build.commit_hash, build.commit_message or "", who)
    return list(found.values())
