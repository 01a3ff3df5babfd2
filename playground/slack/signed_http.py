"""Signed HTTP requests to an app's request URL.

https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from playground.slack.limits import Limits
from playground.slack.outcome import Outcome
from playground.slack.world import JSON, Installation

FORM = "application/x-www-form-urlencoded"


@dataclass(slots=True)
class Signing:
    """The signature of the next requests, valid by default.

    The time is the wall clock's, because the app compares it with its own.
    """

    timestamp: str | None = None
    secret: str | None = None
    signature: str | None = None

    def headers(self, secret: str, body: bytes) -> dict[str, str]:
        timestamp = str(int(time.time())) if self.timestamp is None else self.timestamp
        key = (self.secret or secret).encode()
        digest = hmac.new(key, b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        return {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": f"v0={digest}" if self.signature is None else self.signature,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }


class SignedPost:
    """Sends to ``request_url`` and expects 200 in time, as Slack does."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self.signing = Signing()

    async def deliver(self, kind: str, app: Installation, payload: JSON, retry: tuple[int, str] | None) -> Outcome:
        body, content_type = _encoded(kind, payload)
        headers = {"Content-Type": content_type}
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]}
        return await self.send(app, body, headers)

    async def send(self, app: Installation, body: bytes, headers: dict[str, str]) -> Outcome:
        if app.request_url is None:
            return Outcome(reason="connection_failed")
        signed = {**headers, **self.signing.headers(app.signing_secret, body)}
        try:
            async with asyncio.timeout(self._limits.ack_seconds):
                async with self._open().post(app.request_url, data=body, headers=signed) as response:
                    return _judged(response, await response.read())
        except TimeoutError:
            return Outcome(reason="http_timeout")
        except aiohttp.ClientError:
            return Outcome(reason="connection_failed")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(auto_decompress=True)
        return self._session


def _encoded(kind: str, payload: JSON) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    if kind == "slash_commands":
        return urlencode(payload).encode(), FORM
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def _judged(response: aiohttp.ClientResponse, body: bytes) -> Outcome:
    if response.status != 200:
        wanted = response.headers.get("x-slack-no-retry") != "1"
        return Outcome(reason="http_error", retry=wanted, status=response.status)
    return Outcome(answer=_read_answer(response.content_type, body))


def _read_answer(content_type: str, body: bytes) -> JSON | None:
    text = body.decode(errors="replace")
    if not text.strip():
        return None
    if content_type == "application/json":
        try:
            answer: Any = json.loads(text)
        except ValueError:
            answer = None
        return answer if isinstance(answer, dict) else {"text": text}
    return {"text": text}
