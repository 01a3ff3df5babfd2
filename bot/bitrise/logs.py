"""The log of a build: in chunks while it is fresh, behind a signed URL later, and what is known of its steps.

The summary of the steps and the log of a single one are in no reference, though Bitrise's own tools use them: they may
be missing, and then there is still the log of the whole build.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace

import aiohttp

from bot.bitrise import parsing_results as remains
from bot.bitrise.downloads import KEPT_BYTES, Tail, fetch_tail
from bot.bitrise.fields import clean
from bot.bitrise.models import LogChunk, LogPart, LogSummary
from bot.errors import BitriseNotFound, BitriseRefused, BitriseUnavailable

MOST_PAGES = 20
MOST_CHARACTERS = 4 * 1024 * 1024
LOG = "/apps/{app}/builds/{build}/log"

_LINE_END = re.compile(r"[\r\n]")
_MESSAGE = re.compile(r'"message"\s{0,9}:\s{0,9}("(?:[^"\\]|\\.)*")', re.DOTALL)


class LogCalls(ABC):
    """The part of the client that reads logs."""

    _session: aiohttp.ClientSession

    @abstractmethod
    async def _read(self, path: str, query: Mapping[str, object] | None = None, **slugs: str) -> object: ...

    async def get_log(
        self, app_slug: str, build_slug: str, *, after: str | None = None, before: str | None = None
    ) -> LogPart:
        """A page of it. `BitriseNotFound` in the first seconds, and for good when no machine took the build.

        ``after`` and ``before`` are what an earlier page gave; without them Bitrise chooses which chunks come.
        https://api-docs.bitrise.io/#/builds/build-log
        """
        query = {"after_timestamp": after, "before_timestamp": before}
        return remains.read_log(await self._read(LOG, query, app=app_slug, build=build_slug))

    async def get_whole_log(self, app_slug: str, build_slug: str, *, most_pages: int = MOST_PAGES) -> LogPart:
        """All chunks there are, or the archive's URL; no more than ``most_pages`` pages of them.

        First on to the end, which tells most, then back to the beginning.
        """
        part = await self.get_log(app_slug, build_slug)
        for _ in range(most_pages - 1):
            query = _further(part)
            if query is None:
                break
            page = await self.get_log(app_slug, build_slug, **query)
            if page.is_archived:
                return page
            part = joined(part, page, forward="after" in query)
        return part

    async def get_log_summary(self, app_slug: str, build_slug: str) -> LogSummary | None:
        """None when it is not there, or looks like nothing we know."""
        try:
            return remains.read_log_summary(await self._read(f"{LOG}/summary", app=app_slug, build=build_slug))
        except (BitriseNotFound, BitriseRefused, BitriseUnavailable):
            return None

    async def get_step_log_url(self, app_slug: str, build_slug: str, step_uuid: str) -> str | None:
        """Lives ten minutes and needs no token: not to be stored or shown."""
        try:
            body = await self._read(f"{LOG}/steps/{{step}}", app=app_slug, build=build_slug, step=step_uuid)
        except (BitriseNotFound, BitriseRefused, BitriseUnavailable):
            return None
        return remains.read_step_log_url(body)

    async def read_step_log(self, app_slug: str, build_slug: str, step_uuid: str) -> str | None:
        """The end of what one step printed; None when it cannot be had."""
        url = await self.get_step_log_url(app_slug, build_slug, step_uuid)
        try:
            return step_text(await fetch_tail(self._session, url)) if url else None
        except (BitriseNotFound, BitriseUnavailable):
            return None

    async def fetch_raw_log(self, url: str) -> str:
        """The end of an archived log. `BitriseNotFound` when the URL's time is over: ask for the log again."""
        return whole_lines(await fetch_tail(self._session, url))


def _further(part: LogPart) -> dict[str, str] | None:
    """Where there may be more: after it, until Bitrise has nothing newer; before it, when the beginning is missing."""
    if part.is_archived or part.characters > MOST_CHARACTERS:
        return None
    if part.next_after:
        return {"after": part.next_after}
    has_beginning = not part.chunks or part.chunks[0].position <= 1
    return {"before": part.next_before} if part.next_before and not has_beginning else None


def joined(part: LogPart, page: LogPart, *, forward: bool) -> LogPart:
    """Both together; a page with nothing new is the last one in its direction."""
    chunks = {chunk.position: chunk for chunk in (*part.chunks, *page.chunks)}
    has_more = len(chunks) > len(part.chunks)
    before = page.next_before if has_more else None
    return replace(
        part,
        chunks=tuple(chunks[position] for position in sorted(chunks)),
        next_after=page.next_after if forward and has_more else None,
        next_before=part.next_before if forward else before,
    )


def text_of(part: LogPart, *, most: int = KEPT_BYTES) -> str:
    """The chunks as one text, or its end when it is longer.

    After a gap, and where the beginning is missing, a broken line is left out: it may begin with the second half of a
    secret, which nothing would recognise as one.
    """
    text = "".join(_pieces(part.chunks))
    return whole_lines(Tail(text[-most:], is_cut=len(text) > most))


def _pieces(chunks: tuple[LogChunk, ...]) -> Iterator[str]:
    expected = {0, 1}
    for chunk in chunks:
        yield chunk.text if chunk.position in expected else f"\n{_after_line_end(chunk.text)}"
        expected = {chunk.position + 1}


def whole_lines(tail: Tail) -> str:
    return clean(_after_line_end(tail.text) if tail.is_cut else tail.text)


def step_text(tail: Tail) -> str:
    """A step's log is a JSON array of ``{"message": …}``, of which the beginning may be cut off."""
    if not tail.text.rstrip().endswith("]"):
        return whole_lines(tail)
    return whole_lines(Tail("".join(_messages(tail.text)), tail.is_cut))


def _messages(text: str) -> Iterator[str]:
    for found in _MESSAGE.finditer(text):
        try:
            yield str(json.loads(found[1], strict=False))
        except ValueError:
            continue


def _after_line_end(text: str) -> str:
    end = _LINE_END.search(text)
    return text[end.end() :] if end else ""
