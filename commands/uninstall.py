"""Handle Slack's events about removed installations and revoked tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.context import Context
from bot.workspaces import uninstall
from bot.workspaces.uninstall import Removal
from commands.command import Command
from commands.interaction import Event


async def on_app_uninstalled(ctx: Context, event: Event) -> None:
    await uninstall.uninstall(ctx, read_removal(event))


async def on_tokens_revoked(ctx: Context, event: Event) -> None:
    """A revoked bot token is a removal. Where that token is a setting, the operator may just be replacing it."""
    if (event.event.get("tokens") or {}).get("bot") and ctx.slack_tokens is not None:
        await uninstall.uninstall(ctx, read_removal(event))


async def on_team_access_revoked(ctx: Context, event: Event) -> None:
    """An organization took the app from some of its workspaces. In Slack's example they are one level deeper."""
    details = event.event if "team_ids" in event.event else event.event.get("event") or {}
    team_ids = tuple(str(team_id) for team_id in details.get("team_ids") or ())
    await uninstall.withdraw(ctx, read_removal(event), team_ids=team_ids)


def read_removal(event: Event) -> Removal:
    return Removal(
        team_id="" if event.is_organization_wide else event.workspace_id or "",
        enterprise_id=event.organization_id or "",
        at=datetime.fromtimestamp(int(event.body["event_time"]), UTC),
    )


COMMAND = Command(
    events={
        "app_uninstalled": on_app_uninstalled,
        "tokens_revoked": on_tokens_revoked,
        "team_access_revoked": on_team_access_revoked,
    }
)
