"""Requests: what a person asked for, as a row with sealed parameters, from acceptance to completion."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.context import Context
from bot.errors import NotAllowed
from bot.permissions import Actor
from storage import Transaction, audit
from storage import requests as request_rows
from storage.audit import AuditRow
from storage.requests import RequestRow


def new(
    ctx: Context, actor: Actor, *, kind: str, unique_key: str, parameters: Mapping[str, Any], **searched: str | None
) -> RequestRow:
    """Return a request, not stored yet. ``searched`` are columns: app_slug, build_slug, workflow, branch, ..."""
    request_id = ctx.new_id()
    context = f"request:{request_id}"
    columns: dict[str, Any] = dict.fromkeys(
        ("app_slug", "build_slug", "workflow", "branch", "parameters_hash", "view_id")
    )
    return RequestRow(
        request_id=request_id,
        workspace_id=actor.workspace_id,
        kind=kind,
        unique_key=unique_key,
        state="accepted",
        user_id=actor.user_id,
        user_name=actor.user_name,
        channel_id=actor.channel_id,
        response_url_sealed=ctx.vault.seal(actor.response_url, context=context) if actor.response_url else None,
        parameters_sealed=ctx.vault.seal(json.dumps(parameters), context=context),
        created_at=ctx.clock.now(),
        **(columns | searched),
    )


async def find_open(ctx: Context, arguments: Mapping[str, Any]) -> RequestRow | None:
    """Return the request of a job, or None if it has been completed."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    return request if request is not None and request.state in ("accepted", "sent") else None


def parameters(ctx: Context, request: RequestRow) -> dict[str, Any]:
    """Open the sealed parameters of a request."""
    opened = ctx.vault.open(request.parameters_sealed, context=f"request:{request.request_id}")
    parameters: dict[str, Any] = json.loads(opened.reveal())
    return parameters


def actor_of(ctx: Context, request: RequestRow) -> Actor:
    """Return the person who made a request, with the way to answer where it was made."""
    url = None
    if request.response_url_sealed:
        url = ctx.vault.open(request.response_url_sealed, context=f"request:{request.request_id}").reveal()
    return Actor(
        workspace_id=request.workspace_id,
        team_id=request.workspace_id,
        user_id=request.user_id,
        user_name=request.user_name,
        channel_id=request.channel_id,
        response_url=url,
    )


async def notify_once(ctx: Context, request: RequestRow, send: Callable[[Transaction], Awaitable[None]]) -> None:
    """Say once, with ``send``, that a request takes longer than usual."""

    async def store(tx: Transaction) -> None:
        if await request_rows.claim_notification(tx, request.request_id, now=ctx.clock.now()):
            await send(tx)

    await ctx.db.transaction(store)


async def record_audit(
    ctx: Context,
    tx: Transaction,
    workspace_id: str,
    user_id: str,
    *,
    action: str,
    subject: str,
    result: str,
    app_slug: str | None = None,
) -> None:
    """Add an entry to the audit log in the transaction of the change it is about."""
    entry = AuditRow(ctx.new_id(), workspace_id, ctx.clock.now(), user_id, action, subject, result, app_slug)
    await audit.add_entry(tx, entry)


async def audit_refusal(ctx: Context, actor: Actor, error: NotAllowed) -> None:
    """Record in the audit log that a person wasn't allowed to do something."""

    async def store(tx: Transaction) -> None:
        await record_audit(
            ctx, tx, actor.workspace_id, actor.user_id, action="refused", subject="", result=error.sentence
        )

    await ctx.db.transaction(store)
