"""Uninstall: when Slack reports a removal, delete the tokens and stop posting, but keep people's settings."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot import requests
from bot.context import Context
from bot.slack.text import plural
from bot.sync import webhooks
from storage import Transaction
from storage import apps as app_rows
from storage import imports as import_rows
from storage import installations as installation_rows
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import subscriptions as subscription_rows
from storage import workspaces as workspace_rows
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
PAUSED = "Buildbell was removed from this Slack workspace."
BY_SLACK = "slack"
"""The user in the audit log, because Slack doesn't say who removed an app."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A removal at the time ``at``, from one workspace or, with an empty ``team_id``, from an entire organization."""

    team_id: str
    enterprise_id: str
    at: datetime


async def uninstall(ctx: Context, removal: Removal) -> None:
    """Forget the workspaces of a removal. A repeated event changes nothing; one before the installation is ignored."""
    if removal.team_id:
        installation = await installation_rows.find_by_team(ctx.db, removal.team_id)
    else:
        installation = await installation_rows.find_installation(ctx.db, removal.enterprise_id, "")
    if installation is not None:
        if installation.installed_at > removal.at:
            log.info("an outdated removal was ignored", extra={"workspace": removal.team_id or removal.enterprise_id})
            return
        await ctx.db.transaction(partial(installation_rows.delete_installation, row=installation))
        if ctx.slack_tokens is not None:
            ctx.slack_tokens.clear_cache()
    if removal.team_id:
        workspace = await workspace_rows.find_workspace(ctx.db, removal.team_id)
        workspaces = [workspace] if workspace else []
    else:  # those of an organization may have installations of their own
        workspaces = await workspace_rows.list_of_enterprise(ctx.db, removal.enterprise_id)
    for workspace in workspaces:
        if ctx.slack_tokens is None or await ctx.slack_tokens.find(workspace.workspace_id) is None:
            await forget_workspace(ctx, workspace)


async def withdraw(ctx: Context, removal: Removal, *, team_ids: tuple[str, ...]) -> None:
    """Forget workspaces that an organization takes the app from, unless they have an installation of their own.

    https://docs.slack.dev/reference/events/team_access_revoked
    """
    installation = await installation_rows.find_installation(ctx.db, removal.enterprise_id, "")
    if installation is not None and installation.installed_at > removal.at:
        log.info("an outdated removal was ignored", extra={"workspace": removal.enterprise_id})
        return
    for team_id in team_ids:
        workspace = await workspace_rows.find_workspace(ctx.db, team_id)
        if workspace is None or workspace.enterprise_id != removal.enterprise_id:
            continue
        if await installation_rows.find_by_team(ctx.db, team_id) is None:
            await forget_workspace(ctx, workspace)


async def forget_workspace(ctx: Context, workspace: WorkspaceRow) -> None:
    """Delete the Bitrise token, which nobody expects to be kept; pause subscriptions and drop unsent messages."""
    workspace_id, now = workspace.workspace_id, ctx.clock.now()

    async def store(tx: Transaction) -> None:
        if not await workspace_rows.save_uninstalled(tx, workspace_id, now=now):
            return
        await request_rows.cancel_connecting(tx, workspace_id, result=PAUSED, now=now)
        await webhooks.schedule_deletion(ctx, tx, await workspace_rows.find_workspace(tx, workspace_id) or workspace)
        had_token = await workspace_rows.delete_connection(tx, workspace_id, now=now)
        await app_rows.replace_apps(tx, workspace_id, [])
        await import_rows.delete_imports(tx, workspace_id)
        paused = await subscription_rows.pause_workspace(tx, workspace_id, why=PAUSED, now=now)
        dropped = await outbox_rows.delete_of_workspace(tx, workspace_id)
        token = "Bitrise token deleted, " if had_token else ""
        result = f"{token}{plural(paused, 'subscription')} paused, {plural(dropped, 'message')} dropped"
        await requests.record_audit(
            ctx, tx, workspace_id, BY_SLACK, action="uninstall", subject=workspace.name, result=result
        )

    await ctx.db.transaction(store)
    log.info("Buildbell was removed", extra={"workspace": workspace_id})
