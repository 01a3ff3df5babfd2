"""Buildbell was removed from a workspace, or its tokens were: nothing is answered, everything is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.context import Context
from bot.workspaces import uninstall
from bot.workspaces.uninstall import Removal
from commands.command import Command
from commands.interaction import Payload, is_of_organisation, organisation_of_event, workspace_of_event


async def forget_workspace(body: Payload, ctx: Context) -> None:
    await uninstall.uninstall(ctx, removal_of(body))


async def forget_tokens(event: Payload, body: Payload, ctx: Context) -> None:
    """Slack names the people whose tokens ended, and the bot user, not the tokens."""
    tokens = event.get("tokens") or {}
    people = tuple(str(user_id) for user_id in tokens.get("oauth") or ())
    await uninstall.revoke_tokens(ctx, removal_of(body), user_ids=people, is_bot=bool(tokens.get("bot")))


async def forget_withdrawn(event: Payload, body: Payload, ctx: Context) -> None:
    """An organisation took the app from some of its workspaces. Slack's example tells which a level deeper."""
    told = event if "team_ids" in event else event.get("event") or {}
    team_ids = tuple(str(team_id) for team_id in told.get("team_ids") or ())
    await uninstall.withdraw(ctx, removal_of(body), team_ids=team_ids)


def removal_of(body: Payload) -> Removal:
    return Removal(
        team_id="" if is_of_organisation(body) else workspace_of_event(body) or "",
        enterprise_id=organisation_of_event(body) or "",
        at=datetime.fromtimestamp(int(body["event_time"]), UTC),
    )


COMMAND = Command(
    events={
        "app_uninstalled": forget_workspace,
        "tokens_revoked": forget_tokens,
        "team_access_revoked": forget_withdrawn,
    }
)
