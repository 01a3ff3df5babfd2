"""Results of finished builds: the failed step, the relevant log lines, the failed tests, install links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, find_row, insert, to_columns

PENDING, COMPLETE = "pending", "complete"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """``lines`` are redacted; ``missing`` is a sentence that says why there are none.

    ``installs`` are mappings with the fields of `bot.results.install_links.InstallLink`.
    """

    workspace_id: str
    build_slug: str
    state: str
    requested_at: datetime
    failed_step: str | None = None
    lines: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str | None = None
    installs: tuple[Mapping[str, Any], ...] = ()


async def add_result(tx: Transaction, result: ResultRow) -> bool:
    """Store that a result is wanted; return False if it was requested before."""
    return await insert(tx, "results", result, skip_existing=True)


async def find_result(db: Reads, workspace_id: str, build_slug: str) -> ResultRow | None:
    return await find_row(db, ResultRow, "results", workspace_id=workspace_id, build_slug=build_slug)


async def save_result(tx: Transaction, result: ResultRow) -> bool:
    """Complete a requested result; return False if it was completed before."""
    touched = await tx.execute(
        """
        update results
        set state = :state, failed_step = :failed_step, lines = :lines, tests = :tests, missing = :missing,
            installs = :installs
        where workspace_id = :workspace_id and build_slug = :build_slug and state = 'pending'
        """,
        **to_columns(result),
    )
    return touched == 1
