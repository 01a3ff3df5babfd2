"""Parse a Web API call: its token and arguments from every place where Slack accepts them.

Query, form and JSON bodies: https://docs.slack.dev/apis/web-api#basics
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from playground.slack.errors import SlackError
from playground.slack.world import JSON, App, Installation

NESTED = {
    "attachments": "invalid_attachments",
    "blocks": "invalid_blocks_format",
    "files": "invalid_arguments",
    "message": "invalid_arguments",
    "metadata": "invalid_metadata_format",
    "unfurls": "invalid_unfurls_format",
    "view": "invalid_arguments",
}
"""Arguments that hold JSON, also as a string, with Slack's error for invalid JSON."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its caller: an ``installation`` (bot token), or only an ``app`` (app-level token)."""

    method: str
    arguments: Mapping[str, Any]
    app: App | None = None
    installation: Installation | None = None

    @property
    def bot(self) -> Installation:
        if self.installation is None:
            raise SlackError("not_allowed_token_type")
        return self.installation

    def given(self, name: str) -> bool:
        return self.arguments.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        return default if value is None else str(value)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.arguments.get(name)
        return default if value is None else value in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int) -> int:
        try:
            return int(self.arguments.get(name) or default)
        except (TypeError, ValueError) as error:
            raise SlackError("invalid_arguments") from error

    def names(self, name: str) -> list[str]:
        value = self.arguments.get(name) or []
        return list(value) if isinstance(value, list) else [each.strip() for each in str(value).split(",")]

    def nested(self, name: str) -> Any:
        """Return an argument that holds JSON, parsed; None if it is missing."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError as error:
            raise SlackError(NESTED.get(name, "invalid_arguments")) from error


@dataclass(frozen=True, slots=True)
class RawCall:
    """The token and the raw arguments of a request."""

    arguments: JSON
    token: str | None


async def read(request: web.Request) -> RawCall:
    """Read the query, overridden by the body. Slack ignores a token in a JSON body."""
    arguments: JSON = dict(request.query)
    if request.content_type == "application/json":
        arguments |= await _read_json(request)
        arguments.pop("token", None)
    elif request.can_read_body:
        arguments |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    header = request.headers.get("Authorization", "")
    if header.startswith("Basic "):
        arguments |= _basic(header)
    token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else arguments.get("token")
    arguments.pop("token", None)
    return RawCall(arguments, token)


def _basic(header: str) -> JSON:
    """Return the client id and secret of HTTP Basic authentication."""
    try:
        text = base64.b64decode(header.removeprefix("Basic "), validate=True).decode()
    except ValueError as error:
        raise SlackError("invalid_auth") from error
    client_id, _, client_secret = text.partition(":")
    return {"client_id": client_id, "client_secret": client_secret}


async def _read_json(request: web.Request) -> JSON:
    raw = await request.text()
    if not raw:
        return {}
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return body
