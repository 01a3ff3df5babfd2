"""Fetch the end of a file by a signed URL: with no token, bounded in time and size, the URL told to nobody.

Whoever has such a URL may read what is behind it, so it is in no log and no error. The store behind it refuses a
second way to sign, so neither the Authorization header nor a cookie goes with it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.bitrise.http import PIECE_BYTES
from bot.errors import BitriseNotFound, BitriseUnavailable

log = logging.getLogger(__name__)

KEPT_BYTES = 256 * 1024
MOST_BYTES = 64 * 1024 * 1024
SECONDS = 20.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GONE = frozenset({400, 401, 403, 404, 410})
"""How stores refuse a URL whose time is over."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a text; ``is_cut`` when there was more before it."""

    text: str = field(repr=False)
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Failed:
    sentence: str
    status: int = 0


async def fetch_tail(
    session: aiohttp.ClientSession,
    url: str,
    *,
    kept_bytes: int = KEPT_BYTES,
    most_bytes: int = MOST_BYTES,
    seconds: float = SECONDS,
) -> Tail:
    """Raises `BitriseNotFound` when the URL is no good any more, `BitriseUnavailable` when it cannot be read."""
    fetched: Tail | Failed = Failed(f"The log could not be fetched within {seconds:g} s.")
    try:
        async with asyncio.timeout(seconds):
            fetched = await _fetch(session, _address(url), kept_bytes, most_bytes)
    except TimeoutError:
        pass
    if isinstance(fetched, Tail):
        return fetched
    log.debug("a log could not be fetched", extra={"status": fetched.status})
    error = BitriseNotFound if fetched.status in GONE else BitriseUnavailable
    raise error(fetched.sentence, status=fetched.status)  # out here, so that no error of aiohttp is its context


def _address(url: str) -> URL | None:
    """As it is, since it is signed letter by letter. Plain http only to this machine, for practice."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return URL(url, encoded=True) if is_safe and parts.hostname else None
    except ValueError:
        return None


async def _fetch(session: aiohttp.ClientSession, url: URL | None, kept_bytes: int, most_bytes: int) -> Tail | Failed:
    if url is None:
        return Failed("Bitrise gave a link to the log that is no https address.")
    try:
        async with session.get(
            url,
            headers={"User-Agent": "buildbell"},
            timeout=aiohttp.ClientTimeout(total=None),
            allow_redirects=False,
            middlewares=(_nameless,),
        ) as response:
            if response.status != 200:
                return Failed(f"The log could not be fetched ({response.status}).", response.status)
            return await _end(response, kept_bytes, most_bytes)
    except TimeoutError:  # an OSError too, but ours
        raise
    except (aiohttp.ClientError, OSError, ValueError):
        return Failed("The log could not be fetched: the connection broke.")


async def _end(response: aiohttp.ClientResponse, kept_bytes: int, most_bytes: int) -> Tail | Failed:
    kept, seen = bytearray(), 0
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        seen += len(piece)
        if seen > most_bytes:  # its end is what matters, and that is out of reach
            response.close()
            return Failed("The log is too long to be read here.")
        kept += piece
        if len(kept) > 2 * kept_bytes:
            del kept[:-kept_bytes]
    return Tail(bytes(kept[-kept_bytes:]).decode("utf-8", "replace"), is_cut=seen > kept_bytes)


async def _nameless(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """The session is shared, and a .netrc file may know the host."""
    request.headers.pop("Authorization", None)
    request.headers.pop("Cookie", None)
    return await handler(request)
