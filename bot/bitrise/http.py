"""HTTP transport to Bitrise: bounded in time and size, the token in one header and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.bitrise.errors import ErrorRedactor, error_for, is_error_body, one_line, refusal, shorten, unreadable
from bot.bitrise.models import ApiResponse
from bot.bitrise.parsing import clean, parse_json
from bot.clock import Clock, SystemClock
from bot.errors import BitriseNotFound, BitriseUnauthorized, BitriseUnavailable
from bot.logs import add_secret
from bot.vault import Token

log = logging.getLogger(__name__)

MAX_RESPONSE_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
RETRIED_STATUSES = frozenset({502, 503, 504})
"""A gateway couldn't reach Bitrise; a moment later it may."""
RETRY_DELAYS_SECONDS = (0.2, 0.8)
SLUG = re.compile(r"\w[\w.~-]{0,199}", re.ASCII)
HEADERS = {"Accept": "application/json", "User-Agent": "buildbell"}
JSON_HEADERS = HEADERS | {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """``path`` is a template that ``slugs`` fill. Query arguments that are None are left out."""

    method: str
    path: str
    slugs: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class NoResponse:
    """The request may or may not have arrived."""

    sentence: str


class HttpTransport:
    """Reads are retried after ``retry_delays_seconds``, writes are sent once. A timeout covers all tries.

    ``session`` is shared and closed by its owner; ``base_url`` ends in the version (``…/v0.1``).
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        token: Token,
        *,
        clock: Clock | None = None,
        read_timeout_seconds: float = 10.0,
        write_timeout_seconds: float = 30.0,
        retry_delays_seconds: Sequence[float] = RETRY_DELAYS_SECONDS,
    ) -> None:
        self.session, self.base_url, self._token = session, base_url.rstrip("/"), token
        add_secret(self._secret)  # old tokens have no prefix to recognize them by
        self.clock = clock or SystemClock()
        self._read_timeout_seconds, self._write_timeout_seconds = read_timeout_seconds, write_timeout_seconds
        self._retry_delays_seconds = retry_delays_seconds

    async def get(self, path: str, query: Mapping[str, object] | None = None, **slugs: str) -> Mapping[str, Any]:
        """Return the JSON object of a successful response."""
        response = await self._read(ApiRequest("GET", path, slugs, query or {}))
        if not isinstance(response.body, dict):
            raise unreadable(response.status)
        return response.body

    async def get_text(self, path: str, **slugs: str) -> str:
        """Return the text of a successful response."""
        response = await self._read(ApiRequest("GET", path, slugs))
        if not isinstance(response.body, str):
            raise unreadable(response.status)
        return response.body

    async def _read(self, request: ApiRequest) -> ApiResponse:
        response = await self.request(request, self._read_timeout_seconds, self._retry_delays_seconds)
        self.check(response)
        return response

    async def post(self, path: str, body: Mapping[str, Any], **slugs: str) -> ApiResponse:
        return await self.request(ApiRequest("POST", path, slugs, body=body), self._write_timeout_seconds)

    async def delete(self, path: str, **slugs: str) -> ApiResponse:
        return await self.request(ApiRequest("DELETE", path, slugs), self._write_timeout_seconds)

    def check(self, response: ApiResponse, *, hidden: Sequence[str] = ()) -> None:
        """Raise the error of a response that isn't a success, or reports an error as if it were one.

        Its sentence leaves out ``hidden`` and the token.
        """
        if not response.is_success:
            raise error_for(response, self.redactor(hidden), now=self.clock.now())
        if is_error_body(response.body):
            raise refusal(self.redactor(hidden).message(response.body), response.status)

    def redactor(self, hidden: Sequence[str] = ()) -> ErrorRedactor:
        return ErrorRedactor(self._secret, hidden)

    @property
    def _secret(self) -> str:
        return self._token.reveal().strip()

    async def request(
        self, request: ApiRequest, timeout_seconds: float, retry_delays_seconds: Sequence[float] = ()
    ) -> ApiResponse:
        """Return the response, also one that isn't a success.

        Raises `BitriseUnavailable` without a response, `BitriseNotFound` and `BitriseUnauthorized` without a request
        for what can't be a slug or a token.
        """
        token = self._secret
        if not token or not token.isascii() or not token.isprintable():
            raise BitriseUnauthorized("The token is empty or contains invalid characters.")
        url = self.base_url + request.path.format_map({name: path_part(slug) for name, slug in request.slugs.items()})
        response: ApiResponse | NoResponse = NoResponse(f"Bitrise didn't respond within {timeout_seconds:g} s.")
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._send_with_retries(request, url, retry_delays_seconds)
        except TimeoutError:
            pass
        if isinstance(response, NoResponse):  # raised out here, so that no error of aiohttp is its context
            raise BitriseUnavailable(response.sentence)
        return response

    async def _send_with_retries(
        self, request: ApiRequest, url: str, retry_delays_seconds: Sequence[float]
    ) -> ApiResponse | NoResponse:
        for delay in retry_delays_seconds:
            response = await self._send(request, url)
            if isinstance(response, ApiResponse) and response.status not in RETRIED_STATUSES:
                return response
            await asyncio.sleep(delay)
        return await self._send(request, url)

    async def _send(self, request: ApiRequest, url: str) -> ApiResponse | NoResponse:
        started, status, problem = time.perf_counter(), 0, None
        has_body = request.body is not None
        try:
            async with self.session.request(
                request.method,
                url,
                params={name: clean(str(value)) for name, value in request.query.items() if value is not None},
                data=json.dumps(request.body, ensure_ascii=False).encode("utf-8", "replace") if has_body else None,
                headers=JSON_HEADERS if has_body else HEADERS,
                timeout=aiohttp.ClientTimeout(total=None),  # request() has the one timeout
                allow_redirects=False,  # the token goes to Bitrise and nowhere else
                middlewares=(self._authorize,),
            ) as response:
                status = response.status
                raw = await _read_bounded(response)
                if raw is None:
                    return NoResponse("Bitrise sent a response that is too large.")
                retry_after = response.headers.get("Retry-After")
                return ApiResponse(status, parse_json(raw), is_empty=not raw.strip(), retry_after=retry_after)
        except TimeoutError:  # an OSError too, but ours
            raise
        except (aiohttp.ClientError, OSError) as error:
            # Only its name is kept: an error of aiohttp may hold the request, and its headers the token.
            problem = type(error).__name__
            is_connected = not isinstance(error, aiohttp.ClientConnectorError)
            return NoResponse(f"Couldn't reach Bitrise{': the connection broke' if is_connected else ''}.")
        finally:
            ms = round((time.perf_counter() - started) * 1000)
            facts = {"method": request.method, "path": request.path, "status": status, "ms": ms}
            log.debug("Bitrise call", extra=facts | ({"problem": problem} if problem else {}))

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Set the token last, since aiohttp refuses the header as an argument when a .netrc file knows the host.

        All workspaces share the session: a cookie set for one token must not travel with another.
        """
        request.headers["Authorization"] = self._secret
        request.headers.pop("Cookie", None)
        return await handler(request)


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """Return None for a body larger than anything Bitrise sends; the rest isn't read."""
    raw = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK_BYTES):
        raw += chunk
        if len(raw) > MAX_RESPONSE_BYTES:
            response.close()
            return None
    return bytes(raw)


def path_part(slug: str) -> str:
    """Check a slug before it goes into a path: what a person typed or a link held can't lead to another path."""
    if not SLUG.fullmatch(slug):
        raise BitriseNotFound(f"“{shorten(one_line(clean(slug)), 60)}” isn't a valid Bitrise ID.")
    return slug
