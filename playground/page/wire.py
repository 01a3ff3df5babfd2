"""The wire log: both servers' journals as one numbered list, with secrets as stars."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playground.wire import SECRETS, STARS, Entry, Journal, starred

JSON = dict[str, Any]
Side = Literal["slack", "bitrise"]

MAX_ENTRIES = 500
MAX_SUMMARY = 140
FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, slots=True)
class NumberedEntry:
    number: int
    side: Side
    entry: Entry


class WireLog:
    """Numbers the newest entries of both journals, the same for all windows."""

    def __init__(self, slack: Journal, bitrise: Journal) -> None:
        self._journals: dict[Side, Journal] = {"slack": slack, "bitrise": bitrise}
        self._last: dict[Side, Entry | None] = {"slack": None, "bitrise": None}
        self._entries: deque[NumberedEntry] = deque(maxlen=MAX_ENTRIES)
        self._count = 0

    def since(self, number: int) -> list[JSON]:
        """Return a headline for each entry after that number, oldest first."""
        self._collect()
        return [headline(each) for each in self._entries if each.number > number]

    def entry(self, number: int) -> JSON | None:
        """Return one exchange with its request and response."""
        for each in self._entries:
            if each.number == number:
                return {
                    **headline(each),
                    "request": redacted(each.entry.request),
                    "response": redacted(each.entry.response),
                }
        return None

    def _collect(self) -> None:
        fresh = [(side, entry) for side in self._journals for entry in self._unseen(side)]
        for side, entry in sorted(fresh, key=lambda each: each[1].at):
            self._count += 1
            self._entries.append(NumberedEntry(self._count, side, entry))

    def _unseen(self, side: Side) -> list[Entry]:
        """Return the new entries. Search from the newest: the journal may have dropped its oldest."""
        unseen: list[Entry] = []
        for entry in reversed(list(self._journals[side])):
            if entry is self._last[side] or len(unseen) >= MAX_ENTRIES:
                break
            unseen.append(entry)
        if unseen:
            self._last[side] = unseen[0]
        return unseen[::-1]


def headline(each: NumberedEntry) -> JSON:
    entry = each.entry
    return {
        "number": each.number,
        "at": int(entry.at.timestamp() * 1000),
        "side": each.side,
        # The journal's direction is the server's; people want the bot's.
        "direction": "to the bot" if entry.direction == "out" else "from the bot",
        "kind": entry.kind,
        "name": entry.name,
        "brief": summary(entry)[:MAX_SUMMARY],
        "result": result(entry.response),
        "is_good": is_good(entry.response),
    }


def summary(entry: Entry) -> str:
    """Describe an exchange in one line."""
    request = entry.request
    payload = request.get("payload")
    if isinstance(payload, Mapping):
        return _delivery_summary(payload)
    if "path" in request:
        query = "&".join(f"{key}={value}" for key, value in (request.get("query") or {}).items())
        return f"{request.get('method')} {request['path']}{'?' if query else ''}{query}"
    parts = [request[key] for key in ("channel", "user", "user_id", "ts", "text") if isinstance(request.get(key), str)]
    return SECRETS.sub(STARS, " ".join(parts))


def _delivery_summary(payload: Mapping[str, Any]) -> str:
    if "command" in payload:
        return f"{payload['command']} {payload.get('text', '')} (@{payload.get('user_name')})"
    who = (payload.get("user") or {}).get("name") or (payload.get("event") or {}).get("user") or ""
    return f"{payload.get('type', '')} {f'(@{who})' if who else ''}".strip()


def result(response: Mapping[str, Any]) -> str:
    if response.get("cut"):
        return "cut"
    body = response.get("body")
    error = body.get("error") if isinstance(body, Mapping) else response.get("error")
    if "status" in response:
        return f"{response['status']} {error or ''}".strip()
    return str(error or "ok") if response else ""


def is_good(response: Mapping[str, Any]) -> bool:
    body = response.get("body")
    refused = isinstance(body, Mapping) and body.get("ok") is False
    status = response.get("status", 200)
    return not (response.get("cut") or refused or response.get("error") or status >= FIRST_ERROR_STATUS)


def redacted(facts: Mapping[str, Any]) -> Any:
    """Return the same as plain JSON without secrets."""
    return json.loads(SECRETS.sub(STARS, json.dumps(starred(facts), default=str)))
