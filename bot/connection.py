"""The Bitrise token of a workspace: use, connect, verify and disconnect it, and detect its rejection."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot import outbox, requests, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import App
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.errors import BitriseBusy, BitriseError, BitriseUnauthorized, BitriseUnavailable, NotConnected, TokenRejected
from bot.permissions import Actor
from bot.slack import connect as connect_form
from bot.slack.errors import SlackFailed
from bot.slack.replies import reply
from bot.sync import import_requests
from bot.vault import Token
from storage import Transaction
from storage import apps as app_rows
from storage import requests as request_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow
from storage.requests import RequestRow
from storage.workspaces import ChannelContext, WorkspaceRow

log = logging.getLogger(__name__)
CONNECT = "connect"
VERIFY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified token: its ``kind`` (personal or workspace), its owner and its apps."""

    kind: str
    owner: str
    apps: tuple[App, ...]


def token_context(workspace_id: str) -> str:
    return f"bitrise:{workspace_id}"


# Using the token.


async def require(ctx: Context, workspace_id: str) -> WorkspaceRow:
    """Return the connected workspace. Raises `NotConnected` or `TokenRejected`."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        raise NotConnected(ctx.settings.command)
    _check_health(ctx, workspace.health)
    return workspace


async def get_channel_context(ctx: Context, workspace_id: str, channel_id: str) -> ChannelContext:
    """Return a connected workspace with the defaults of a channel. Raises `NotConnected` or `TokenRejected`."""
    if ctx.db.dialect == "sqlite":  # a read on the loop is faster than batching
        place = await workspace_rows.find_channel_context(ctx.db, workspace_id, channel_id)
    else:
        place = await ctx.channel_batch.submit((workspace_id, channel_id))
    if place is None or not place.is_connected:
        raise NotConnected(ctx.settings.command)
    _check_health(ctx, place.health)
    return place


def _check_health(ctx: Context, health: str) -> None:
    if health == "refused":
        raise TokenRejected(ctx.settings.command)


@asynccontextmanager
async def client(ctx: Context, workspace_id: str) -> AsyncIterator[BitriseClient]:
    """Yield a client with the workspace's token. Raises the errors of `require` and `client_of`."""
    async with client_of(ctx, await require(ctx, workspace_id)) as client:
        yield client


@asynccontextmanager
async def client_of(ctx: Context, workspace: WorkspaceRow) -> AsyncIterator[BitriseClient]:
    """Yield a client for a workspace row. A 401 marks the token as rejected and raises `TokenRejected`."""
    sealed = workspace.bitrise_token_sealed or ""
    try:
        yield ctx.bitrise(ctx.vault.open(sealed, context=token_context(workspace.workspace_id)))
    except BitriseUnauthorized as error:
        await _mark_refused(ctx, workspace, sealed)
        raise TokenRejected(ctx.settings.command) from error


async def _mark_refused(ctx: Context, workspace: WorkspaceRow, sealed: str) -> None:
    """Store that the token is rejected, and notify the person who connected it once."""
    message = reply(
        f"Bitrise refuses the token stored for this Slack workspace since now ({workspace.bitrise_owner}). "
        "Builds can't be started, followed or stopped until it is replaced: "
        f"make a new token at Bitrise and run `{ctx.settings.command} connect`."
    )

    async def note(tx: Transaction) -> None:
        moved = await workspace_rows.save_health(
            tx, workspace.workspace_id, sealed=sealed, health="refused", now=ctx.clock.now()
        )
        if moved and workspace.connected_by:
            await outbox.send_direct(ctx, tx, workspace.workspace_id, workspace.connected_by, message)

    await ctx.db.transaction(note)


async def recheck(ctx: Context, workspace_id: str) -> bool:
    """Check a rejected token again, since the 401 may be temporary. Return whether it works."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        return False
    sealed = workspace.bitrise_token_sealed
    try:
        await ctx.bitrise(ctx.vault.open(sealed, context=token_context(workspace_id))).list_apps(limit=1)
    except BitriseError:
        return False

    async def note(tx: Transaction) -> None:
        moved = await workspace_rows.save_health(tx, workspace_id, sealed=sealed, health="ok", now=ctx.clock.now())
        if moved and workspace.connected_by:
            good = reply("Bitrise takes the stored token again; builds can be started, followed and stopped.")
            await outbox.send_direct(ctx, tx, workspace_id, workspace.connected_by, good)

    await ctx.db.transaction(note)
    return True


# Connecting.


async def request_connect(ctx: Context, actor: Actor, token: str, *, view_id: str) -> None:
    """Store an encrypted token to verify; the modal ``view_id`` will show the result."""
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


async def perform_connect(ctx: Context, arguments: Any) -> None:
    """Verify a token, and replace the previous one if it works."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is None or request.state != "accepted":
        return
    token = Token(requests.parameters(ctx, request)["token"])
    try:
        verified = await verify(ctx, token)
    except BitriseUnauthorized:
        await _refuse(ctx, request, "Bitrise does not know this token. Copy it again; tokens are shown only once.")
    except (BitriseUnavailable, BitriseBusy) as error:
        if ctx.clock.now() - request.created_at < VERIFY_FOR:
            pause = error.retry_after if isinstance(error, BitriseBusy) else 3
            raise RetryAt(ctx.clock.now() + timedelta(seconds=pause)) from error
        await _refuse(ctx, request, f"Bitrise could not be asked: {error.sentence} Please try again later.")
    except BitriseError as error:
        await _refuse(ctx, request, f"Bitrise did not accept the token: {error.sentence}")
    else:
        await _save(ctx, request, token, verified)


async def verify(ctx: Context, token: Token) -> Verified:
    """Return the owner and the apps of a token. Only the app list works for every kind of token."""
    client = ctx.bitrise(token)
    apps = tuple(await client.list_all_apps())
    owner = await client.me()
    if owner is not None:
        return Verified("personal", owner.username or "a Bitrise user", apps)
    names = sorted({app.owner_name for app in apps if app.owner_name})
    return Verified("workspace", f"workspace {', '.join(names[:3])}" if names else "a Bitrise workspace", apps)


async def _save(ctx: Context, request: RequestRow, token: Token, verified: Verified) -> None:
    now = ctx.clock.now()
    workspace_id = request.workspace_id
    sealed = ctx.vault.seal(token.reveal(), context=token_context(workspace_id))
    summary = f"{verified.owner}, {len(verified.apps)} apps"

    async def keep(tx: Transaction) -> bool:
        if not await request_rows.complete_request(tx, request.request_id, state="done", result=summary, now=now):
            return False  # disconnected during the verification
        await workspace_rows.save_connection(
            tx, workspace_id, sealed=sealed, kind=verified.kind, owner=verified.owner, by=request.user_id, now=now
        )
        await app_rows.replace_apps(tx, workspace_id, rows_of_apps(workspace_id, verified.apps))
        await workspace_rows.save_apps_refreshed(tx, workspace_id, now=now)
        await request_rows.delete_parameters(tx, request.request_id)
        await requests.record_audit(
            ctx, tx, workspace_id, request.user_id, action="connect", subject=verified.owner, result=summary
        )
        await sync_schedule.schedule_at(ctx, tx, workspace_id, at=now)
        await import_requests.start_imports(
            ctx, tx, workspace_id, [app.slug for app in verified.apps], by=request.user_id
        )
        return True

    if await ctx.db.transaction(keep):
        await _show(
            ctx, request, connect_form.connected_view(verified.owner, len(verified.apps), command=ctx.settings.command)
        )


async def _refuse(ctx: Context, request: RequestRow, problem: str) -> None:
    async def refuse(tx: Transaction) -> None:
        now = ctx.clock.now()
        await request_rows.complete_request(tx, request.request_id, state="refused", result=problem, now=now)
        await request_rows.delete_parameters(tx, request.request_id)

    await ctx.db.transaction(refuse)
    await _show(ctx, request, connect_form.connect_form(channel_id=request.channel_id, failure=problem))


async def _show(ctx: Context, request: RequestRow, view: dict[str, Any]) -> None:
    """Update the modal if it is still open. App Home and ``doctor`` show the same."""
    try:
        await ctx.slack(request.workspace_id).update_view(request.view_id or "", view)
    except SlackFailed as error:
        log.info("the connect modal could not be updated", extra={"error": str(error)})


# Disconnecting.


async def disconnect(ctx: Context, actor: Actor) -> bool:
    """Delete the token. Return False if there was none."""
    await ctx.permissions.check_may_connect(actor)
    now = ctx.clock.now()

    async def forget(tx: Transaction) -> bool:
        await request_rows.cancel_connecting(tx, actor.workspace_id, result="disconnected meanwhile", now=now)
        gone = await workspace_rows.delete_connection(tx, actor.workspace_id, now=now)
        if gone:
            await app_rows.replace_apps(tx, actor.workspace_id, [])
            await import_requests.delete_imports(ctx, tx, actor.workspace_id)
            await requests.record_audit(
                ctx, tx, actor.workspace_id, actor.user_id, action="disconnect", subject="bitrise", result="done"
            )
        return gone

    return await ctx.db.transaction(forget)


def rows_of_apps(workspace_id: str, apps: tuple[App, ...]) -> list[AppRow]:
    return [
        AppRow(
            workspace_id=workspace_id,
            app_slug=app.slug,
            title=app.title or app.repo_slug or app.slug,
            repo_owner=app.repo_owner,
            repo_slug=app.repo_slug,
            repo_url=app.repo_url,
            project_type=app.project_type,
            is_disabled=app.is_disabled,
            provider=app.provider,
        )
        for app in apps
    ]


JOBS = (JobKind(CONNECT, perform_connect, concurrency=4),)
