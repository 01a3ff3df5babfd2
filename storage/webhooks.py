"""The outgoing webhooks that Buildbell has registered at Bitrise, one for each app."""

from __future__ import annotations

from dataclasses import dataclass

from storage.database import Reads, Transaction, find_row, upsert


@dataclass(frozen=True, slots=True)
class WebhookRow:
    workspace_id: str
    app_slug: str
    webhook_slug: str


async def save_webhook(tx: Transaction, webhook: WebhookRow) -> None:
    await upsert(tx, "webhooks", webhook, key="workspace_id, app_slug")


async def find_webhook(db: Reads, workspace_id: str, app_slug: str) -> WebhookRow | None:
    return await find_row(db, WebhookRow, "webhooks", workspace_id=workspace_id, app_slug=app_slug)
