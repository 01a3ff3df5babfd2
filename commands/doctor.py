"""Is everything well: the connection, the last sweep, what waits to be sent."""

from __future__ import annotations

from bot.context import Context
from bot.domain.builds import format_duration
from bot.slack import replies
from bot.slack.text import Message
from bot.sync import webhooks
from bot.sync.import_messages import progress_sentence
from commands.command import Command, Help
from commands.interaction import Typed
from storage import apps as app_rows
from storage import imports as import_rows
from storage import outbox as outbox_rows
from storage import requests as request_rows
from storage import workspaces as workspace_rows
from storage.workspaces import WorkspaceRow


async def examine(typed: Typed, ctx: Context) -> Message | None:
    workspace = await workspace_rows.find_workspace(ctx.db, typed.actor.workspace_id)
    lines = []
    if workspace and workspace.last_synced_at:
        ago = format_duration((ctx.clock.now() - workspace.last_synced_at).total_seconds())
        lines.append(f"Bitrise was last looked at {ago} ago.")
    if workspace and workspace.last_sync_error:
        lines.append(f"The last look failed: {workspace.last_sync_error}")
    lines.append(_webhooks(workspace, ctx))
    if workspace and workspace.skip_key:
        lines.append(_skips(workspace, ctx))
    lines += [line] if (line := await past_line(typed.actor.workspace_id, ctx)) else []
    waiting, open_requests = await outbox_rows.count_waiting(ctx.db), await request_rows.count_open(ctx.db)
    lines.append(f"Messages waiting for Slack: {waiting}. Starts and stops waiting for Bitrise: {open_requests}.")
    return replies.health_report(workspace, lines, command=ctx.settings.command)


def _skips(workspace: WorkspaceRow, ctx: Context) -> str:
    if workspace.last_skip_at is None:
        return "Steps of builds may ask for a skip; none has yet."
    ago = format_duration((ctx.clock.now() - workspace.last_skip_at).total_seconds())
    return f"A step of a build last asked for a skip {ago} ago."


async def past_line(workspace_id: str, ctx: Context) -> str:
    """What is being read of the past; empty when nothing is."""
    titles = await app_rows.list_titles(ctx.db, workspace_id)
    return progress_sentence(await import_rows.list_open(ctx.db, workspace_id), titles)


def _webhooks(workspace: WorkspaceRow | None, ctx: Context) -> str:
    if workspace is None or workspace.last_webhook_at is None:
        why = "" if webhooks.is_enabled(ctx) else ": BUILDBELL_PUBLIC_URL is not set, so it can't reach me"
        return f"Bitrise has not called yet{why}. I look by myself all the same."
    ago = format_duration((ctx.clock.now() - workspace.last_webhook_at).total_seconds())
    return f"Bitrise last called {ago} ago."


COMMAND = Command(
    "doctor", run=examine, help=(Help("doctor", "is everything well: token, last sweep, waiting messages"),)
)
