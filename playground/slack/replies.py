"""HTTP responses: complete, changed by a fault, or a broken connection instead."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from playground.slack.errors import SlackError
from playground.slack.world import JSON
from playground.wire import Fault

HTML = "<!DOCTYPE html><html><title>Server Error | Slack</title><body>Something went wrong</body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """A response; ``cut`` breaks the connection instead."""

    status: int
    body: JSON | str
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    def noted(self) -> JSON:
        return {"status": self.status, "body": self.body, **({"cut": True} if self.cut else {})}


async def delayed(fault: Fault | None) -> None:
    if fault is not None and fault.delay:
        await asyncio.sleep(fault.delay)


def prevents(fault: Fault | None) -> bool:
    """Return whether the fault prevents the effect of the call."""
    return fault is not None and fault.kind not in ("slow", "cut_after") and not fault.effect


def spoilt(fault: Fault) -> Reply:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.kind in ("cut_before", "cut_after"):
        return Reply(0, "", cut=True)
    if fault.kind == "error":
        more = fault.body if isinstance(fault.body, dict) else {}
        return Reply(fault.status or 200, SlackError(fault.error or "fatal_error", **more).body(), headers)
    status = fault.status or (200 if fault.kind == "body" else 500)
    usual: JSON | str = SlackError("ratelimited").body() if status == 429 else HTML
    return Reply(status, usual if fault.body is None else fault.body, headers)


def after(fault: Fault | None, reply: Reply) -> Reply:
    """Return the response after the effect, changed by the fault."""
    return reply if fault is None or fault.kind == "slow" else spoilt(fault)


async def send(request: web.Request, reply: Reply, text_type: str = "text/html") -> web.StreamResponse:
    """Write the whole response, so that code after it runs when the caller can have read it."""
    if reply.cut:
        cut(request)
        return web.Response()
    if isinstance(reply.body, str):
        response = web.Response(status=reply.status, text=reply.body, content_type=text_type, headers=reply.headers)
    else:
        response = web.json_response(reply.body, status=reply.status, headers=reply.headers)
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        # The caller is gone, after the effect of its call.
        pass
    return response


def cut(request: web.BaseRequest) -> None:
    """Break the TCP connection without a response."""
    if request.transport is not None:
        request.transport.abort()
