"""Deliveries by name: a command, a press or a form goes straight to its handler.

Bolt asks every listener in the order of registration whether a delivery is for it, and fills in thirty arguments each
time: a press on the last of sixty buttons waited a millisecond and a half for that. Handlers are registered with Bolt
all the same; what has no exact name (patterns, events, options, shortcuts) takes its way.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Context

Handler = Callable[..., Awaitable[Any]]
Payload = Mapping[str, Any]
GIVEN = frozenset(["ack", "body", "ctx"])


@dataclass(frozen=True, slots=True)
class Named:
    """A handler, and the names of what it asks for. ``kind`` is how it calls what was delivered."""

    kind: str
    handler: Handler
    asks: tuple[str, ...]


class Handlers:
    """Stands before the Bolt app while handlers are registered, and notes those that have an exact name."""

    def __init__(self, app: AsyncApp) -> None:
        self._app = app
        self._named: dict[tuple[str, str], Named] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)

    def command(self, name: str) -> Callable[[Handler], Any]:
        return self._note("command", name)

    def action(self, name: Any) -> Callable[[Handler], Any]:
        return self._note("action", name)

    def view(self, name: Any) -> Callable[[Handler], Any]:
        return self._note("view", name)

    def _note(self, kind: str, name: Any) -> Callable[[Handler], Any]:
        def register(handler: Handler) -> Any:
            asks = tuple(inspect.signature(handler).parameters)
            if isinstance(name, str) and GIVEN | {kind} >= set(asks):
                self._named.setdefault((kind, name), Named(kind, handler, asks))
            return getattr(self._app, kind)(name)(handler)

        return register

    def find(self, body: Payload) -> Named | None:
        """Who answers this delivery; None when Bolt has to look for somebody."""
        kind = body.get("type")
        if kind is None:
            return self._named.get(("command", body.get("command", "")))
        if kind == "block_actions" and body.get("actions"):
            return self._named.get(("action", body["actions"][0].get("action_id", "")))
        if kind == "view_submission" and body.get("view"):
            return self._named.get(("view", body["view"].get("callback_id", "")))
        return None


async def answer(named: Named, ctx: Context, body: Payload) -> BoltResponse:
    """What the handler acknowledged with. Raises what it raises."""
    ack = AsyncAck()  # type: ignore[no-untyped-call]  # Bolt's
    given: dict[str, Any] = {"ack": ack, "ctx": ctx, "body": body, named.kind: _delivered(named.kind, body)}
    await named.handler(**{name: given[name] for name in named.asks})
    return ack.response or BoltResponse(status=404)


def _delivered(kind: str, body: Payload) -> Any:
    if kind == "action":
        return body["actions"][0]
    return body["view"] if kind == "view" else body
