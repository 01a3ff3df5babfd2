"""Compare a result with the ones before it on the branch: broken, fixed or flaky, and the commits since it was green.

A result is a success or a failure; aborted and skipped builds never count, nor does a result that arrives after that
of a newer build.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.domain.builds import Cause, Outcome
from storage import Reads, build_history
from storage.builds import BuildRow

BROKEN, FIXED, FLAKY = "broken", "fixed", "flaky"
MAX_BUILDS_READ = 200
MAX_COMMITS = 8


@dataclass(frozen=True, slots=True)
class Commit:
    """``author`` is the Git name of the push; None if nobody should be named."""

    commit_hash: str
    message: str
    author: str | None = None


@dataclass(frozen=True, slots=True)
class ResultTrend:
    """``since`` is the number of the first failure, ``failures`` their count, ``seconds`` how long they lasted.

    ``other`` is the number of the build with the opposite result on the same commit.
    """

    kind: str
    since: int | None = None
    failures: int = 0
    seconds: float | None = None
    other: int | None = None

    def to_facts(self) -> dict[str, Any]:
        values = {"since": self.since, "failures": self.failures, "seconds": self.seconds, "other": self.other}
        return {"change": self.kind} | {name: value for name, value in values.items() if value}

    @classmethod
    def from_facts(cls, facts: Any) -> ResultTrend | None:
        if not facts or not facts.get("change"):
            return None
        return cls(
            facts["change"], facts.get("since"), facts.get("failures", 0), facts.get("seconds"), facts.get("other")
        )


@dataclass(frozen=True, slots=True)
class CommitsSince:
    """Commits since the last green build, newest first; ``more`` of them are not listed."""

    last_green: BuildRow
    commits: tuple[Commit, ...]
    more: int = 0


async def find_trend(db: Reads, build: BuildRow) -> ResultTrend | None:
    """Return how the result differs from the one before it; None if it doesn't, or if the build has no result."""
    if build.outcome not in (Outcome.SUCCEEDED, Outcome.FAILED) or not build.branch or not build.finished_at:
        return None
    if await build_history.has_newer_result(db, build):
        return None
    previous = await build_history.find_previous(db, build)
    if build.outcome == Outcome.FAILED:
        return await _trend_of_failure(db, build, previous)
    return await _trend_of_success(db, build) if previous and previous.outcome == Outcome.FAILED else None


async def _trend_of_failure(db: Reads, build: BuildRow, previous: BuildRow | None) -> ResultTrend | None:
    if previous is not None and previous.outcome == Outcome.FAILED:
        return None
    opposite = await build_history.find_contradicting(db, build)
    return ResultTrend(BROKEN, since=build.number, failures=1, other=opposite.number if opposite else None)


async def _trend_of_success(db: Reads, build: BuildRow) -> ResultTrend | None:
    failures = await build_history.find_failure_streak(db, build)
    opposite = await build_history.find_contradicting(db, build)
    if failures is None:
        return None
    broken_at = failures.first.finished_at
    seconds = (build.finished_at - broken_at).total_seconds() if broken_at and build.finished_at else None
    kind, other = (FLAKY, opposite.number) if opposite else (FIXED, None)
    return ResultTrend(kind, failures.first.number, failures.count, seconds, other)


async def list_new_commits(db: Reads, build: BuildRow) -> CommitsSince | None:
    """Return the commits between the last green build and this failure that Bitrise has built.

    None if the branch was failing before, or without a green build. A scheduled build names no authors.
    """
    if build.outcome != Outcome.FAILED or not build.branch or not build.finished_at or not build.triggered_at:
        return None
    previous = await build_history.find_previous(db, build)
    if previous is None or previous.outcome != Outcome.SUCCEEDED or previous.triggered_at is None:
        return None
    builds = await build_history.list_since(db, build, previous.triggered_at, limit=MAX_BUILDS_READ)
    commits = list_commits(builds, previous)
    listed = commits[:MAX_COMMITS]
    if build.cause == Cause.SCHEDULE:
        listed = [Commit(each.commit_hash, each.message) for each in listed]
    return CommitsSince(previous, tuple(listed), more=len(commits) - len(listed))


def list_commits(builds: list[BuildRow], last_green: BuildRow) -> list[Commit]:
    """Return each commit once, newest first, with the author of its push even if a schedule built it later."""
    commits: dict[str, Commit] = {}
    for build in builds:
        if not build.commit_hash or build.commit_hash == last_green.commit_hash:
            continue
        is_push = build.cause in (Cause.PUSH, Cause.PULL_REQUEST)
        existing = commits.get(build.commit_hash)
        author = build.triggered_by_name if is_push else existing.author if existing else None
        commits[build.commit_hash] = Commit(build.commit_hash, build.commit_message or "", author)
    return list(commits.values())
