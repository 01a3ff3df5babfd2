"""The outgoing webhooks that Buildbell has registered at Bitrise, one for each app."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Reads, Transaction, columns, fetch_rows, find_row, upsert


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """``webhook_slug`` is empty until Bitrise has named it; then it is found by its URL."""

    workspace_id: str
    app_slug: str
    webhook_slug: str


async def save_webhook(tx: Transaction, webhook: WebhookRow) -> None:
    await upsert(tx, "webhooks", webhook, key="workspace_id, app_slug")


async def delete_webhooks(tx: Transaction, workspace_id: str) -> list[WebhookRow]:
    """Delete the webhooks of a workspace and return them."""
    sql = f"select {columns(WebhookRow)} from webhooks where workspace_id = :workspace_id"
    rows = await fetch_rows(tx, WebhookRow, sql, workspace_id=workspace_id)
    await tx.execute("delete from webhooks where workspace_id = :workspace_id", workspace_id=workspace_id)
    return rows


async def find_webhook(db: Reads, workspace_id: str, app_slug: str) -> WebhookRow | None:
    return await find_row(db, WebhookRow, "webhooks", workspace_id=workspace_id, app_slug=app_slug)
