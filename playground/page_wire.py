"""The wire view: both journals as one numbered list, newest kept, secrets as stars."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from playground.wire import SECRETS, STARS, Entry, Journal, starred

JSON = dict[str, Any]
Side = Literal["slack", "bitrise"]

KEPT = 500
BRIEF = 140
GOOD_UNTIL = 400


@dataclass(frozen=True, slots=True)
class Numbered:
    number: int
    side: Side
    entry: Entry


class Wire:
    """Follows the journals by looking; an entry keeps its number for all windows."""

    def __init__(self, slack: Journal, bitrise: Journal) -> None:
        self._journals: dict[Side, Journal] = {"slack": slack, "bitrise": bitrise}
        self._last: dict[Side, Entry | None] = {"slack": None, "bitrise": None}
        self._kept: deque[Numbered] = deque(maxlen=KEPT)
        self._count = 0

    def since(self, number: int) -> list[JSON]:
        """One line each for what came after that number, oldest first."""
        self._collect()
        return [headline(each) for each in self._kept if each.number > number]

    def entry(self, number: int) -> JSON | None:
        """One exchange, whole."""
        for each in self._kept:
            if each.number == number:
                return {
                    **headline(each),
                    "request": veiled(each.entry.request),
                    "response": veiled(each.entry.response),
                }
        return None

    def _collect(self) -> None:
        fresh = [(side, entry) for side in self._journals for entry in self._unseen(side)]
        for side, entry in sorted(fresh, key=lambda each: each[1].at):
            self._count += 1
            self._kept.append(Numbered(self._count, side, entry))

    def _unseen(self, side: Side) -> list[Entry]:
        """Backwards to the last one that is known: the journal may have forgotten its oldest meanwhile."""
        unseen: list[Entry] = []
        for entry in reversed(list(self._journals[side])):
            if entry is self._last[side] or len(unseen) >= KEPT:
                break
            unseen.append(entry)
        if unseen:
            self._last[side] = unseen[0]
        return unseen[::-1]


def headline(each: Numbered) -> JSON:
    entry = each.entry
    return {
        "number": each.number,
        "at": int(entry.at.timestamp() * 1000),
        "side": each.side,
        # Told from the bot's place: what it sends goes out, what reaches it comes in.
        "direction": "to the bot" if entry.direction == "out" else "from the bot",
        "kind": entry.kind,
        "name": entry.name,
        "brief": brief(entry)[:BRIEF],
        "result": result(entry.response),
        "is_good": is_good(entry.response),
    }


def brief(entry: Entry) -> str:
    """What it is about, in one line."""
    asked = entry.request
    payload = asked.get("payload")
    if isinstance(payload, Mapping):
        return _brief_of_delivery(payload)
    if "path" in asked:
        query = "&".join(f"{key}={value}" for key, value in (asked.get("query") or {}).items())
        return f"{asked.get('method')} {asked['path']}{'?' if query else ''}{query}"
    telling = [asked[key] for key in ("channel", "user", "user_id", "ts", "text") if isinstance(asked.get(key), str)]
    return SECRETS.sub(STARS, " ".join(telling))


def _brief_of_delivery(payload: Mapping[str, Any]) -> str:
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
    return not (response.get("cut") or refused or response.get("error") or status >= GOOD_UNTIL)


def veiled(facts: Mapping[str, Any]) -> Any:
    """The same without secrets, as plain JSON."""
    return json.loads(SECRETS.sub(STARS, json.dumps(starred(facts), default=str)))
