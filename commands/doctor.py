"""Is everything well: the connection, the last sweep, what waits to be sent."""

from __future__ import annotations

from bot.context import Services
from bot.domain.builds import format_duration
from bot.slack import replies
from bot.slack.text import Message
from bot.sync.import_messages import in_a_line
from commands.interaction import Help, Typed
from storage.workspaces import WorkspaceRow

HELP = (Help("doctor", "is everything well: token, last sweep, waiting messages"),)


async def examine(typed: Typed, services: Services) -> Message | None:
    workspace = await services.workspaces.find_workspace(typed.asker.workspace_id)
    lines = []
    if workspace and workspace.last_sweep_at:
        ago = format_duration((services.clock.now() - workspace.last_sweep_at).total_seconds())
        lines.append(f"Bitrise was last looked at {ago} ago.")
    if workspace and workspace.last_sweep_error:
        lines.append(f"The last look failed: {workspace.last_sweep_error}")
    lines.append(_webhooks(workspace, services))
    if workspace and workspace.skip_key:
        lines.append(_skips(workspace, services))
    lines += [line] if (line := await past_line(typed.asker.workspace_id, services)) else []
    waiting, open_requests = await services.messages.count_waiting(), await services.requests.count_open()
    lines.append(f"Messages waiting for Slack: {waiting}. Starts and stops waiting for Bitrise: {open_requests}.")
    return replies.health_report(workspace, lines, command=services.command)


def _skips(workspace: WorkspaceRow, services: Services) -> str:
    if workspace.last_skip_at is None:
        return "Steps of builds may ask for a skip; none has yet."
    ago = format_duration((services.clock.now() - workspace.last_skip_at).total_seconds())
    return f"A step of a build last asked for a skip {ago} ago."


async def past_line(workspace_id: str, services: Services) -> str:
    """What is being read of the past; empty when nothing is."""
    titles = await services.app_rows.list_titles(workspace_id)
    return in_a_line(await services.imports.list_open(workspace_id), titles)


def _webhooks(workspace: WorkspaceRow | None, services: Services) -> str:
    if workspace is None or workspace.last_webhook_at is None:
        why = "" if services.hints.are_possible else ": BUILDBELL_PUBLIC_URL is not set, so it can't reach me"
        return f"Bitrise has not called yet{why}. I look by myself all the same."
    ago = format_duration((services.clock.now() - workspace.last_webhook_at).total_seconds())
    return f"Bitrise last called {ago} ago."
