"""Results of finished builds: the failed step, the relevant log lines, the failed tests, install links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, columns, fetch_row, insert, to_columns

WANTED, FOUND = "wanted", "found"


@dataclass(frozen=True, slots=True)
class FindingRow:
    """``lines`` are redacted; ``missing`` is a sentence that says why there are none.

    ``installs`` are mappings with the fields of `bot.results.install_links.InstallLink`.
    """

    workspace_id: str
    build_slug: str
    state: str
    asked_at: datetime
    failed_step: str | None = None
    lines: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    missing: str | None = None
    installs: tuple[Mapping[str, Any], ...] = ()


async def add_result(tx: Transaction, result: FindingRow) -> bool:
    """Store that a result is wanted; return False if it was requested before."""
    return await insert(tx, "findings", result, skip_existing=True)


async def find_result(db: Reads, workspace_id: str, build_slug: str) -> FindingRow | None:
    return await fetch_row(
        db,
        FindingRow,
        f"select {columns(FindingRow)} from findings where workspace_id = :workspace_id and build_slug = :build_slug",
        workspace_id=workspace_id,
        build_slug=build_slug,
    )


async def save_result(tx: Transaction, result: FindingRow) -> bool:
    """Complete a requested result; return False if it was completed before."""
    touched = await tx.execute(
        """
        update findings
        set state = :state, failed_step = :failed_step, lines = :lines, tests = :tests, missing = :missing,
            installs = :installs
        where workspace_id = :workspace_id and build_slug = :build_slug and state = 'wanted'
        """,
        **to_columns(result),
    )
    return touched == 1
