"""The Bitrise token of a workspace in use: require it, open a client with it, notice that Bitrise rejects it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from bot import outbox
from bot.bitrise.client import BitriseClient
from bot.context import Context
from bot.errors import CHECK_AGAIN, BitriseError, BitriseUnauthorized, NotConnected, TokenRejected
from bot.slack.replies import reply, suggestion_buttons
from bot.slack.text import Message
from storage import Transaction
from storage import workspaces as workspace_rows
from storage.workspaces import ChannelContext, WorkspaceRow


def token_context(workspace_id: str) -> str:
    return f"bitrise:{workspace_id}"


async def require(ctx: Context, workspace_id: str) -> WorkspaceRow:
    """Return the connected workspace. Raises `NotConnected` or `TokenRejected`."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        raise NotConnected(ctx.settings.command)
    if workspace.health == "refused":
        raise TokenRejected(ctx.settings.command)
    return workspace


async def find_channel_context(ctx: Context, workspace_id: str, channel_id: str) -> ChannelContext | None:
    """Return the connection of a workspace with the defaults of a channel; None for an unknown workspace."""
    if ctx.db.dialect == "sqlite":  # a read on the loop is faster than batching
        return await workspace_rows.find_channel_context(ctx.db, workspace_id, channel_id)
    return await ctx.channel_batch.submit((workspace_id, channel_id))


def check_connected(ctx: Context, channel: ChannelContext | None) -> ChannelContext:
    """Return the context of a connected workspace. Raises `NotConnected` or `TokenRejected`."""
    if channel is None or not channel.is_connected:
        raise NotConnected(ctx.settings.command)
    if channel.health == "refused":
        raise TokenRejected(ctx.settings.command)
    return channel


@asynccontextmanager
async def client(ctx: Context, workspace_id: str) -> AsyncIterator[BitriseClient]:
    """Yield a client with the workspace's token. Raises the errors of `require` and `client_of`."""
    async with client_of(ctx, await require(ctx, workspace_id)) as client:
        yield client


@asynccontextmanager
async def client_of(ctx: Context, workspace: WorkspaceRow) -> AsyncIterator[BitriseClient]:
    """Yield a client for a connected workspace. A 401 marks its token as rejected. Raises `TokenRejected`."""
    if workspace.health == "refused":
        raise TokenRejected(ctx.settings.command)
    try:
        yield open_client(ctx, workspace)
    except BitriseUnauthorized as error:
        rejected = reply(
            f"Bitrise has started rejecting this workspace's token ({workspace.bitrise_owner}). "
            "Until it is replaced, builds can't be started, followed or stopped. "
            f"Create a new token in Bitrise and run `{ctx.settings.command} connect`."
        ) + Message("", tuple(suggestion_buttons([CHECK_AGAIN])))
        await save_health(ctx, workspace, "refused", rejected)
        raise TokenRejected(ctx.settings.command) from error


async def recheck(ctx: Context, workspace_id: str) -> bool:
    """Check a rejected token again, since the 401 may be temporary. Return whether it works."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.bitrise_token_sealed is None:
        return False
    try:
        await open_client(ctx, workspace).list_apps(limit=1)
    except BitriseError:
        return False
    accepted = reply("Bitrise accepts the token again. Everything is working.")
    await save_health(ctx, workspace, "ok", accepted)
    return True


def open_client(ctx: Context, workspace: WorkspaceRow) -> BitriseClient:
    sealed = workspace.bitrise_token_sealed or ""
    return ctx.bitrise(ctx.vault.open(sealed, context=token_context(workspace.workspace_id)))


async def save_health(
    ctx: Context, workspace: WorkspaceRow, health: Literal["ok", "refused"], message: Message
) -> None:
    """Store whether Bitrise accepts the token; of a change, notify the person who connected it."""

    async def store(tx: Transaction) -> None:
        workspace_id, sealed = workspace.workspace_id, workspace.bitrise_token_sealed or ""
        if not await workspace_rows.save_health(tx, workspace_id, sealed=sealed, health=health, now=ctx.clock.now()):
            return
        if workspace.connected_by:
            await outbox.send_direct(ctx, tx, workspace_id, workspace.connected_by, message)

    await ctx.db.transaction(store)
