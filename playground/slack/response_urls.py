"""response_urls: five uses within thirty minutes, for the person who acted.

https://docs.slack.dev/interactivity/handling-user-interaction#message_responses. Slack documents that a spent
or old address is refused; the exact bodies and statuses (404, ``used_url`` and ``expired_url``) are ours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from playground.slack.core import Core
from playground.slack.errors import SlackError
from playground.slack.posts import check_content, post, rewrite
from playground.slack.replies import Reply, after, delayed, prevents, send, spoilt
from playground.slack.world import JSON, Channel, Installation, Message, User
from playground.wire import Fault

NAME = "response_url"


@dataclass(slots=True, eq=False)
class Address:
    """The person, channel and message of a response_url."""

    app: Installation
    user: User
    channel: Channel
    original: Message | None
    issued_at: datetime
    uses: int = 0


class ResponseUrls:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._addresses: dict[str, Address] = {}

    def issue(self, app: Installation, user: User, channel: Channel, original: Message | None = None) -> str:
        key = self._core.world.letters(24)
        self._addresses[key] = Address(app, user, channel, original, self._core.clock.now())
        return f"{self._core.base_url}/respond/{app.team.id}/{key}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        with self._core.busy.doing():
            body = await _read(request)
            key = request.match_info["key"]
            fault = self._core.faults.take(NAME, team=request.match_info["team"], **self._facts(key))
            reply = await self._reply(key, body, fault)
            self._core.note("in", "http", NAME, body, reply.noted())
            response = await send(request, reply, "text/plain")
            if not reply.cut:
                await self._core.hooks.fire(NAME, "answered", arguments=body, answer=reply.body)
            return response

    def _facts(self, key: str) -> JSON:
        """Return the facts of a response that a fault can be limited to, besides its team."""
        address = self._addresses.get(key)
        if address is None:
            return {}
        original = address.original
        return {"channel": address.channel.id, "message": original and original.ts, "user": address.user.id}

    async def _reply(self, key: str, body: JSON, fault: Fault | None) -> Reply:
        await self._core.hooks.fire(NAME, "before", arguments=body, answer=None)
        await delayed(fault)
        if fault is not None and prevents(fault):
            return spoilt(fault)
        reply = self._answer(key, body)
        await self._core.hooks.fire(NAME, "accepted", arguments=body, answer=reply.body)
        return after(fault, reply)

    def _answer(self, key: str, body: JSON) -> Reply:
        try:
            self.respond(self._open(key), body)
        except SlackError as error:
            status = 404 if error.error in ("expired_url", "used_url", "no_such_url") else 400
            return Reply(status, json.dumps(error.body()))
        return Reply(200, "ok")

    def _open(self, key: str) -> Address:
        limits = self._core.limits
        address = self._addresses.get(key)
        if address is None:
            raise SlackError("no_such_url")
        if self._core.clock.now() - address.issued_at > timedelta(seconds=limits.response_seconds):
            raise SlackError("expired_url")
        if address.uses >= limits.response_uses:
            raise SlackError("used_url")
        address.uses += 1
        return address

    def respond(self, address: Address, body: Mapping[str, Any]) -> None:
        """Delete, replace or add a message, as the body of a response or of an ack says."""
        original = address.original
        if original is not None and original.app is not address.app:
            _check_adds_only(body)
        if body.get("delete_original") and original is not None:
            original.channel.remove(original)
            return
        check_content(self._core, address.app, body)
        if body.get("replace_original") and original is not None:
            rewrite(self._core.world, original, body)
            return
        in_channel = body.get("response_type") == "in_channel"
        post(
            self._core.world,
            address.app,
            address.channel,
            body,
            seen_by=None if in_channel else address.user,
            thread_ts=_thread(address.channel, body.get("thread_ts")),
        )


def _thread(channel: Channel, thread_ts: Any) -> str | None:
    """Return the thread; a response to a message that doesn't exist goes into the channel."""
    parent = channel.standing(str(thread_ts)) if thread_ts else None
    return parent.ts if parent else None


def _check_adds_only(body: Mapping[str, Any]) -> None:
    """Refuse to change a person's message; chat.unfurl changes its unfurls."""
    if body.get("replace_original") or body.get("delete_original"):
        raise SlackError("cant_update_message")


async def _read(request: web.Request) -> JSON:
    """Read JSON, or a form with JSON in ``payload``; anything else is plain text."""
    raw = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        raw = str((await request.post()).get("payload", ""))
    try:
        body = json.loads(raw)
    except ValueError:
        body = {"text": raw}
    return body if isinstance(body, dict) else {}
