"""What Slack granted where, kept: tokens sealed and bound to their row, one row a place. Bolt's store interface."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore

from bot.clock import Clock
from bot.engine import Engine, Job
from bot.vault import Token, Vault
from bot.workspaces.oauth_client import BotTokens
from storage import Database, Transaction
from storage import audit as audit_service
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.audit import AuditRow
from storage.installations import BOT, InstallationRow

log = logging.getLogger(__name__)
RENEW: Final = "renew-token"
RENEW_BEFORE = timedelta(hours=2)
"""Tokens of apps with token rotation live for 12 hours; this long before their end they are renewed."""
OF_PERSON = (
    "user_token",
    "user_scopes",
    "user_refresh_token",
    "user_token_expires_at",
    "incoming_webhook_url",
    "incoming_webhook_channel",
    "incoming_webhook_channel_id",
    "incoming_webhook_configuration_url",
    "enterprise_url",
    "token_type",
    "custom_values",
)
"""What else Bolt keeps of an installer. Buildbell asks for none of it."""


def seal_context(row: InstallationRow) -> str:
    return f"slack:{row.enterprise_id}:{row.team_id}:{row.user_id}"


class Installed(AsyncInstallationStore):
    """A workspace or organisation has one bot, however often it is installed: what is saved last holds."""

    def __init__(
        self,
        *,
        database: Database,
        engine: Engine,
        vault: Vault,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._db = database
        self._engine, self._vault, self._clock, self._new_id = engine, vault, clock, new_id

    @property
    def logger(self) -> logging.Logger:
        return log

    async def async_save(self, installation: Installation) -> None:
        """The bot, who installed it, and the workspace as one that can be worked with: together, or nothing."""
        bot = self._bot_row(installation.to_bot()) if installation.bot_token else None
        person = self._person_row(installation)

        async def keep(tx: Transaction) -> None:
            await installation_rows.save_installation(tx, person)
            if bot is not None:
                await self._keep_bot(tx, bot)
            entry = AuditRow(
                self._new_id(), person.team_id or person.enterprise_id, self._clock.now(), person.user_id,
                "install", installation.team_name or installation.enterprise_name or "", "done",
            )  # fmt: skip
            await audit_service.add_entry(tx, entry)

        await self._db.transaction(keep)

    async def async_save_bot(self, bot: Bot) -> None:
        row = self._bot_row(bot)
        await self._db.transaction(lambda tx: self._keep_bot(tx, row))

    async def _keep_bot(self, tx: Transaction, row: InstallationRow) -> None:
        await installation_rows.save_installation(tx, row)
        await self.plan_renewal(tx, row, row.expires_at)
        if row.team_id:  # the workspaces of an organisation are met one by one
            await workspace_rows.save_workspace(
                tx,
                workspace_id=row.team_id,
                name=row.team_name or row.team_id,
                bot_user_id=row.bot_user_id,
                enterprise_id=row.enterprise_id or None,
            )

    async def plan_renewal(self, tx: Transaction, row: InstallationRow, expires_at: datetime | None) -> None:
        """Before the tokens end, also where nobody asks for anything."""
        if expires_at is not None:
            place = {"enterprise_id": row.enterprise_id, "team_id": row.team_id}
            await self._engine.enqueue(tx, Job(RENEW, place, due_at=expires_at - RENEW_BEFORE))

    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        row = await self._find_bot(enterprise_id, None if is_enterprise_install else team_id)
        return None if row is None else self._bot(row)

    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> Installation | None:
        """Of one installer, or the newest; with the bot's tokens as they are now."""
        bot = await self._find_bot(enterprise_id, None if is_enterprise_install else team_id)
        if bot is None:
            return None
        if user_id is None:
            person = await installation_rows.find_newest_installer(self._db, bot.enterprise_id, bot.team_id)
        else:
            person = await installation_rows.find_installation(self._db, bot.enterprise_id, bot.team_id, user_id)
        return None if person is None else self._installation(bot, person)

    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        place = await self._place(enterprise_id, team_id)
        await self._db.transaction(lambda tx: installation_rows.delete_bot(tx, *place))

    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        place = await self._place(enterprise_id, team_id)
        await self._db.transaction(lambda tx: installation_rows.delete_installers(tx, *place, user_id=user_id))

    async def async_delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        place = await self._place(enterprise_id, team_id)

        async def delete(tx: Transaction) -> None:
            await installation_rows.delete_installers(tx, *place)
            await installation_rows.delete_bot(tx, *place)

        await self._db.transaction(delete)

    # Finding: a workspace's id says enough, because no two have the same.

    async def _find_bot(self, enterprise_id: str | None, team_id: str | None) -> InstallationRow | None:
        if team_id:
            return await installation_rows.find_bot_of_team(self._db, team_id)
        return await installation_rows.find_installation(self._db, enterprise_id, "") if enterprise_id else None

    async def _place(self, enterprise_id: str | None, team_id: str | None) -> tuple[str, str]:
        bot = await self._find_bot(enterprise_id, team_id)
        return (bot.enterprise_id, bot.team_id) if bot else (enterprise_id or "", team_id or "")

    # Rows and what Bolt knows.

    def open_tokens(self, row: InstallationRow) -> BotTokens:
        """Raises `SealBroken`."""
        kept = json.loads(self._vault.open(row.tokens_sealed, context=seal_context(row)).reveal())
        renewal = kept.get("renewal")
        return BotTokens(Token(kept["access"]), Token(renewal) if renewal else None)

    def seal_tokens(self, row: InstallationRow, tokens: BotTokens) -> str:
        kept = {"access": tokens.access.reveal(), "renewal": tokens.refresh.reveal() if tokens.refresh else None}
        return self._vault.seal(json.dumps(kept), context=seal_context(row))

    def _bot_row(self, bot: Bot) -> InstallationRow:
        row = self._row(bot, BOT, expires_at=_moment(bot.bot_token_expires_at))
        renewal = Token(bot.bot_refresh_token) if bot.bot_refresh_token else None
        return _sealed(row, self.seal_tokens(row, BotTokens(Token(bot.bot_token), renewal)))

    def _person_row(self, installation: Installation) -> InstallationRow:
        row = self._row(installation, installation.user_id, expires_at=None)
        kept = {name: getattr(installation, name) for name in OF_PERSON}
        return _sealed(row, self._vault.seal(json.dumps(kept), context=seal_context(row)))

    def _row(self, of: Bot | Installation, user_id: str, *, expires_at: datetime | None) -> InstallationRow:
        return InstallationRow(
            enterprise_id=of.enterprise_id or "",
            team_id="" if of.is_enterprise_install else of.team_id or "",
            user_id=user_id,
            app_id=of.app_id,
            enterprise_name=of.enterprise_name,
            team_name=of.team_name,
            bot_id=of.bot_id,
            bot_user_id=of.bot_user_id,
            bot_scopes=",".join(of.bot_scopes or ()),
            tokens_sealed="",
            expires_at=expires_at,
            installed_at=self._clock.now(),
        )

    def _bot(self, row: InstallationRow) -> Bot:
        tokens = self.open_tokens(row)
        return Bot(
            app_id=row.app_id,
            enterprise_id=row.enterprise_id or None,
            enterprise_name=row.enterprise_name,
            team_id=row.team_id or None,
            team_name=row.team_name,
            bot_token=tokens.access.reveal(),
            bot_id=row.bot_id or "",
            bot_user_id=row.bot_user_id or "",
            bot_scopes=row.bot_scopes,
            bot_refresh_token=tokens.refresh.reveal() if tokens.refresh else None,
            bot_token_expires_at=row.expires_at and int(row.expires_at.timestamp()),
            is_enterprise_install=not row.team_id,
            installed_at=row.installed_at.timestamp(),
        )

    def _installation(self, bot_row: InstallationRow, person: InstallationRow) -> Installation:
        bot = self._bot(bot_row)
        kept: dict[str, Any] = json.loads(self._vault.open(person.tokens_sealed, context=seal_context(person)).reveal())
        return Installation(
            app_id=bot.app_id,
            enterprise_id=bot.enterprise_id,
            enterprise_name=bot.enterprise_name,
            team_id=bot.team_id,
            team_name=bot.team_name,
            bot_token=bot.bot_token,
            bot_id=bot.bot_id,
            bot_user_id=bot.bot_user_id,
            bot_scopes=bot.bot_scopes,
            bot_refresh_token=bot.bot_refresh_token,
            bot_token_expires_at=bot.bot_token_expires_at,
            user_id=person.user_id,
            is_enterprise_install=bot.is_enterprise_install,
            installed_at=person.installed_at.timestamp(),
            **kept,
        )


def _sealed(row: InstallationRow, sealed: str) -> InstallationRow:
    return dataclasses.replace(row, tokens_sealed=sealed)


def _moment(timestamp: int | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
