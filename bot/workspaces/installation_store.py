"""Store installations: one row for each workspace or organization, its tokens sealed and bound to the row."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.clock import Clock
from bot.engine import Engine, Job
from bot.vault import Token, Vault
from bot.workspaces.oauth_client import BotTokens, Grant
from storage import Database, Transaction, audit
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.audit import AuditRow
from storage.installations import InstallationRow

RENEW: Final = "renew-token"
RENEW_BEFORE = timedelta(hours=2)
"""Tokens of apps with token rotation expire after 12 hours; this long before, they are renewed."""


def seal_context(row: InstallationRow) -> str:
    return f"slack:{row.enterprise_id}:{row.team_id}"


class InstallationStore:
    """However often a workspace or organization installs the app, the last installation counts."""

    def __init__(
        self, *, database: Database, engine: Engine, vault: Vault, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._db, self._engine, self._vault = database, engine, vault
        self._clock, self._new_id = clock, new_id

    async def save(self, grant: Grant) -> None:
        """Store an installation with its workspace. Those of an organization are stored when they are first used."""
        now = self._clock.now()
        bare = InstallationRow(
            enterprise_id=grant.enterprise_id,
            team_id=grant.team_id,
            app_id=grant.app_id,
            enterprise_name=grant.enterprise_name or None,
            team_name=grant.team_name or None,
            bot_user_id=grant.bot_user_id,
            bot_scopes=grant.scopes,
            tokens_sealed="",
            expires_at=self._expires_at(grant.tokens),
            installed_at=now,
        )
        row = replace(bare, tokens_sealed=self._seal_tokens(bare, grant.tokens))
        name = grant.team_name or grant.enterprise_name
        workspace_id = row.team_id or row.enterprise_id
        entry = AuditRow(self._new_id(), workspace_id, now, grant.installer_id, "install", name, "done")

        async def store(tx: Transaction) -> None:
            await installation_rows.save_installation(tx, row)
            await self._schedule_renewal(tx, row)
            if row.team_id:
                await workspace_rows.save_workspace(
                    tx,
                    workspace_id=row.team_id,
                    name=row.team_name or row.team_id,
                    bot_user_id=row.bot_user_id,
                    enterprise_id=row.enterprise_id or None,
                )
            await audit.add_entry(tx, entry)

        await self._db.transaction(store)

    async def save_renewed(self, row: InstallationRow, tokens: BotTokens) -> None:
        """Replace the tokens of a row, unless it was replaced meanwhile."""
        renewed = replace(
            row, tokens_sealed=self._seal_tokens(row, tokens), expires_at=self._expires_at(tokens), renewing_until=None
        )

        async def store(tx: Transaction) -> None:
            if await installation_rows.save_renewed_tokens(
                tx, row, tokens_sealed=renewed.tokens_sealed, expires_at=renewed.expires_at
            ):
                await self._schedule_renewal(tx, renewed)

        await self._db.transaction(store)

    def open_tokens(self, row: InstallationRow) -> BotTokens:
        """Raises `SealBroken`."""
        tokens = json.loads(self._vault.open(row.tokens_sealed, context=seal_context(row)).reveal())
        return BotTokens(Token(tokens["access"]), Token(tokens["refresh"]) if tokens["refresh"] else None)

    def _seal_tokens(self, row: InstallationRow, tokens: BotTokens) -> str:
        fields = {"access": tokens.access.reveal(), "refresh": tokens.refresh.reveal() if tokens.refresh else None}
        return self._vault.seal(json.dumps(fields), context=seal_context(row))

    def _expires_at(self, tokens: BotTokens) -> datetime | None:
        return None if tokens.expires_in is None else self._clock.now() + timedelta(seconds=tokens.expires_in)

    async def _schedule_renewal(self, tx: Transaction, row: InstallationRow) -> None:
        """Renew in time even if the token isn't used until then."""
        if row.expires_at is not None:
            arguments = {"enterprise_id": row.enterprise_id, "team_id": row.team_id}
            await self._engine.enqueue(tx, Job(RENEW, arguments, due_at=row.expires_at - RENEW_BEFORE))
