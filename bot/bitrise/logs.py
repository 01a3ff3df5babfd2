"""The log of a build: in chunks while it is fresh, behind a signed URL later, and a summary of its steps.

The summary and the log of a single step aren't in the reference, though Bitrise's own tools use them: they may be
missing, and then the log of the whole build remains.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bot.bitrise.downloads import TAIL_BYTES, Tail, fetch_tail
from bot.bitrise.http import HttpTransport
from bot.bitrise.parsing import as_boolean, as_integer, as_list, as_mapping, as_text, as_time, as_variable, clean
from bot.errors import BitriseNotFound, BitriseRefused, BitriseUnavailable

MAX_PAGES = 20
MAX_CHARACTERS = 4 * 1024 * 1024
LOG = "/apps/{app}/builds/{build}/log"

_LINE_END = re.compile(r"[\r\n]")
_MESSAGE = re.compile(r'"message"\s{0,9}:\s{0,9}("(?:[^"\\]|\\.)*")', re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogChunk:
    position: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of a log, in order, each chunk once; positions may have gaps.

    The URL of the whole log is valid for ten minutes and needs no token: don't store or show it, and fetch it without
    the Authorization header. ``next_after`` and ``next_before`` are cursors: times as Bitrise writes them.
    """

    is_archived: bool
    chunks: tuple[LogChunk, ...] = field(default=(), repr=False)
    expiring_raw_log_url: str | None = field(default=None, repr=False)
    next_after: str | None = None
    next_before: str | None = None

    @property
    def characters(self) -> int:
        return sum(len(chunk.text) for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step of a build; ``status`` is Bitrise's: ``success``, ``failed``, ``skipped`` and more."""

    uuid: str | None
    title: str | None
    status: str | None
    status_reason: str | None = field(default=None, repr=False)
    error_messages: tuple[str, ...] = field(default=(), repr=False)

    @property
    def is_failed(self) -> bool:
        """Whether it failed the build. A step that may fail has the status ``failed_skippable``."""
        return self.status in ("failed", "preparation_failed") or (self.status or "").startswith("aborted_")


@dataclass(frozen=True, slots=True)
class LogSummary:
    """The steps of a build in order, over all its workflows."""

    steps: tuple[StepResult, ...] = ()

    @property
    def failed_step(self) -> StepResult | None:
        """The step that failed the build, else the one in which it was aborted."""
        failed = (step for step in self.steps if step.is_failed)
        return next(failed, None) or next((step for step in self.steps if step.status == "aborted"), None)


class LogCalls:
    """The part of the client that reads logs."""

    _http: HttpTransport

    async def get_log(
        self, app_slug: str, build_slug: str, *, after: str | None = None, before: str | None = None
    ) -> LogPart:
        """Return one page of chunks. ``after`` and ``before`` come from an earlier page.

        Raises `BitriseNotFound` in the first seconds, and for good when no machine took the build.
        https://api-docs.bitrise.io/#/builds/build-log
        """
        query = {"after_timestamp": after, "before_timestamp": before}
        return parse_log(await self._http.get(LOG, query, app=app_slug, build=build_slug))

    async def get_whole_log(
        self, app_slug: str, build_slug: str, *, broken: LogPart | None = None, max_pages: int = MAX_PAGES
    ) -> LogPart:
        """Return all chunks, or those read until a page had the URL of the archive.

        Reads on to the end first, which says most, then back. ``broken`` is what an earlier call returned if its URL
        can't be used: then the rest of the chunks is read.
        """
        part = broken or await self.get_log(app_slug, build_slug)
        for _ in range(max_pages - 1):
            query = None if part.expiring_raw_log_url and not broken else _next_query(part)
            if query is None:
                break
            part = join_pages(part, await self.get_log(app_slug, build_slug, **query), forward="after" in query)
        return part

    async def get_log_summary(self, app_slug: str, build_slug: str) -> LogSummary | None:
        """Return None if it is missing or has another shape.

        https://github.com/bitrise-io/bitrise-mcp (not in the reference)
        """
        try:
            return parse_log_summary(await self._http.get(f"{LOG}/summary", app=app_slug, build=build_slug))
        except (BitriseNotFound, BitriseRefused, BitriseUnavailable):
            return None

    async def fetch_step_log(self, app_slug: str, build_slug: str, step_uuid: str) -> str | None:
        """Return the end of one step's output, or None if it can't be read.

        https://github.com/bitrise-io/bitrise-mcp (not in the reference)
        """
        try:
            body = await self._http.get(f"{LOG}/steps/{{step}}", app=app_slug, build=build_slug, step=step_uuid)
            url = as_text(body.get("expiring_raw_log_url"))
            return step_log_text(await fetch_tail(self._http.session, url)) if url else None
        except (BitriseNotFound, BitriseRefused, BitriseUnavailable):
            return None

    async def fetch_raw_log(self, url: str) -> str:
        """Return the end of an archived log. Raises `BitriseNotFound` if the URL has expired: get the log again.

        https://api-docs.bitrise.io/#/builds/build-log
        """
        return whole_lines(await fetch_tail(self._http.session, url))


# Parsing.


def parse_log(value: object) -> LogPart:
    fields = as_mapping(value)
    items = [as_mapping(item) for item in as_list(fields.get("log_chunks"))]
    texts = {as_integer(item.get("position")): as_variable(item.get("chunk")) for item in items}
    positions = sorted(position for position in texts if position is not None)
    return LogPart(
        is_archived=as_boolean(fields.get("is_archived")),
        chunks=tuple(LogChunk(position, texts[position]) for position in positions),
        expiring_raw_log_url=as_text(fields.get("expiring_raw_log_url")),
        next_after=_cursor(fields.get("next_after_timestamp")),
        next_before=_cursor(fields.get("next_before_timestamp")),
    )


def _cursor(value: object) -> str | None:
    """A time as Bitrise writes it, to the last fraction of a second. ``0001-01-01`` means there is none."""
    return as_text(value) if as_time(value) else None


def parse_log_summary(value: object) -> LogSummary | None:
    """Return None for anything but the known shape, which Bitrise hasn't promised."""
    workflows = as_mapping(as_mapping(value).get("execution")).get("workflows")
    if not isinstance(workflows, list):
        return None
    return LogSummary(tuple(_parse_step(step) for each in workflows for step in as_list(as_mapping(each).get("steps"))))


def _parse_step(value: object) -> StepResult:
    fields = as_mapping(value)
    errors = (as_text(as_mapping(item).get("message")) for item in as_list(fields.get("errors")))
    return StepResult(
        uuid=as_text(fields.get("uuid")),
        title=as_text(fields.get("title")) or as_text(fields.get("step_id")),
        status=as_text(fields.get("status")),
        status_reason=as_text(fields.get("status_reason")),
        error_messages=tuple(error for error in errors if error),
    )


# Joining chunks and lines.


def _next_query(part: LogPart) -> dict[str, str] | None:
    """Go on until Bitrise has nothing newer, then back while the beginning is missing."""
    if part.characters > MAX_CHARACTERS:
        return None
    if part.next_after:
        return {"after": part.next_after}
    has_beginning = not part.chunks or part.chunks[0].position <= 1
    return {"before": part.next_before} if part.next_before and not has_beginning else None


def join_pages(part: LogPart, page: LogPart, *, forward: bool) -> LogPart:
    """Add a page to a part. A page without new chunks is the last one in its direction."""
    chunks = {chunk.position: chunk for chunk in (*part.chunks, *page.chunks)}
    has_more = len(chunks) > len(part.chunks)
    before = page.next_before if has_more else None
    return replace(
        part,
        is_archived=page.is_archived,
        expiring_raw_log_url=page.expiring_raw_log_url or part.expiring_raw_log_url,
        chunks=tuple(chunks[position] for position in sorted(chunks)),
        next_after=page.next_after if forward and has_more else None,
        next_before=part.next_before if forward else before,
    )


def chunks_text(part: LogPart, *, max_characters: int = TAIL_BYTES) -> str:
    """Join the chunks to one text, cut at the beginning.

    A partial line after a gap or a missing beginning is dropped: it may start with the second half of a secret, which
    redaction wouldn't recognize.
    """
    pieces, expected = [], {0, 1}
    for chunk in part.chunks:
        pieces.append(chunk.text if chunk.position in expected else f"\n{_after_line_end(chunk.text)}")
        expected = {chunk.position + 1}
    text = "".join(pieces)
    return whole_lines(Tail(text[-max_characters:], is_cut=len(text) > max_characters))


def whole_lines(tail: Tail) -> str:
    return clean(_after_line_end(tail.text) if tail.is_cut else tail.text)


def step_log_text(tail: Tail) -> str:
    """A step's log is a JSON array of ``{"message": …}``, whose beginning may be cut off."""
    if not tail.text.rstrip().endswith("]"):
        return whole_lines(tail)
    return whole_lines(Tail("".join(_messages(tail.text)), tail.is_cut))


def _messages(text: str) -> Iterator[str]:
    for match in _MESSAGE.finditer(text):
        try:
            yield str(json.loads(match[1], strict=False))
        except ValueError:
            continue


def _after_line_end(text: str) -> str:
    end = _LINE_END.search(text)
    return text[end.end() :] if end else ""
