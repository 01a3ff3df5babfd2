"""Check the health of a workspace: the connection, the last sync and webhook, waiting messages and requests."""

from __future__ import annotations

from datetime import datetime

from bot import connection
from bot.context import Context
from bot.domain.builds import format_duration
from bot.slack import replies
from bot.slack.text import Message, plural
from bot.sync import webhooks
from commands.command import Command, Help
from commands.history_import import describe_imports
from commands.interaction import Typed, run_in_background
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import subscriptions as subscription_rows
from storage import workspaces as workspace_rows
from storage.workspaces import WorkspaceRow


async def check_health(ctx: Context, typed: Typed) -> Message | None:
    """Report the state. A rejected token is checked again first, in the background: Slack waits only 3 s."""
    workspace_id = typed.actor.workspace_id
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    if workspace is None or workspace.health != "refused":
        return await report_health(ctx, workspace_id, workspace)
    run_in_background(ctx, typed, recheck_token(ctx, workspace_id), name="doctor")
    return None


async def recheck_token(ctx: Context, workspace_id: str) -> Message:
    await connection.recheck(ctx, workspace_id)
    return await report_health(ctx, workspace_id, await workspace_rows.find_workspace(ctx.db, workspace_id))


async def report_health(ctx: Context, workspace_id: str, workspace: WorkspaceRow | None) -> Message:
    lines = []
    if workspace and workspace.last_synced_at:
        lines.append(f"Last checked Bitrise {ago(ctx, workspace.last_synced_at)}.")
    if workspace and workspace.last_sync_error:
        lines.append(f"Last sync failed: {workspace.last_sync_error}")
    if workspace and workspace.last_webhook_at:
        lines.append(f"Last webhook from Bitrise {ago(ctx, workspace.last_webhook_at)}.")
    else:
        why = "" if webhooks.is_enabled(ctx) else " (BUILDBELL_PUBLIC_URL is not set)"
        lines.append(f"No webhook received from Bitrise yet{why}. Buildbell keeps polling.")
    if workspace and workspace.skip_key:
        last = f"Skip steps are on, last used {ago(ctx, at)}." if (at := workspace.last_skip_at) else None
        lines.append(last or "Skip steps are on, not used yet.")
    if imports := await describe_imports(ctx, workspace_id):
        lines.append(imports)
    if paused := await subscription_rows.count_paused(ctx.db, workspace_id):
        lines.append(f"Paused: {plural(paused, 'subscription')}. See `{ctx.settings.command} subscriptions` for why.")
    waiting = await outbox_rows.count_waiting(ctx.db, workspace_id)
    open_requests = await request_rows.count_open(ctx.db, workspace_id)
    lines.append(f"Waiting: {plural(waiting, 'message')} for Slack, {plural(open_requests, 'request')} for Bitrise.")
    return replies.health_report(workspace, lines, command=ctx.settings.command)


def ago(ctx: Context, at: datetime) -> str:
    return f"{format_duration((ctx.clock.now() - at).total_seconds())} ago"


COMMAND = Command(
    "doctor",
    run=check_health,
    topic="Admin",
    help=(Help("doctor", "check the connection, sync status and message queue"),),
)
