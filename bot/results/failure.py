"""Why a build failed: its step, the lines that tell, the tests; or why that cannot be said, or not yet.

Bitrise has no log in the first seconds, none ever of a build that no machine took, one in chunks until some time after
the end, and then one behind a URL that lives ten minutes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.bitrise.client import BitriseClient
from bot.bitrise.logs import LogPart, StepResult, chunks_text
from bot.errors import BitriseBusy, BitriseError, BitriseNotFound, BitriseUnauthorized
from bot.results.excerpts import failed_tests, telling_lines
from bot.results.log_text import failed_section_of, failed_step_of, has_ended, plain_lines, without_escapes
from bot.results.redaction import mask, mask_blocks
from storage.builds import BuildRow

PATIENCE = timedelta(minutes=3)
"""How long after the end of a build its log may still come."""
RETRY = timedelta(seconds=10)

OF_A_PIPELINE = "A pipeline has no log of its own; its builds have."
NEVER_STARTED = "It ended before a machine took it, so there is no log."
NOT_KEPT = "Bitrise kept no log of it."
NOT_THERE = "Bitrise has no log of it, or the stored token may not read logs: that takes the Developer role."
NOT_STARTED = "Bitrise has no log of it yet. Ask again in a moment."
EMPTY = "Its log is empty."


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of a failure, fit to be shown: secrets are stars. ``missing`` says why there is no log."""

    step: str | None = None
    lines: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """Look again then."""

    retry_at: datetime


async def look_into(
    client: BitriseClient, build: BuildRow, *, now: datetime, patience: timedelta = PATIENCE
) -> Finding | NotYet:
    """What there is to say about a build's failure. ``NotYet`` comes back at most until ``patience`` is over.

    Of a build that still runs, what it has printed so far. Raises `BitriseUnauthorized` only.
    """
    if build.is_pipeline:
        return Finding(missing=OF_A_PIPELINE)
    if build.is_finished and build.started_at is None:
        return Finding(missing=NEVER_STARTED)
    until = (build.finished_at or build.triggered_at or build.last_synced_at) + patience
    return await Look(client, build, now, is_patient=now < until).look()


class Look:
    """One look at one build."""

    def __init__(self, client: BitriseClient, build: BuildRow, now: datetime, *, is_patient: bool) -> None:
        self._client, self._build, self._now, self._is_patient = client, build, now, is_patient
        self._step: StepResult | None = None

    async def look(self) -> Finding | NotYet:
        try:
            await self._find_step()
            printed = await self._step_log()
            return await self._found(printed) if printed else await self._whole_log()
        except BitriseUnauthorized:
            raise
        except BitriseBusy as busy:
            return self._later(busy.sentence, timedelta(seconds=busy.retry_after))
        except BitriseError as error:
            return self._later(NOT_STARTED if isinstance(error, BitriseNotFound) else error.sentence)

    async def _find_step(self) -> None:
        summary = await self._client.get_log_summary(self._build.app_slug, self._build.build_slug)
        self._step = summary.failed_step if summary else None

    async def _step_log(self) -> str | None:
        if self._step is None or self._step.uuid is None:
            return None
        return await self._client.fetch_step_log(self._build.app_slug, self._build.build_slug, self._step.uuid)

    async def _whole_log(self) -> Finding | NotYet:
        part = await self._get_log()
        if part.expiring_raw_log_url:
            return await self._found(await self._archived(part.expiring_raw_log_url))
        text = chunks_text(part)
        if not text.strip():
            return self._without_log(is_for_good=part.is_archived)
        is_growing = self._build.is_finished and not part.is_archived and not has_ended(text)
        return NotYet(self._now + RETRY) if is_growing and self._is_patient else await self._found(text)

    async def _get_log(self) -> LogPart:
        return await self._client.get_whole_log(self._build.app_slug, self._build.build_slug)

    async def _archived(self, url: str) -> str:
        """The URL may have ended on the way: once more with a new one."""
        try:
            return await self._client.fetch_raw_log(url)
        except BitriseNotFound:
            fresh = (await self._get_log()).expiring_raw_log_url
            if fresh is None:
                raise
            return await self._client.fetch_raw_log(fresh)

    # What is told.

    def _later(self, missing: str, pause: timedelta = RETRY) -> Finding | NotYet:
        if self._is_patient:
            return NotYet(self._now + pause)
        if missing == NOT_STARTED and self._build.is_finished:
            missing = NOT_THERE
        return self._by_summary(missing)

    def _without_log(self, *, is_for_good: bool) -> Finding | NotYet:
        missing = NOT_KEPT if self._build.is_finished else NOT_STARTED
        return self._by_summary(missing) if is_for_good else self._later(missing)

    def _by_summary(self, missing: str) -> Finding:
        """Without a log there is still what the summary said of the step."""
        step = self._step
        said = "\n".join(filter(None, (*step.error_messages, step.status_reason))) if step else ""
        return replace(read_finding(said), step=self._title, missing=mask(missing))

    async def _found(self, text: str) -> Finding:
        """Beside the loop: a long log takes a while, and nobody else shall wait for it."""
        found = await asyncio.to_thread(read_finding, text)
        return replace(found, step=self._title or found.step) if found.lines else self._by_summary(EMPTY)

    @property
    def _title(self) -> str | None:
        return _shown(self._step.title) if self._step else None


def read_finding(text: str) -> Finding:
    """What a log tells, or the part of it that the failed step printed. Pure."""
    text = mask_blocks(without_escapes(text))  # first what is not seen: a colour may stand in the middle of a secret
    lines = plain_lines(failed_section_of(text) or text)
    return Finding(_shown(failed_step_of(text)), telling_lines(lines), failed_tests(lines))


def _shown(title: str | None) -> str | None:
    return next(iter(plain_lines(mask(without_escapes(title or "")))), None)
