"""The steps of a build so far, and their output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from playground.bitrise.model import Build, Status
from playground.bitrise.sample_logs import LOGS_BY_STEP, SCRIPT

UNPLANNED = timedelta(minutes=10)
"""The assumed duration of a build without an end."""
LINES_PER_CHUNK = 20
RULE = "+" + "-" * 78 + "+"
EMPTY = "|" + " " * 78 + "|"
COLUMNS = "+---+" + "-" * 63 + "+" + "-" * 10 + "+"
SUMMARY = f"\n{RULE}\n|{'bitrise summary':^78}|\n{COLUMNS}\n|   | {'title':<61} | time (s) |\n{COLUMNS}\n"
MARKS = {"success": "\x1b[32;1m✓\x1b[0m", "failed": "\x1b[31;1mx\x1b[0m", "skipped": "\x1b[34;1m-\x1b[0m"}


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step with its status: ``success``, ``failed``, ``aborted``, ``skipped`` (not started) or ``running``."""

    name: str
    status: str
    started_at: datetime | None
    finished_at: datetime | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk of a log. Positions start at 1 and never change while the build runs."""

    position: int
    at: datetime
    text: str


def steps_of(build: Build, now: datetime) -> list[StepRun]:
    """Return the steps so far; all steps of a finished build, none before it reached a machine."""
    if build.started_at is None:
        return []
    share, until = _share(build), build.finished_at or now
    runs = []
    for index, name in enumerate(build.plan.steps):
        started_at = build.started_at + share * index
        has_run = started_at < until and not _is_after_failure(build, index)
        if has_run or build.is_finished:
            runs.append(_step(build, name, started_at if has_run else None, min(started_at + share, until)))
    return runs


def step_uuid(build: Build, index: int) -> str:
    return f"{build.slug}-{index}"


def step_log(step: StepRun) -> list[dict[str, str]]:
    """Return the pieces of a step's own log, in order."""
    return [{"message": piece} for piece in _pieces(step)]


def failed_index(build: Build) -> int | None:
    """Return the index of the step that failed a finished build, or None."""
    if build.status is not Status.FAILED:
        return None
    steps = build.plan.steps
    return steps.index(build.failed_step) if build.failed_step in steps else max(0, len(steps) - 2)


def chunks_of(build: Build, now: datetime) -> list[Chunk]:
    position, steps = count(1), steps_of(build, now)
    texts = [each for index, step in enumerate(steps) for each in _texts(index, step)]
    return [Chunk(next(position), at, text) for at, text in (*texts, *_summary(build, steps))]


def raw_log(build: Build, now: datetime) -> str:
    return "".join(chunk.text for chunk in chunks_of(build, now))


def _share(build: Build) -> timedelta:
    """Return the duration of each step: all equal, none for skipped steps."""
    reached = len(build.plan.steps)
    if (failed := failed_index(build)) is not None:
        reached = failed + 1
    if build.finished_at is None or build.started_at is None or build.status is Status.ABORTED:
        return (build.duration or UNPLANNED) / reached
    return max((build.finished_at - build.started_at) / reached, timedelta(milliseconds=1))


def _is_after_failure(build: Build, index: int) -> bool:
    failed = failed_index(build)
    return failed is not None and index > failed


def _step(build: Build, name: str, started_at: datetime | None, until: datetime) -> StepRun:
    if started_at is None:
        return StepRun(name, "skipped", None, None, ())
    status = _status(build, name, until)
    return StepRun(name, status, started_at, None if status == "running" else until, _printed(build, name))


def _status(build: Build, name: str, until: datetime) -> str:
    failed = failed_index(build)
    if failed is not None and build.plan.steps[failed] == name:
        return "failed"
    if not build.is_finished:
        return "running" if build.started_at is not None and _is_last_started(build, name, until) else "success"
    is_cut_short = build.status in (Status.ABORTED, Status.ABORTED_WITH_SUCCESS) and until == build.finished_at
    return "aborted" if is_cut_short else "success"


def _is_last_started(build: Build, name: str, until: datetime) -> bool:
    assert build.started_at is not None
    end = build.started_at + _share(build) * (build.plan.steps.index(name) + 1)
    return until < end


def _printed(build: Build, name: str) -> tuple[str, ...]:
    steps = build.plan.steps
    talks = build.plan.failed_step or steps[max(0, len(steps) - 2)]
    if build.plan.log is not None and name == talks:
        return tuple(build.plan.log.removesuffix("\n").split("\n"))  # a single \r is part of its line
    if name == build.failed_step == "git-clone":
        why = f"remote error: upload-pack: not our ref {build.commit_hash}"
        if not build.commit_hash:
            why = f"couldn't find remote ref refs/heads/{build.branch}"
        return (f"git fetch {build.app.repo_url}.git", f"fatal: {why}")
    if failed_index(build) == steps.index(name):
        return tuple(LOGS_BY_STEP.get(name, SCRIPT).removesuffix("\n").split("\n"))
    return (f"Running {name}", f"branch: {build.branch}", "Done")


def _texts(index: int, step: StepRun) -> Iterator[tuple[datetime, str]]:
    """Return the header, output and result of a step, in the boxes of Bitrise's command line tool."""
    if step.started_at is None:
        return
    facts = "".join(f"| {fact:<76} |\n" for fact in (f"id: {step.name}", "version: 1.0.0", "toolkit: bash"))
    title = f"| {f'({index}) {step.name}':<76} |\n"
    yield step.started_at, f"{RULE}\n{title}{RULE}\n{facts}{RULE}\n{EMPTY}\n"
    for piece in _pieces(step):
        yield step.started_at, piece
    if step.finished_at is not None:
        yield step.finished_at, f"{EMPTY}\n{COLUMNS}\n{_result(step)}{COLUMNS}\n\n"


def _summary(build: Build, steps: list[StepRun]) -> Iterator[tuple[datetime, str]]:
    """Return the summary at the end of a log; none for a stopped build."""
    if build.finished_at is not None and build.status in (Status.SUCCESS, Status.FAILED):
        yield build.finished_at, SUMMARY + "".join(f"{_result(step)}{COLUMNS}\n" for step in steps)


def _result(step: StepRun) -> str:
    title = f"{step.name} (exit code: 1)" if step.status == "failed" else step.name
    ran = step.finished_at - step.started_at if step.finished_at and step.started_at else timedelta(0)
    return f"| {MARKS.get(step.status, '!')} | {title:<61} | {f'{ran.total_seconds():.0f} sec':<8} |\n"


def _pieces(step: StepRun) -> Iterator[str]:
    for first in range(0, len(step.lines), LINES_PER_CHUNK):
        yield "".join(f"{line}\n" for line in step.lines[first : first + LINES_PER_CHUNK])
