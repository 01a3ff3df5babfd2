"""Slack tokens of installed workspaces: cache installations for half a minute, renew their tokens in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.clock import Clock
from bot.engine import RetryAt
from bot.errors import SealBroken
from bot.slack.errors import NotInstalled, SlackFailed, SlackRefused, SlackUnavailable
from bot.vault import Token
from bot.workspaces.installation_store import RENEW_BEFORE, InstallationStore
from bot.workspaces.oauth_client import BotTokens, OAuthClient
from storage import Database
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.installations import InstallationRow

log = logging.getLogger(__name__)
CACHED_FOR = timedelta(seconds=30)
"""A removal by another process takes effect within this time."""
MAX_CACHED = 10_000
RENEWAL_TIMEOUT = timedelta(seconds=20)
"""Afterwards another process may renew; Slack accepts a used refresh token for a moment longer."""
REFUSED_FOR = timedelta(hours=1)
"""Pause after Slack refused a renewal, so that not every message causes another one."""


@dataclass(slots=True)
class CachedInstallation:
    """An installation as it was read; its tokens are opened when they are first needed."""

    row: InstallationRow
    until: datetime
    tokens: BotTokens | None = None


class SlackTokens:
    def __init__(self, *, database: Database, store: InstallationStore, oauth: OAuthClient, clock: Clock) -> None:
        self._db, self._store, self._oauth, self._clock = database, store, oauth, clock
        self._cache: OrderedDict[str, CachedInstallation] = OrderedDict()
        self._cache_version = 0
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def find(self, team_id: str | None, enterprise_id: str | None = None) -> InstallationRow | None:
        """Return the installation of a workspace: its own, else that of its organization."""
        cached = await self._find(team_id, enterprise_id)
        return cached.row if cached else None

    async def get_token(self, workspace_id: str) -> Token:
        """Return a valid token. Raises `NotInstalled`, or `SlackFailed` if it could not be renewed."""
        cached = await self._find(workspace_id, None)
        if cached is None:
            raise NotInstalled
        if self._is_due(cached.row):
            return (await self._renew(cached.row)).access
        if cached.tokens is None:
            cached.tokens = self._open(cached.row)
        return cached.tokens.access

    def clear_cache(self) -> None:
        """Read installations again after one was added or removed."""
        self._cache.clear()
        self._cache_version += 1

    # Finding.

    async def _find(self, team_id: str | None, enterprise_id: str | None) -> CachedInstallation | None:
        key = team_id or enterprise_id or ""
        cached = self._cache.get(key)
        if cached is not None and cached.until > self._clock.now():
            self._cache.move_to_end(key)
            return cached
        version = self._cache_version
        row = await self._read(team_id, enterprise_id)
        if row is None:
            self._cache.pop(key, None)
            return None
        tokens = cached.tokens if cached is not None and cached.row.tokens_sealed == row.tokens_sealed else None
        current = CachedInstallation(row, self._clock.now() + CACHED_FOR, tokens)
        if version == self._cache_version:  # else it may have been removed after it was read
            self._cache[key] = current
            self._cache.move_to_end(key)
            while len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)
        return current

    async def _read(self, team_id: str | None, enterprise_id: str | None) -> InstallationRow | None:
        if not team_id:
            return await installation_rows.find_installation(self._db, enterprise_id, "") if enterprise_id else None
        if own := await installation_rows.find_by_team(self._db, team_id):
            return own
        workspace = await workspace_rows.find_workspace(self._db, team_id)
        # The stored organization takes precedence: in a shared channel, a request may name that of the person.
        organization = (workspace.enterprise_id if workspace else None) or enterprise_id
        row = await installation_rows.find_installation(self._db, organization, "") if organization else None
        if row is not None and (workspace is None or workspace.uninstalled_at or workspace.enterprise_id is None):
            name = workspace.name if workspace else row.enterprise_name or team_id
            await workspace_rows.save_workspace(
                self._db, workspace_id=team_id, name=name, bot_user_id=row.bot_user_id, enterprise_id=organization
            )
        return row

    def _open(self, row: InstallationRow) -> BotTokens:
        try:
            return self._store.open_tokens(row)
        except SealBroken as error:
            log.error("a Slack token can't be decrypted", extra={"workspace": row.team_id or row.enterprise_id})
            raise SlackRefused("invalid_auth") from error

    # Renewing.

    def _is_due(self, row: InstallationRow) -> bool:
        return row.expires_at is not None and row.expires_at - self._clock.now() <= RENEW_BEFORE

    async def renew_early(self, arguments: Mapping[str, Any]) -> None:
        """Renew a token before it expires, even if it isn't used."""
        enterprise_id, team_id = arguments["enterprise_id"], arguments["team_id"]
        row = await installation_rows.find_installation(self._db, enterprise_id, team_id)
        if row is None or not self._is_due(row):
            return
        with contextlib.suppress(SlackFailed):  # already logged
            await self._renew(row)
        current = await installation_rows.find_installation(self._db, enterprise_id, team_id)
        if current is not None and self._is_due(current):
            raise RetryAt(current.renewing_until or self._clock.now() + RENEWAL_TIMEOUT)

    async def _renew(self, row: InstallationRow) -> BotTokens:
        """Return tokens in place of those that expire soon.

        A refresh token works once: the lock lets one task of the process renew, the row one process.
        """
        key = (row.enterprise_id, row.team_id)
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                now = self._clock.now()
                current = await installation_rows.find_installation(self._db, *key)
                if current is None:
                    raise NotInstalled
                if not self._is_due(current):
                    self.clear_cache()
                    return self._open(current)
                until = now + RENEWAL_TIMEOUT
                if await installation_rows.claim_renewal(self._db, current, now=now, until=until):
                    return await self._renew_claimed(current)
                return self._open_valid(current, SlackUnavailable("The bot's token is being renewed."))
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    async def _renew_claimed(self, row: InstallationRow) -> BotTokens:
        workspace_id = row.team_id or row.enterprise_id
        expiring = self._open(row)
        if expiring.refresh is None:
            return self._open_valid(row, SlackRefused("token_expired"))
        try:
            renewed = await self._oauth.refresh(expiring.refresh)
        except SlackRefused as error:
            now = self._clock.now()
            await installation_rows.claim_renewal(self._db, row, now=now + RENEWAL_TIMEOUT, until=now + REFUSED_FOR)
            log.error(
                "Slack rejected the refresh token; reinstall Buildbell from /slack/install",
                extra={"workspace": workspace_id, "error": error.error},
            )
            return self._open_valid(row, SlackRefused("token_expired"))
        except SlackFailed as error:
            log.warning("the Slack token could not be renewed yet", extra={"workspace": workspace_id})
            return self._open_valid(row, error)
        await self._store.save_renewed(row, renewed)
        self.clear_cache()
        return renewed

    def _open_valid(self, row: InstallationRow, error: SlackFailed) -> BotTokens:
        """Return the tokens of a row until they expire, afterwards raise the error."""
        if row.expires_at is not None and row.expires_at <= self._clock.now():
            raise error
        return self._open(row)
