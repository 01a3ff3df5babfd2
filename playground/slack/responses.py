"""response_urls: five uses within thirty minutes, for the person who pressed or typed.

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

from playground.slack.desk import Desk
from playground.slack.errors import SlackError
from playground.slack.posts import check_content, post, rewrite
from playground.slack.replies import Reply, after, delayed, prevents, send, spoilt
from playground.slack.world import JSON, Channel, Installation, Message, User
from playground.wire import Fault

NAME = "response_url"


@dataclass(slots=True, eq=False)
class Address:
    """Whom it answers, where, and about which message."""

    app: Installation
    user: User
    channel: Channel
    original: Message | None
    issued_at: datetime
    uses: int = 0


class Responses:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._addresses: dict[str, Address] = {}

    def issue(self, app: Installation, user: User, channel: Channel, original: Message | None = None) -> str:
        key = self._desk.world.letters(24)
        self._addresses[key] = Address(app, user, channel, original, self._desk.clock.now())
        return f"{self._desk.base_url}/respond/{app.team.id}/{key}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        with self._desk.busy.doing():
            body = await _read(request)
            fault = self._desk.faults.take(NAME, team=request.match_info["team"])
            reply = await self._reply(request.match_info["key"], body, fault)
            self._desk.note("in", "http", NAME, body, reply.noted())
            response = await send(request, reply, "text/plain")
            if not reply.cut:
                await self._desk.hooks.fire(NAME, "answered", arguments=body, answer=reply.body)
            return response

    async def _reply(self, key: str, body: JSON, fault: Fault | None) -> Reply:
        await self._desk.hooks.fire(NAME, "before", arguments=body, answer=None)
        await delayed(fault)
        if fault is not None and prevents(fault):
            return spoilt(fault)
        reply = self._answer(key, body)
        await self._desk.hooks.fire(NAME, "accepted", arguments=body, answer=reply.body)
        return after(fault, reply)

    def _answer(self, key: str, body: JSON) -> Reply:
        try:
            self.respond(self._open(key), body)
        except SlackError as error:
            status = 404 if error.error in ("expired_url", "used_url", "no_such_url") else 400
            return Reply(status, json.dumps(error.body()))
        return Reply(200, "ok")

    def _open(self, key: str) -> Address:
        limits = self._desk.limits
        address = self._addresses.get(key)
        if address is None:
            raise SlackError("no_such_url")
        if self._desk.clock.now() - address.issued_at > timedelta(seconds=limits.response_seconds):
            raise SlackError("expired_url")
        if address.uses >= limits.response_uses:
            raise SlackError("used_url")
        address.uses += 1
        return address

    def respond(self, address: Address, body: Mapping[str, Any]) -> None:
        """Delete, replace or add, as the body says; also what the ack of a command means."""
        original = address.original
        if original is not None and original.app is not address.app:
            _check_adds_only(body)
        if body.get("delete_original") and original is not None:
            original.channel.remove(original)
            return
        check_content(self._desk, address.app, body)
        if body.get("replace_original") and original is not None:
            rewrite(self._desk.world, original, body)
            return
        in_channel = body.get("response_type") == "in_channel"
        post(
            self._desk.world,
            address.app,
            address.channel,
            body,
            seen_by=None if in_channel else address.user,
            thread_ts=body.get("thread_ts"),
        )


def _check_adds_only(body: Mapping[str, Any]) -> None:
    """A person's message stays what it is; what hangs under its links is changed by chat.unfurl."""
    if body.get("replace_original") or body.get("delete_original"):
        raise SlackError("cant_update_message")


async def _read(request: web.Request) -> JSON:
    """JSON, or a form with the JSON in ``payload``; anything else counts as plain text."""
    raw = await request.text()
    if request.content_type == "application/x-www-form-urlencoded":
        raw = str((await request.post()).get("payload", ""))
    try:
        body = json.loads(raw)
    except ValueError:
        body = {"text": raw}
    return body if isinstance(body, dict) else {}
