"""Buildbell was removed from a workspace or organisation: forget its tokens, fall silent, keep what people set up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.clock import Clock
from storage import Database, Transaction
from storage.apps import AppStore
from storage.audit import AuditRow, AuditStore
from storage.imports import ImportStore
from storage.installations import InstallationRow, InstallationStore
from storage.outbox import OutboxStore
from storage.requests import RequestStore
from storage.subscriptions import SubscriptionStore
from storage.workspaces import WorkspaceRow, WorkspaceStore

if TYPE_CHECKING:
    from bot.workspaces.slack_tokens import SlackTokens

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


class Uninstalls:
    """``tokens`` is None where the bot's token is a setting."""

    def __init__(
        self,
        *,
        database: Database,
        installations: InstallationStore,
        workspaces: WorkspaceStore,
        apps: AppStore,
        imports: ImportStore,
        subscriptions: SubscriptionStore,
        requests: RequestStore,
        messages: OutboxStore,
        audit: AuditStore,
        tokens: SlackTokens | None,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._db, self._installations, self._workspaces, self._apps = database, installations, workspaces, apps
        self._subscriptions, self._messages, self._audit = subscriptions, messages, audit
        self._imports, self._requests, self._tokens = imports, requests, tokens
        self._clock, self._new_id = clock, new_id

    async def remove(self, removal: Removal) -> None:
        """Told once or often, the first time counts; what is older than the installation is not about it."""
        bot = await self._find(removal)
        if bot is not None and bot.installed_at > removal.at:
            log.info("an old removal is not heeded", extra={"workspace": removal.team_id or removal.enterprise_id})
            return
        if bot is not None:
            await self._delete(bot)
        for workspace in await self._affected(removal):
            if self._tokens is None or await self._tokens.find(workspace.workspace_id) is None:
                await self._clear(workspace)

    async def revoke(self, removal: Removal, *, user_ids: tuple[str, ...], is_bot: bool) -> None:
        """Tokens ended: the bot's is as good as a removal, a person's is one of which Buildbell makes no use.

        Where the bot's token is a setting, whoever runs Buildbell may just be changing it.
        """
        bot = await self._find(removal)
        if bot is not None and bot.installed_at <= removal.at:
            for user_id in user_ids:
                await self._forget_installer(bot, user_id)
        if is_bot and self._tokens is not None:
            await self.remove(removal)

    async def withdraw(self, removal: Removal, *, team_ids: tuple[str, ...]) -> None:
        """An organisation's installation goes on without these workspaces; one that has its own keeps it.

        https://docs.slack.dev/reference/events/team_access_revoked
        """
        whole = await self._installations.find_installation(removal.enterprise_id, "")
        if whole is not None and whole.installed_at > removal.at:
            log.info("an old removal is not heeded", extra={"workspace": removal.enterprise_id})
            return
        for team_id in team_ids:
            workspace = await self._workspaces.find_workspace(team_id)
            is_theirs = workspace is not None and workspace.enterprise_id == removal.enterprise_id
            if workspace and is_theirs and await self._installations.find_bot_of_team(team_id) is None:
                await self._clear(workspace)

    async def _find(self, removal: Removal) -> InstallationRow | None:
        if removal.team_id:
            return await self._installations.find_bot_of_team(removal.team_id)
        return await self._installations.find_installation(removal.enterprise_id, "")

    async def _delete(self, bot: InstallationRow) -> None:
        async def delete(tx: Transaction) -> None:
            await self._installations.delete_installers(tx, bot.enterprise_id, bot.team_id)
            await self._installations.delete_bot(tx, bot.enterprise_id, bot.team_id)

        await self._db.transaction(delete)
        if self._tokens is not None:
            self._tokens.forget()

    async def _forget_installer(self, bot: InstallationRow, user_id: str) -> None:
        await self._db.transaction(
            lambda tx: self._installations.delete_installers(tx, bot.enterprise_id, bot.team_id, user_id=user_id)
        )

    async def _affected(self, removal: Removal) -> list[WorkspaceRow]:
        """Of an organisation those that have not installed on their own account remain to be cleared."""
        if not removal.team_id:
            return await self._workspaces.list_of_enterprise(removal.enterprise_id)
        workspace = await self._workspaces.find_workspace(removal.team_id)
        return [workspace] if workspace else []

    async def _clear(self, workspace: WorkspaceRow) -> None:
        """The Bitrise token goes too: who removes Buildbell does not expect it to keep a key."""
        workspace_id, now = workspace.workspace_id, self._clock.now()

        async def clear(tx: Transaction) -> None:
            if not await self._workspaces.save_uninstalled(tx, workspace_id, now=now):
                return
            await self._requests.drop_connecting(tx, workspace_id, result=PAUSED, now=now)
            had_token = await self._workspaces.delete_connection(tx, workspace_id, now=now)
            await self._apps.replace_apps(tx, workspace_id, [])
            await self._imports.delete_imports(tx, workspace_id)
            paused = await self._subscriptions.pause_workspace(tx, workspace_id, why=PAUSED, now=now)
            dropped = await self._messages.delete_of_workspace(tx, workspace_id)
            forgotten = "Bitrise token forgotten, " if had_token else ""
            result = f"{forgotten}{paused} subscriptions paused, {dropped} messages dropped"
            entry = AuditRow(self._new_id(), workspace_id, now, BY_SLACK, "uninstall", workspace.name, result)
            await self._audit.add_entry(tx, entry)

        await self._db.transaction(clear)
        log.info("Buildbell was removed", extra={"workspace": workspace_id})
