"""Claims of installations: one renewal, one use of an OAuth state."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest

from storage import Database
from storage import installations as installation_rows
from storage.installations import InstallationRow
from tests.storage.conftest import NOW

LATER = NOW + timedelta(minutes=1)


def row(tokens: str = "sealed-1", expires_at: datetime | None = LATER) -> InstallationRow:
    return InstallationRow("", "T1", "A1", None, "Acme", "U0", "commands", tokens, expires_at, NOW)


@pytest.fixture
async def rows(database: Database) -> Database:
    await database.transaction(partial(installation_rows.save_installation, row=row()))
    return database


async def test_a_renewal_is_claimed_once(rows: Database) -> None:
    won = await asyncio.gather(*(installation_rows.claim_renewal(rows, row(), now=NOW, until=LATER) for _ in range(10)))
    assert won.count(True) == 1


async def test_a_claim_expires(rows: Database) -> None:
    assert await installation_rows.claim_renewal(rows, row(), now=NOW, until=LATER)
    assert not await installation_rows.claim_renewal(rows, row(), now=NOW + timedelta(seconds=59), until=LATER)
    assert await installation_rows.claim_renewal(rows, row(), now=LATER, until=LATER + timedelta(minutes=1))


async def test_renewed_tokens_cannot_be_claimed_again(database: Database, rows: Database) -> None:
    renewed = partial(installation_rows.save_renewed_tokens, row=row(), tokens_sealed="sealed-2", expires_at=LATER)
    assert await database.transaction(renewed)
    assert not await database.transaction(renewed)
    assert not await installation_rows.claim_renewal(rows, row(), now=NOW, until=LATER)
    assert await installation_rows.claim_renewal(rows, row("sealed-2"), now=NOW, until=LATER)


async def test_installing_again_ends_a_claim(database: Database, rows: Database) -> None:
    await installation_rows.claim_renewal(rows, row(), now=NOW, until=LATER)
    await database.transaction(partial(installation_rows.save_installation, row=row("sealed-3")))
    found = await installation_rows.find_by_team(rows, "T1")
    assert found is not None
    assert (found.tokens_sealed, found.renewing_until) == ("sealed-3", None)


async def test_a_state_is_used_once(database: Database) -> None:
    claim = partial(
        partial(installation_rows.claim_state, database),
        state_digest="s",
        browser_digest="b",
        now=NOW,
        expires_at=LATER,
    )
    assert not await installation_rows.is_state_used(database, "s")
    assert sorted(await asyncio.gather(*(claim() for _ in range(5)))) == [False] * 4 + [True]
    assert await installation_rows.is_state_used(database, "s")
