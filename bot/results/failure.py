"""Analyze why a build failed: its failed step, relevant log lines and failed tests, or why its log is missing.

Bitrise has no log in a build's first seconds, and never one for a build that reached no machine. A log is in chunks
until some time after the build finished, then in an archive behind a URL that expires after ten minutes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.bitrise.client import BitriseClient
from bot.bitrise.logs import StepResult, chunks_text
from bot.errors import BitriseBusy, BitriseError, BitriseNotFound, BitriseUnauthorized, BitriseUnavailable
from bot.results.excerpts import find_failed_tests, relevant_lines
from bot.results.log_text import find_failed_section, find_failed_step, has_summary, plain_lines, strip_escapes
from bot.results.redaction import redact_long_secrets, redact_secrets
from storage.builds import BuildRow

LOG_TIMEOUT = timedelta(minutes=3)
"""How long after a build finished its log may still appear."""
RETRY_AFTER = timedelta(seconds=10)

OF_A_PIPELINE = "Pipelines don't have logs. Open the log of one of its builds."
NEVER_STARTED = "This build was stopped before it reached a machine, so it has no log."
NOT_KEPT = "Bitrise has no log of this build."
NOT_THERE = "Bitrise has no log of this build, or the connected token needs the Developer role."
NOT_STARTED = "Bitrise has no log of this build yet. Try again in a moment."
EMPTY = "The log is empty."


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A failure as far as it is known, with secrets redacted. ``missing`` says why the log is missing."""

    step: str | None = None
    lines: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class LogNotReady:
    retry_at: datetime


async def analyze_failure(
    client: BitriseClient, build: BuildRow, *, now: datetime, log_timeout: timedelta = LOG_TIMEOUT
) -> FailureReport | LogNotReady:
    """Fetch and analyze a build's log; of a running build, what it has printed so far.

    `LogNotReady` is returned until ``log_timeout`` is over at most. Raises `BitriseUnauthorized` only.
    """
    if build.is_pipeline:
        return FailureReport(missing=OF_A_PIPELINE)
    if build.is_finished and build.started_at is None:
        return FailureReport(missing=NEVER_STARTED)
    can_wait = now < (build.finished_at or build.triggered_at or build.last_synced_at) + log_timeout
    step: StepResult | None = None
    pause = RETRY_AFTER
    try:
        summary = await client.get_log_summary(build.app_slug, build.build_slug)
        step = summary.failed_step if summary else None
        text, is_complete = await _fetch_log(client, build, step)
    except BitriseUnauthorized:
        raise
    except BitriseBusy as error:
        missing, pause = error.sentence, timedelta(seconds=error.retry_after)
    except BitriseNotFound:
        missing = NOT_THERE if build.is_finished else NOT_STARTED
    except BitriseError as error:
        missing = error.sentence
    else:
        is_growing = build.is_finished and not is_complete
        if text is not None and not (is_growing and can_wait):
            report = await asyncio.to_thread(analyze_log, text)  # a long log would block the loop
            return replace(report, step=_step_title(step) or report.step) if report.lines else _without_log(step, EMPTY)
        missing = NOT_KEPT if build.is_finished else NOT_STARTED
        if text is None and is_complete:
            return _without_log(step, missing)
    return LogNotReady(now + pause) if can_wait else _without_log(step, missing)


async def _fetch_log(client: BitriseClient, build: BuildRow, step: StepResult | None) -> tuple[str | None, bool]:
    """Return the log of the failed step or of the build, None if there is none, and whether it is complete."""
    app_slug, build_slug = build.app_slug, build.build_slug
    uuid = step.uuid if step else None
    if uuid is not None and (text := await client.fetch_step_log(app_slug, build_slug, uuid)):
        return text, True
    log = await client.get_whole_log(app_slug, build_slug)
    if log.expiring_raw_log_url is None:
        text = chunks_text(log)
        return (text if text.strip() else None), log.is_archived or has_summary(text)
    try:
        return await _fetch_archive(client, build, log.expiring_raw_log_url), True
    except (BitriseNotFound, BitriseUnavailable):
        text = chunks_text(await client.get_whole_log(app_slug, build_slug, broken=log))
        if not text.strip():
            raise
        return text, has_summary(text)


async def _fetch_archive(client: BitriseClient, build: BuildRow, url: str) -> str:
    try:
        return await client.fetch_raw_log(url)
    except BitriseNotFound:  # the URL expired meanwhile
        renewed = (await client.get_whole_log(build.app_slug, build.build_slug)).expiring_raw_log_url
        if renewed is None:
            raise
        return await client.fetch_raw_log(renewed)


def _without_log(step: StepResult | None, missing: str) -> FailureReport:
    """Report the messages that the summary has for the step."""
    messages = "\n".join(filter(None, (*step.error_messages, step.status_reason))) if step else ""
    return replace(analyze_log(messages), step=_step_title(step), missing=redact_secrets(missing))


def _step_title(step: StepResult | None) -> str | None:
    return _clean_title(step.title) if step else None


def analyze_log(text: str) -> FailureReport:
    """Analyze a build's log, or the part of it that the failed step printed. Pure."""
    text = strip_escapes(text)  # before redaction: a color code may stand in the middle of a secret
    lines = redact_long_secrets("\n".join(plain_lines(find_failed_section(text) or text))).splitlines()
    return FailureReport(_clean_title(find_failed_step(text)), relevant_lines(lines), find_failed_tests(lines))


def _clean_title(title: str | None) -> str | None:
    return next(iter(plain_lines(redact_secrets(strip_escapes(title or "")))), None)
