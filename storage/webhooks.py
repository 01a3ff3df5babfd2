"""The outgoing webhooks that Buildbell has registered at Bitrise, one for each app."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Reads, Transaction, columns, fetch_row, upsert


@dataclass(frozen=True, slots=True)
class WebhookRow:
    workspace_id: str
    app_slug: str
    webhook_slug: str


async def save_webhook(tx: Transaction, webhook: WebhookRow) -> None:
    await upsert(tx, "webhooks", webhook, key="workspace_id, app_slug")


async def find_webhook(db: Reads, workspace_id: str, app_slug: str) -> WebhookRow | None:
    return await fetch_row(
        db,
        WebhookRow,
        f"select {columns(WebhookRow)} from webhooks where workspace_id = :workspace_id and app_slug = :app_slug",
        workspace_id=workspace_id,
        app_slug=app_slug,
    )
