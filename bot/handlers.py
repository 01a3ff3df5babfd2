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
from slack_bolt.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext

Handler = Callable[..., Awaitable[Any]]
Payload = Mapping[str, Any]
FROM_CONTEXT = frozenset(["ack", "context", "services"])


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
            if isinstance(name, str) and FROM_CONTEXT | {"body", kind} >= set(asks):
                self._named.setdefault((kind, name), Named(kind, handler, asks))
            return getattr(self._app, kind)(name)(handler)

        return register

    def find(self, body: Payload) -> Named | None:
        """Who answers this delivery; None when Bolt has to look for somebody."""
        kind = body.get("type")
        if kind == "block_actions":
            return self._named.get(("action", body["actions"][0].get("action_id", "")))
        if kind == "view_submission":
            return self._named.get(("view", body["view"].get("callback_id", "")))
        return self._named.get(("command", body["command"])) if kind is None and "command" in body else None


async def answer(named: Named, context: AsyncBoltContext, body: Payload) -> BoltResponse:
    """What the handler acknowledged with. Raises what it raises, which Bolt hands to `app.error`."""
    given: dict[str, Any] = {"ack": context.ack, "context": context, "services": context["services"], "body": body}
    given[named.kind] = _delivered(named.kind, body)
    await named.handler(**{name: given[name] for name in named.asks})
    return context.ack.response or BoltResponse(status=404)


def _delivered(kind: str, body: Payload) -> Any:
    if kind == "action":
        return body["actions"][0]
    return body["view"] if kind == "view" else body
