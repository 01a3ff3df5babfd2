"""Starts on their way to the disk, each together with its job; those that come at the same time in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.engine import Engine, Job
from storage import CommitUnknown, Database, Transaction
from storage.batching import Batcher
from storage.requests import RequestRow, RequestStore

START = "start"


@dataclass(frozen=True, slots=True)
class Start:
    """``is_asked``: hold it when something equal runs, and let the person be asked."""

    request: RequestRow
    is_asked: bool


class Intake:
    def __init__(self, *, database: Database, requests: RequestStore, engine: Engine) -> None:
        self._db, self._requests, self._engine = database, requests, engine
        self._batcher = Batcher(self._add_all)

    async def add(self, start: Start) -> str | None:
        """Returns the state of the request, see `RequestStore.add_starts`. One that is accepted has its job."""
        return await self._batcher.submit(start)

    async def _add_all(self, starts: Sequence[Start]) -> list[str | None]:
        async def store(tx: Transaction) -> list[str | None]:
            states = await self._requests.add_starts(tx, [(start.request, start.is_asked) for start in starts])
            accepted = [start.request for start, state in zip(starts, states, strict=True) if state == "accepted"]
            await self._engine.enqueue(tx, *(Job(START, {"request_id": request.request_id}) for request in accepted))
            return states

        try:
            return await self._db.transaction(store, is_quick=True)
        except CommitUnknown:  # then those that are there already are found, and nothing is stored twice
            return await self._db.transaction(store, is_quick=True)
