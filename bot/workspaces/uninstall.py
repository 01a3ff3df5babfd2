"""Buildbell was removed from a workspace or organisation: forget its tokens, fall silent, keep what people set up."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot import requests
from bot.context import Context
from storage import Transaction
from storage import apps as app_rows
from storage import imports as import_rows
from storage import installations as installation_rows
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import subscriptions as subscription_rows
from storage import workspaces as workspace_rows
from storage.installations import InstallationRow
from storage.workspaces import WorkspaceRow

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)
PAUSED = "Buildbell was removed from this Slack workspace."
BY_SLACK = "slack"
"""In the audit: Slack does not say who removed an app."""


@dataclass(frozen=True, slots=True)
class Removal:
    """What Slack told: an empty ``team_id`` is a whole organisation. ``at`` is when it happened."""

    team_id: str
    enterprise_id: str
    at: datetime


async def uninstall(ctx: Context, removal: Removal) -> None:
    """Told once or often, the first time counts; what is older than the installation is not about it."""
    bot = await _find(ctx, removal)
    if bot is not None and bot.installed_at > removal.at:
        log.info("an old removal is not heeded", extra={"workspace": removal.team_id or removal.enterprise_id})
        return
    if bot is not None:
        await _delete(ctx, bot)
    for workspace in await _affected(ctx, removal):
        if ctx.slack_tokens is None or await ctx.slack_tokens.find(workspace.workspace_id) is None:
            await _clear(ctx, workspace)


async def revoke_tokens(ctx: Context, removal: Removal, *, user_ids: tuple[str, ...], is_bot: bool) -> None:
    """Tokens ended: the bot's is as good as a removal, a person's is one of which Buildbell makes no use.

    Where the bot's token is a setting, whoever runs Buildbell may just be changing it.
    """
    bot = await _find(ctx, removal)
    if bot is not None and bot.installed_at <= removal.at:
        for user_id in user_ids:
            await _forget_installer(ctx, bot, user_id)
    if is_bot and ctx.slack_tokens is not None:
        await uninstall(ctx, removal)


async def withdraw(ctx: Context, removal: Removal, *, team_ids: tuple[str, ...]) -> None:
    """An organisation's installation goes on without these workspaces; one that has its own keeps it.

    https://docs.slack.dev/reference/events/team_access_revoked
    """
    whole = await installation_rows.find_installation(ctx.db, removal.enterprise_id, "")
    if whole is not None and whole.installed_at > removal.at:
        log.info("an old removal is not heeded", extra={"workspace": removal.enterprise_id})
        return
    for team_id in team_ids:
        workspace = await workspace_rows.find_workspace(ctx.db, team_id)
        is_theirs = workspace is not None and workspace.enterprise_id == removal.enterprise_id
        if workspace and is_theirs and await installation_rows.find_bot_of_team(ctx.db, team_id) is None:
            await _clear(ctx, workspace)


async def _find(ctx: Context, removal: Removal) -> InstallationRow | None:
    if removal.team_id:
        return await installation_rows.find_bot_of_team(ctx.db, removal.team_id)
    return await installation_rows.find_installation(ctx.db, removal.enterprise_id, "")


async def _delete(ctx: Context, bot: InstallationRow) -> None:
    async def delete(tx: Transaction) -> None:
        await installation_rows.delete_installers(tx, bot.enterprise_id, bot.team_id)
        await installation_rows.delete_bot(tx, bot.enterprise_id, bot.team_id)

    await ctx.db.transaction(delete)
    if ctx.slack_tokens is not None:
        ctx.slack_tokens.forget()


async def _forget_installer(ctx: Context, bot: InstallationRow, user_id: str) -> None:
    await ctx.db.transaction(
        lambda tx: installation_rows.delete_installers(tx, bot.enterprise_id, bot.team_id, user_id=user_id)
    )


async def _affected(ctx: Context, removal: Removal) -> list[WorkspaceRow]:
    """Of an organisation those that have not installed on their own account remain to be cleared."""
    if not removal.team_id:
        return await workspace_rows.list_of_enterprise(ctx.db, removal.enterprise_id)
    workspace = await workspace_rows.find_workspace(ctx.db, removal.team_id)
    return [workspace] if workspace else []


async def _clear(ctx: Context, workspace: WorkspaceRow) -> None:
    """The Bitrise token goes too: who removes Buildbell does not expect it to keep a key."""
    workspace_id, now = workspace.workspace_id, ctx.clock.now()

    async def clear(tx: Transaction) -> None:
        if not await workspace_rows.save_uninstalled(tx, workspace_id, now=now):
            return
        await request_rows.cancel_connecting(tx, workspace_id, result=PAUSED, now=now)
        had_token = await workspace_rows.delete_connection(tx, workspace_id, now=now)
        await app_rows.replace_apps(tx, workspace_id, [])
        await import_rows.delete_imports(tx, workspace_id)
        paused = await subscription_rows.pause_workspace(tx, workspace_id, why=PAUSED, now=now)
        dropped = await outbox_rows.delete_of_workspace(tx, workspace_id)
        forgotten = "Bitrise token forgotten, " if had_token else ""
        result = f"{forgotten}{paused} subscriptions paused, {dropped} messages dropped"
        await requests.record_audit(
            ctx, tx, workspace_id, BY_SLACK, action="uninstall", subject=workspace.name, result=result
        )

    await ctx.db.transaction(clear)
    log.info("Buildbell was removed", extra={"workspace": workspace_id})
