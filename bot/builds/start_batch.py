"""Starts on their way to the disk, each together with its job; those that come at the same time in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.context import Context
from bot.engine import Job
from storage import CommitUnknown, Transaction
from storage import requests as request_rows
from storage.requests import RequestRow

START = "start"


@dataclass(frozen=True, slots=True)
class Start:
    """``asks_first``: hold it while an identical build runs, until the person has decided."""

    request: RequestRow
    asks_first: bool


async def add(ctx: Context, start: Start) -> str | None:
    """Returns the state of the request, see `storage.requests.add_starts`. One that is accepted has its job."""
    return await ctx.start_batch.submit(start)


async def add_all(ctx: Context, starts: Sequence[Start]) -> list[str | None]:
    async def store(tx: Transaction) -> list[str | None]:
        states = await request_rows.add_starts(tx, [(start.request, start.asks_first) for start in starts])
        accepted = [start.request for start, state in zip(starts, states, strict=True) if state == "accepted"]
        await ctx.engine.enqueue(tx, *(Job(START, {"request_id": request.request_id}) for request in accepted))
        return states

    try:
        return await ctx.db.transaction(store, is_quick=True)
    except CommitUnknown:  # then those that are there already are found, and nothing is stored twice
        return await ctx.db.transaction(store, is_quick=True)
