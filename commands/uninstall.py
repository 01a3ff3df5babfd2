"""Slack's events about removed installations and revoked tokens."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.context import Context
from bot.workspaces import uninstall
from bot.workspaces.uninstall import Removal
from commands.command import Command
from commands.interaction import Payload, is_of_organisation, organisation_of_event, workspace_of_event


async def on_app_uninstalled(body: Payload, ctx: Context) -> None:
    await uninstall.uninstall(ctx, removal_of(body))


async def on_tokens_revoked(event: Payload, body: Payload, ctx: Context) -> None:
    """A revoked bot token is a removal. Where that token is a setting, the operator may just be replacing it."""
    if (event.get("tokens") or {}).get("bot") and ctx.slack_tokens is not None:
        await uninstall.uninstall(ctx, removal_of(body))


async def on_team_access_revoked(event: Payload, body: Payload, ctx: Context) -> None:
    """An organization took the app from some of its workspaces. In Slack's example they are one level deeper."""
    details = event if "team_ids" in event else event.get("event") or {}
    team_ids = tuple(str(team_id) for team_id in details.get("team_ids") or ())
    await uninstall.withdraw(ctx, removal_of(body), team_ids=team_ids)


def removal_of(body: Payload) -> Removal:
    return Removal(
        team_id="" if is_of_organisation(body) else workspace_of_event(body) or "",
        enterprise_id=organisation_of_event(body) or "",
        at=datetime.fromtimestamp(int(body["event_time"]), UTC),
    )


COMMAND = Command(
    events={
        "app_uninstalled": on_app_uninstalled,
        "tokens_revoked": on_tokens_revoked,
        "team_access_revoked": on_team_access_revoked,
    }
)
