"""What a build left behind that people ask for: where it failed and why, and what can be installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns

WANTED, FOUND = "wanted", "found"


@dataclass(frozen=True, slots=True)
class FindingRow:
    """``lines`` are masked already; ``missing`` says in a sentence why there are none.

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


COLUMNS = column_list(FindingRow)


async def claim_finding(tx: Transaction, finding: FindingRow) -> bool:
    """Whether we are the first to want it."""
    touched = await tx.execute(
        f"insert into findings ({COLUMNS}) values ({placeholder_list(FindingRow)}) on conflict do nothing",
        **to_columns(finding),
    )
    return touched == 1


async def find_finding(db: Reads, workspace_id: str, build_slug: str) -> FindingRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from findings where workspace_id = :workspace_id and build_slug = :build_slug",
        workspace_id=workspace_id, build_slug=build_slug,
    )  # fmt: skip
    return from_row(FindingRow, row) if row else None


async def save_finding(tx: Transaction, finding: FindingRow) -> bool:
    """Put what was found in the place of what was wanted; False when that has happened before."""
    touched = await tx.execute(
        """
        update findings
        set state = :state, failed_step = :failed_step, lines = :lines, tests = :tests, missing = :missing,
            installs = :installs
        where workspace_id = :workspace_id and build_slug = :build_slug and state = 'wanted'
        """,
        **{name: value for name, value in to_columns(finding).items() if name != "asked_at"},
    )
    return touched == 1
