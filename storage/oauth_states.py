"""Who is on the way to installing: each trip to Slack's page, good once and for a few minutes. Digests only."""

from __future__ import annotations

from datetime import datetime

from storage.database import Database, Transaction


async def add_state(
    db: Database, *, state_digest: str, browser_digest: str, now: datetime, expires_at: datetime
) -> None:
    """Remember a trip; those that never came back are forgotten."""

    async def add(tx: Transaction) -> None:
        await tx.execute("delete from oauth_states where expires_at <= :now", now=now)
        await tx.execute(
            """
            insert into oauth_states (state_digest, browser_digest, expires_at)
            values (:state_digest, :browser_digest, :expires_at)
            """,
            state_digest=state_digest, browser_digest=browser_digest, expires_at=expires_at,
        )  # fmt: skip

    await db.transaction(add)


async def claim_state(db: Database, *, state_digest: str, browser_digest: str, now: datetime) -> bool:
    """Use it up. False when it is unknown, used, too old or another browser's: of two who try, one wins."""
    touched = await db.execute(
        """
        delete from oauth_states
        where state_digest = :state_digest and browser_digest = :browser_digest and expires_at > :now
        """,
        state_digest=state_digest, browser_digest=browser_digest, now=now,
    )  # fmt: skip
    return touched == 1
