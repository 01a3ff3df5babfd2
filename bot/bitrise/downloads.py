"""Files of a build: parse its artifacts, and download the end of a file by a signed URL.

A download is bounded in time and size, sends no token, and its URL is never logged.

Anyone with such a URL can read the file, so it is in no log and no error. The storage behind it refuses a second way
to sign, so neither the Authorization header nor a cookie goes with it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from bot.bitrise.http import CHUNK_BYTES
from bot.bitrise.models import Artifact
from bot.bitrise.parsing import ItemParser, as_mapping, as_text, as_variable
from bot.errors import BitriseNotFound, BitriseUnavailable

log = logging.getLogger(__name__)

TAIL_BYTES = 256 * 1024
MAX_BYTES = 64 * 1024 * 1024
TIMEOUT_SECONDS = 20.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
EXPIRED_STATUSES = frozenset({400, 401, 403, 404, 410})
"""How file storages refuse an expired URL."""

MAX_VERSION_CHARACTERS = 200

_artifact = ItemParser(
    Artifact,
    "artifact",
    kind="artifact_type",
    size_bytes="file_size_bytes",
    is_public="is_public_page_enabled",
    install_page_url="public_install_page_url",  # an empty string when the page is off
)


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a text; ``is_cut`` when there was more before it."""

    text: str = field(repr=False)
    is_cut: bool


@dataclass(frozen=True, slots=True)
class DownloadFailure:
    sentence: str
    status: int = 0


def parse_artifact(value: object) -> Artifact | None:
    """The reference says only that ``artifact_meta`` is an object. Its keys are those of Bitrise's deploy step:

    https://github.com/bitrise-steplib/steps-deploy-to-bitrise-io
    """
    fields = as_mapping(value)
    meta = as_mapping(fields.get("artifact_meta"))
    app = {**meta, **as_mapping(meta.get("app_info"))}
    return _artifact(
        fields,
        version=_first_version(app, "version", "version_name"),
        build_number=_first_version(app, "build_number", "version_code"),
    )


def _first_version(app: Mapping[str, Any], *names: str) -> str | None:
    versions = (as_text(as_variable(app.get(name))) for name in names)  # may be sent as a number
    return next((each for each in versions if each and len(each) <= MAX_VERSION_CHARACTERS), None)


async def fetch_tail(
    session: aiohttp.ClientSession,
    url: str,
    *,
    tail_bytes: int = TAIL_BYTES,
    max_bytes: int = MAX_BYTES,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Tail:
    """Raises `BitriseNotFound` if the URL has expired, `BitriseUnavailable` if the file can't be read."""
    result: Tail | DownloadFailure = DownloadFailure(f"Couldn't download the log within {timeout_seconds:g} s.")
    try:
        async with asyncio.timeout(timeout_seconds):
            result = await _download(session, _safe_url(url), tail_bytes, max_bytes)
    except TimeoutError:
        pass
    if isinstance(result, Tail):
        return result
    log.debug("a log could not be fetched", extra={"status": result.status})
    error = BitriseNotFound if result.status in EXPIRED_STATUSES else BitriseUnavailable
    raise error(result.sentence, status=result.status)  # out here, so that no error of aiohttp is its context


def _safe_url(url: str) -> URL | None:
    """Keep the URL letter by letter, since it is signed. Plain http is allowed to this machine only, for practice."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        return URL(url, encoded=True) if is_safe and parts.hostname else None
    except ValueError:
        return None


async def _download(
    session: aiohttp.ClientSession, url: URL | None, tail_bytes: int, max_bytes: int
) -> Tail | DownloadFailure:
    if url is None:
        return DownloadFailure("Couldn't download the log: Bitrise's link isn't an HTTPS address.")
    try:
        async with session.get(
            url,
            headers={"User-Agent": "buildbell"},
            timeout=aiohttp.ClientTimeout(total=None),
            allow_redirects=False,
            middlewares=(_without_credentials,),
        ) as response:
            if response.status != 200:
                return DownloadFailure(f"Couldn't download the log (HTTP {response.status}).", response.status)
            return await _read_tail(response, tail_bytes, max_bytes)
    except TimeoutError:  # an OSError too, but ours
        raise
    except (aiohttp.ClientError, OSError, ValueError):
        return DownloadFailure("Couldn't download the log: the connection broke.")


async def _read_tail(response: aiohttp.ClientResponse, tail_bytes: int, max_bytes: int) -> Tail | DownloadFailure:
    tail, size = bytearray(), 0
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        size += len(chunk)
        if size > max_bytes:  # its end is what matters, and that is out of reach
            response.close()
            return DownloadFailure("The log is too large to read here.")
        tail += chunk
        if len(tail) > 2 * tail_bytes:
            del tail[:-tail_bytes]
    return Tail(bytes(tail[-tail_bytes:]).decode("utf-8", "replace"), is_cut=size > tail_bytes)


async def _without_credentials(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """The session is shared, and a .netrc file may know the host."""
    request.headers.pop("Authorization", None)
    request.headers.pop("Cookie", None)
    return await handler(request)
