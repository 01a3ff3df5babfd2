"""Bitrise's outgoing webhooks: registered once per app, they make the next sync due; deleted on disconnecting."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot import connection, requests, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Webhook
from bot.bitrise.webhook import SECRET_HEADER, parse_hint, verify_delivery
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import (
    AppNotFound,
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseUnavailable,
    BuildbellError,
    SealBroken,
)
from bot.permissions import Actor
from bot.sync_schedule import MIN_PAUSE
from storage import Transaction
from storage import apps as app_rows
from storage import webhooks as webhook_rows
from storage import workspaces as workspace_rows
from storage.webhooks import WebhookRow
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
PATH = "/bitrise/webhook"
DELETE = "delete-webhook"
RETRY_AFTER, GIVE_UP_AFTER = timedelta(seconds=30), timedelta(hours=1)
"""The sealed token of a workspace that was disconnected is kept no longer than its last webhook needs."""


@dataclass(frozen=True, slots=True)
class ManualWebhook:
    """The values to enter at Bitrise by hand, if the connected token may not register a webhook."""

    url: str
    header: str
    secret: str = field(repr=False)


def is_enabled(ctx: Context) -> bool:
    return ctx.settings.public_url is not None


def secret_context(workspace_id: str) -> str:
    return f"webhook:{workspace_id}"


# Receive.


async def receive(ctx: Context, key: str, raw: bytes, headers: Mapping[str, str]) -> bool:
    """Make a sync due, and return whether the call is authentic. A replay or a flood can do no more than that."""
    workspace = await workspace_rows.find_by_key(ctx.db, "webhook", key)
    if workspace is None:
        return False
    try:
        secret = open_secret(ctx, workspace)
    except SealBroken:
        log.error("a webhook secret can't be decrypted", extra={"workspace": workspace.workspace_id})
        return False
    if not verify_delivery(raw=raw, headers=headers, secret=secret):
        return False
    hint, now = parse_hint(raw, headers), ctx.clock.now()
    last = workspace.last_synced_at
    due_at = max(now, last + MIN_PAUSE) if last else now

    async def store(tx: Transaction) -> None:
        await workspace_rows.save_call(tx, workspace.workspace_id, "webhook", now=now)
        await sync_schedule.schedule_now(ctx, tx, workspace.workspace_id, at=due_at)

    await ctx.db.transaction(store)
    log.info("Bitrise called", extra={"workspace": workspace.workspace_id, "event": hint.event})
    return True


def open_secret(ctx: Context, workspace: WorkspaceRow) -> str:
    sealed = workspace.webhook_secret_sealed or ""
    return ctx.vault.open(sealed, context=secret_context(workspace.workspace_id)).reveal()


# Register.


async def is_registered(ctx: Context, workspace_id: str, app_slug: str) -> bool:
    webhook = await webhook_rows.find_webhook(ctx.db, workspace_id, app_slug)
    return webhook is not None and webhook.webhook_slug != ""


async def register(ctx: Context, actor: Actor, app_slug: str) -> ManualWebhook | None:
    """Register a webhook of an app; return what to enter by hand if the token's role is too low for that.

    Raises `NotAllowed`, `AppNotFound`, and `BuildbellError` if Bitrise can't reach this process.
    """
    await ctx.permissions.check_may_connect(actor)
    if ctx.settings.public_url is None:
        raise BuildbellError(
            "Bitrise can't reach Buildbell yet. Ask your Buildbell operator to set `BUILDBELL_PUBLIC_URL`. "
            "Until then, Buildbell keeps polling."
        )
    if await app_rows.find_app(ctx.db, actor.workspace_id, app_slug) is None:
        raise AppNotFound("The connected Bitrise token can no longer access that app.")
    workspace = await ensure_key(ctx, actor.workspace_id)
    url, secret = url_of(ctx, workspace), open_secret(ctx, workspace)
    if not await is_registered(ctx, actor.workspace_id, app_slug):  # before the call, so that it is deleted either way
        row = WebhookRow(actor.workspace_id, app_slug, "")
        await ctx.db.transaction(lambda tx: webhook_rows.save_webhook(tx, row))
    try:
        async with connection.client(ctx, actor.workspace_id) as client:
            webhook = await find_or_create(client, app_slug, url=url, secret=secret)
    except BitriseNotFound:
        return ManualWebhook(url, SECRET_HEADER, secret)

    async def store(tx: Transaction) -> None:
        await webhook_rows.save_webhook(tx, WebhookRow(actor.workspace_id, app_slug, webhook.slug))
        await requests.record_audit(
            ctx, tx, actor.workspace_id, actor.user_id,
            action="webhook", subject=webhook.slug, result="registered", app_slug=app_slug,
        )  # fmt: skip

    await ctx.db.transaction(store)
    return None


async def ensure_key(ctx: Context, workspace_id: str) -> WorkspaceRow:
    """Return the workspace with the key and the secret of its webhooks, created on first use."""
    key, secret = (ctx.new_id() + ctx.new_id(), "".join(ctx.new_id() for _ in range(4)))
    sealed = ctx.vault.seal(secret, context=secret_context(workspace_id))

    async def store(tx: Transaction) -> WorkspaceRow | None:
        await workspace_rows.claim_key(tx, workspace_id, "webhook", key=key, sealed=sealed)
        return await workspace_rows.find_workspace(tx, workspace_id)

    workspace = await ctx.db.transaction(store)
    if workspace is None:
        raise BuildbellError("This Slack workspace is not installed.")
    return workspace


def url_of(ctx: Context, workspace: WorkspaceRow) -> str:
    return f"{ctx.settings.public_url}{PATH}/{workspace.webhook_key}"


async def find_or_create(client: BitriseClient, app_slug: str, *, url: str, secret: str) -> Webhook:
    """Return the webhook that calls this URL; create it if there is none, because Bitrise would take it twice."""
    existing = await find_by_url(client, app_slug, url)
    return existing or await client.create_webhook(app_slug, url=url, secret=secret, headers={SECRET_HEADER: secret})


async def find_by_url(client: BitriseClient, app_slug: str, url: str) -> Webhook | None:
    cursor: str | None = None
    while True:
        page = await client.list_webhooks(app_slug, next=cursor)
        existing = next((webhook for webhook in page.items if webhook.url == url), None)
        if existing is not None or page.next is None or page.next == cursor:
            return existing
        cursor = page.next


# Delete.


async def schedule_deletion(ctx: Context, tx: Transaction, workspace: WorkspaceRow) -> None:
    """Delete the webhooks of a workspace whose token is being deleted. The jobs carry the sealed token."""
    if workspace.bitrise_token_sealed is None:
        return
    for row in await webhook_rows.delete_webhooks(tx, workspace.workspace_id):
        arguments = asdict(row) | {
            "url": url_of(ctx, workspace),
            "token_sealed": workspace.bitrise_token_sealed,
            "since": ctx.clock.now().isoformat(),
        }
        await ctx.engine.enqueue(tx, Job(DELETE, arguments))


async def perform_deletion(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Delete a webhook at Bitrise, unless it was registered again. One that is gone already is an answer, too."""
    row = WebhookRow(arguments["workspace_id"], arguments["app_slug"], arguments["webhook_slug"])
    if await webhook_rows.find_webhook(ctx.db, row.workspace_id, row.app_slug) == row:
        return
    now, facts = ctx.clock.now(), {"workspace": row.workspace_id, "app": row.app_slug}
    try:
        token = ctx.vault.open(arguments["token_sealed"], context=connection.token_context(row.workspace_id))
        client, slug = ctx.bitrise(token), row.webhook_slug
        if not slug:  # the process died while it was registered
            webhook = await find_by_url(client, row.app_slug, arguments["url"])
            slug = webhook.slug if webhook else ""
        if slug:
            await client.delete_webhook(row.app_slug, slug)
    except BitriseNotFound:
        return
    except (BitriseUnavailable, BitriseBusy) as error:
        if now - datetime.fromisoformat(arguments["since"]) < GIVE_UP_AFTER:
            raise RetryAt(now + RETRY_AFTER) from error
        log.warning("a webhook could not be deleted", extra=facts | {"error": str(error)})
    except (BitriseError, SealBroken) as error:
        log.warning("a webhook could not be deleted", extra=facts | {"error": str(error)})


JOBS = (JobKind(DELETE, perform_deletion, concurrency=2),)
