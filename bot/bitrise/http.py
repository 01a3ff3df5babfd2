"""One call over the wire: bounded in time and size, the token in one header and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp

from bot.bitrise.errors import PASSING, Answer, parse
from bot.bitrise.fields import clean
from bot.bitrise.quoting import one_line, shortened
from bot.errors import BitriseNotFound, BitriseUnauthorized, BitriseUnavailable

log = logging.getLogger(__name__)

LARGEST_ANSWER_BYTES = 8 * 1024 * 1024
PIECE_BYTES = 64 * 1024
SLUG = re.compile(r"\w[\w.~-]{0,199}", re.ASCII)
HEADERS = {"Accept": "application/json", "User-Agent": "buildbell"}
JSON_HEADERS = HEADERS | {"Content-Type": "application/json"}


class Secret(Protocol):
    """A token that shows itself only when asked to, such as `bot.vault.Token`."""

    def reveal(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Call:
    """``path`` is a template, ``slugs`` fill it; query arguments that are None are left out."""

    method: str
    path: str
    slugs: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, object] = field(default_factory=dict)
    body: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: whether the call arrived is not known."""

    sentence: str


class Wire:
    """``session`` is shared and closed by its owner, ``base_url`` ends in the version (``…/v0.1``)."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, token: Secret) -> None:
        self._session, self._token = session, token
        self.base_url = base_url.rstrip("/")

    @property
    def secret(self) -> str:
        return self._token.reveal().strip()

    async def ask(self, call: Call, *, seconds: float, pauses_seconds: Sequence[float] = ()) -> Answer:
        """The answer, whatever its status, within ``seconds`` all together.

        After a broken connection or a 502, 503 or 504 it waits for the next of the pauses and asks again.
        Raises `BitriseUnavailable` without an answer; `BitriseNotFound` and `BitriseUnauthorized` without a call
        for what cannot be a slug or a token.
        """
        self._check_token()
        url = self.base_url + call.path.format_map({name: segment(slug) for name, slug in call.slugs.items()})
        answer: Answer | Lost = Lost(f"Bitrise did not answer within {seconds:g} s.")
        try:
            async with asyncio.timeout(seconds):
                answer = await self._persist(call, url, pauses_seconds)
        except TimeoutError:
            pass
        if isinstance(answer, Lost):  # raised out here, so that no error of aiohttp is its context
            raise BitriseUnavailable(answer.sentence)
        return answer

    def _check_token(self) -> None:
        secret = self.secret
        if not secret or not secret.isascii() or not secret.isprintable():
            raise BitriseUnauthorized("The token is empty, or has characters in it that no Bitrise token has.")

    async def _persist(self, call: Call, url: str, pauses_seconds: Sequence[float]) -> Answer | Lost:
        for pause in pauses_seconds:
            answer = await self._exchange(call, url)
            if isinstance(answer, Answer) and answer.status not in PASSING:
                return answer
            await asyncio.sleep(pause)
        return await self._exchange(call, url)

    async def _exchange(self, call: Call, url: str) -> Answer | Lost:
        began, status, problem = time.perf_counter(), 0, None
        try:
            async with self._request(call, url) as response:
                status = response.status
                raw = await _bounded(response)
                if raw is None:
                    return Lost("Bitrise could not be reached: its answer has no end.")
                return _answer(response, raw)
        except TimeoutError:  # an OSError too, but ours
            raise
        except (aiohttp.ClientError, OSError) as error:
            # Its name is all that goes on: an error of aiohttp may hold the request, and its headers the token.
            problem = type(error).__name__
            is_unreached = isinstance(error, aiohttp.ClientConnectorError)
            return Lost(f"Bitrise could not be reached{'' if is_unreached else ': the connection broke'}.")
        finally:
            ms = round((time.perf_counter() - began) * 1000)
            facts = {"method": call.method, "path": call.path, "status": status, "ms": ms}
            log.debug("Bitrise call", extra=facts | ({"problem": problem} if problem else {}))

    def _request(self, call: Call, url: str) -> Any:
        has_body = call.body is not None
        return self._session.request(
            call.method,
            url,
            params={name: clean(str(value)) for name, value in call.query.items() if value is not None},
            data=json.dumps(call.body, ensure_ascii=False).encode("utf-8", "replace") if has_body else None,
            headers=JSON_HEADERS if has_body else HEADERS,
            timeout=aiohttp.ClientTimeout(total=None),  # ask() has the one limit
            allow_redirects=False,  # the token goes to Bitrise and nowhere else
            middlewares=(self._authorize,),
        )

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Last before sending. As an argument aiohttp refuses the header when a .netrc file knows the host, too.

        The session is shared by all workspaces: a cookie that one token was given must not travel with another.
        """
        request.headers["Authorization"] = self.secret
        request.headers.pop("Cookie", None)
        return await handler(request)


def _answer(response: aiohttp.ClientResponse, raw: bytes) -> Answer:
    retry_after = response.headers.get("Retry-After")
    return Answer(response.status, parse(raw), is_empty=not raw.strip(), retry_after=retry_after)


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """None when it is larger than anything Bitrise has to say; the rest is not read."""
    raw = bytearray()
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        raw += piece
        if len(raw) > LARGEST_ANSWER_BYTES:
            response.close()
            return None
    return bytes(raw)


def segment(slug: str) -> str:
    """A slug as it stands in a path. What a person typed or a link held cannot lead to another path."""
    if not SLUG.fullmatch(slug):
        raise BitriseNotFound(f"“{shortened(one_line(clean(slug)), 60)}” cannot be anything at Bitrise.")
    return slug
