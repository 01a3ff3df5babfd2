"""Where Bitrise was asked to call us: one row is one app's outgoing webhook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class WebhookRow:
    workspace_id: str
    app_slug: str
    webhook_slug: str
    registered_by: str
    registered_at: datetime


COLUMNS = column_list(WebhookRow)


async def save_webhook(tx: Transaction, webhook: WebhookRow) -> None:
    await tx.execute(
        f"""
        insert into webhooks ({COLUMNS}) values ({placeholder_list(WebhookRow)})
        on conflict (workspace_id, app_slug) do update
        set webhook_slug = excluded.webhook_slug, registered_by = excluded.registered_by,
            registered_at = excluded.registered_at
        """,
        **to_columns(webhook),
    )


async def find_webhook(db: Reads, workspace_id: str, app_slug: str) -> WebhookRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from webhooks where workspace_id = :workspace_id and app_slug = :app_slug",
        workspace_id=workspace_id, app_slug=app_slug,
    )  # fmt: skip
    return from_row(WebhookRow, row) if row else None
