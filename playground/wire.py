"""Shared by both practice servers: a journal of all exchanges, faults on request, and hooks."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Literal

Direction = Literal["in", "out"]
"""``in``: a call to the practice server; ``out``: a call from it (a delivery)."""

Phase = Literal["before", "accepted", "answered"]
"""``before`` the effect of a call, ``accepted`` before its response, ``answered`` after it."""

Callback = Callable[[Mapping[str, Any]], Awaitable[None]]

SECRETS = re.compile(r"\b(?:bit[pw]at_|xox[a-z]{1,2}-|xapp-|xoxe\.)[\w.-]+")
SECRET_FIELDS = frozenset({"authorization", "token", "refresh_token", "access_token"})
STARS = "********"


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange; ``kind`` is its transport (``http``, ``socket``), ``name`` the operation."""

    at: datetime
    direction: Direction
    kind: str
    name: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]


class Journal:
    """All exchanges in the order they ended, with secrets, which only `dump` hides.

    A ``limit`` drops the oldest entries, for a server that runs for days.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._secrets: set[str] = set()

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def hide(self, secret: str) -> None:
        """Let `dump` show stars instead of ``secret``, in any encoding."""
        self._secrets.add(secret)

    def clear(self) -> None:
        self._entries.clear()

    def named(self, name: str) -> list[Entry]:
        """Return the entries whose name matches the glob ``name``."""
        return [entry for entry in self._entries if fnmatchcase(entry.name, name)]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def dump(self) -> str:
        """Return the journal as text: one paragraph per entry, oldest first, secrets as stars."""
        return "\n".join(self._paragraph(entry) for entry in self._entries)

    def _paragraph(self, entry: Entry) -> str:
        arrow = "->" if entry.direction == "in" else "<-"
        head = f"{entry.at.isoformat(timespec='milliseconds')} {arrow} {entry.kind} {entry.name}"
        return f"{head}\n    asked: {self._text(entry.request)}\n    got: {self._text(entry.response)}"

    def _text(self, facts: Mapping[str, Any]) -> str:
        text = json.dumps(starred(facts), ensure_ascii=False, default=str)
        for secret in self._secrets:
            text = text.replace(secret, STARS)
        return SECRETS.sub(STARS, text)


def starred(value: Any) -> Any:
    """Return the value with stars in every field that is named like a secret."""
    if isinstance(value, Mapping):
        return {key: STARS if _is_secret(key, inner) else starred(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [starred(inner) for inner in value]
    return value


def _is_secret(key: object, value: object) -> bool:
    """Return whether the field is a secret by its last word: ``client_secret``, ``X-Its-Secret``."""
    if not isinstance(key, str) or not isinstance(value, str) or value == "":
        return False
    return key.lower() in SECRET_FIELDS or key.lower().endswith("secret")


@dataclass(frozen=True, slots=True)
class Fault:
    """The way the next matching calls fail.

    ``name`` is a glob over the operation's name or path; ``where`` narrows it to calls with these facts
    (``{"team": "T1"}``; the practice Slack knows team, channel, message, thread and user). ``times=None`` lasts until
    `Faults.clear`; ``skip`` lets that many matching calls pass first.
    """

    name: str = "*"
    kind: str = "status"
    status: int | None = None
    error: str | None = None
    body: Any = None
    form: str | None = None
    """The shape of the error body, if the server has several."""
    retry_after: int | None = None
    delay: float = 0.0
    """Real seconds to wait first, for every kind."""
    effect: bool = False
    """Let the call take effect before it fails, if the kind leaves that open."""
    times: int | None = 1
    skip: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)

    def matches(self, names: Iterable[str], facts: Mapping[str, Any]) -> bool:
        named = any(fnmatchcase(name, self.name) for name in names)
        return named and all(facts.get(key) == value for key, value in self.where.items())


class Faults:
    """The pending faults. A server names its kinds, so that a misspelled one is refused."""

    def __init__(self, kinds: Iterable[str] = ()) -> None:
        self._kinds = frozenset(kinds)
        self._waiting: list[_Counted] = []

    def add(self, fault: Fault) -> None:
        if self._kinds and fault.kind not in self._kinds:
            raise ValueError(f"no such kind of fault: {fault.kind} (there are {', '.join(sorted(self._kinds))})")
        self._waiting.append(_Counted(fault, left=fault.times, to_skip=fault.skip))

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, name: str, *, path: str | None = None, **facts: Any) -> Fault | None:
        """Return the fault of this call, the earliest added one, and count it."""
        names = [name] if path is None else [name, path]
        for counted in self._waiting:
            if counted.fault.matches(names, facts) and counted.strikes():
                self._waiting = [each for each in self._waiting if each.left != 0]
                return counted.fault
        return None

    def __len__(self) -> int:
        """Count the pending faults, so that a test can assert that all of them happened."""
        return len(self._waiting)

    def __iter__(self) -> Iterator[Fault]:
        """Iterate over the pending faults."""
        return (counted.fault for counted in self._waiting)


@dataclass(slots=True)
class _Counted:
    fault: Fault
    left: int | None
    to_skip: int

    def strikes(self) -> bool:
        if self.to_skip > 0:
            self.to_skip -= 1
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Hooks:
    """Callbacks at the phases of a call, awaited in the order of registration."""

    def __init__(self) -> None:
        self._callbacks: list[tuple[str, Phase, Callback]] = []

    def on(self, name: str, phase: Phase, callback: Callback) -> Callable[[], None]:
        """Await ``callback(facts)`` at ``phase`` of operations that match the glob ``name``. Return an unsubscribe."""
        registered = (name, phase, callback)
        self._callbacks.append(registered)
        return lambda: self._callbacks.remove(registered)

    async def fire(self, name: str, phase: Phase, **facts: Any) -> None:
        """Call the matching callbacks with the facts, ``name`` and ``phase``."""
        for pattern, wanted, callback in list(self._callbacks):
            if wanted == phase and fnmatchcase(name, pattern):
                await callback({**facts, "name": name, "phase": phase})
