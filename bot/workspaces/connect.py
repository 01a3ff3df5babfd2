"""Connect a workspace to Bitrise: verify a token and store it, or delete it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import apps, requests, sync_schedule
from bot.bitrise.models import App
from bot.connection import token_context
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import BitriseBusy, BitriseError, BitriseUnauthorized, BitriseUnavailable
from bot.permissions import Actor
from bot.slack.errors import SlackFailed
from bot.sync import history_import, webhooks
from bot.vault import Token
from bot.workspaces import connect_form
from storage import Transaction
from storage import apps as app_rows
from storage import requests as request_rows
from storage import workspaces as workspace_rows
from storage.requests import RequestRow

log = logging.getLogger(__name__)
CONNECT = "connect"
RETRY_AFTER = timedelta(seconds=3)
GIVE_UP_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """A token that works: its owner and its apps."""

    owner: str
    apps: tuple[App, ...]


async def request_connect(ctx: Context, actor: Actor, token: str, *, view_id: str) -> None:
    """Store an encrypted token to verify; the modal ``view_id`` will show the result. Raises `NotAllowed`."""
    await ctx.permissions.check_may_connect(actor)
    request = requests.new(
        ctx,
        actor,
        kind=CONNECT,
        unique_key=f"connect:{view_id}:{ctx.new_id()}",
        parameters={"token": token},
        view_id=view_id,
    )

    async def store(tx: Transaction) -> None:
        if await request_rows.add_request(tx, request):
            await ctx.engine.enqueue(tx, Job(CONNECT, {"request_id": request.request_id}, key=actor.workspace_id))

    await ctx.db.transaction(store)


async def perform_connect(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Verify a token, and replace the previous one if it works."""
    request = await requests.find_open(ctx, arguments)
    if request is None:
        return
    token = Token(requests.parameters(ctx, request)["token"])
    try:
        verified = await verify(ctx, token)
    except BitriseUnauthorized:
        problem = "Bitrise rejected this token. Create a new one in Bitrise, which shows each token only once."
        await refuse(ctx, request, problem)
    except (BitriseUnavailable, BitriseBusy) as error:
        now = ctx.clock.now()
        if now - request.created_at < GIVE_UP_AFTER:
            wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_AFTER
            raise RetryAt(now + wait) from error
        await refuse(ctx, request, f"Couldn't verify the token. {error.sentence} Try again later.")
    except BitriseError as error:
        await refuse(ctx, request, f"Bitrise rejected the token: {error.sentence}")
    else:
        await complete(ctx, request, token, verified)


async def verify(ctx: Context, token: Token) -> VerifiedToken:
    """Return the owner and the apps of a token. Only the app list works for every kind of token."""
    client = ctx.bitrise(token)
    reachable = tuple(await client.list_all_apps())
    owner = await client.me()
    if owner is not None:
        return VerifiedToken(owner.username or "a Bitrise user", reachable)
    names = sorted({app.owner_name for app in reachable if app.owner_name})
    return VerifiedToken(f"workspace {', '.join(names[:3])}" if names else "a Bitrise workspace", reachable)


async def complete(ctx: Context, request: RequestRow, token: Token, verified: VerifiedToken) -> None:
    """Store the token with its apps, and import their past builds; unless disconnected during the verification."""
    now, workspace_id, by = ctx.clock.now(), request.workspace_id, request.user_id
    sealed = ctx.vault.seal(token.reveal(), context=token_context(workspace_id))
    owner = verified.owner
    summary = f"{owner}, {len(verified.apps)} apps"

    async def store(tx: Transaction) -> bool:
        if not await request_rows.complete_request(tx, request.request_id, state="done", result=summary, now=now):
            return False
        await workspace_rows.save_connection(tx, workspace_id, sealed=sealed, owner=owner, by=by, now=now)
        await apps.save_apps(ctx, tx, workspace_id, verified.apps)
        await request_rows.delete_parameters(tx, request.request_id)
        await requests.record_audit(ctx, tx, workspace_id, by, action=CONNECT, subject=owner, result=summary)
        await sync_schedule.schedule_at(ctx, tx, workspace_id, at=now)
        await history_import.start_imports(ctx, tx, workspace_id, [app.slug for app in verified.apps], by=by)
        return True

    if await ctx.db.transaction(store):
        command = ctx.settings.command
        await update_view(ctx, request, connect_form.connected_view(owner, len(verified.apps), command=command))


async def refuse(ctx: Context, request: RequestRow, problem: str) -> None:
    """Close the request and show the form again with the problem."""

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        await request_rows.complete_request(tx, request.request_id, state="refused", result=problem, now=now)
        await request_rows.delete_parameters(tx, request.request_id)

    await ctx.db.transaction(store)
    await update_view(ctx, request, connect_form.connect_form(channel_id=request.channel_id, failure=problem))


async def update_view(ctx: Context, request: RequestRow, view: dict[str, Any]) -> None:
    """Update the modal if it is still open. App Home and ``doctor`` show the same."""
    try:
        await ctx.slack(request.workspace_id).update_view(request.view_id or "", view)
    except SlackFailed as error:
        log.info("the connect modal could not be updated", extra={"error": str(error)})


async def disconnect(ctx: Context, actor: Actor) -> bool:
    """Delete the token and what only it can reach. Return False if there was none. Raises `NotAllowed`."""
    await ctx.permissions.check_may_connect(actor)
    now, workspace_id = ctx.clock.now(), actor.workspace_id

    async def store(tx: Transaction) -> bool:
        await request_rows.cancel_connecting(tx, workspace_id, result="disconnected meanwhile", now=now)
        workspace = await workspace_rows.find_workspace(tx, workspace_id)
        if workspace is not None:
            await webhooks.schedule_deletion(ctx, tx, workspace)
        if not await workspace_rows.delete_connection(tx, workspace_id, now=now):
            return False
        await app_rows.replace_apps(tx, workspace_id, [])
        await history_import.delete_imports(ctx, tx, workspace_id)
        await requests.record_audit(
            ctx, tx, workspace_id, actor.user_id, action="disconnect", subject="bitrise", result="done"
        )
        return True

    return await ctx.db.transaction(store)


JOBS = (JobKind(CONNECT, perform_connect, concurrency=4),)
