"""Which installation speaks for a workspace, from memory for half a minute; its token, renewed in time and once."""

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
from bot.workspaces.installation_store import RENEW_BEFORE, Installed
from bot.workspaces.oauth_client import BotTokens, OAuthClient
from storage import Database, Transaction
from storage import installations as installation_rows
from storage import workspaces as workspace_rows
from storage.installations import InstallationRow

log = logging.getLogger(__name__)
REMEMBERED = timedelta(seconds=30)
"""What another process removed is noticed within this time."""
MOST_REMEMBERED = 10_000
CLAIM = timedelta(seconds=20)
"""How long whoever renews has for it. Then somebody else tries: Slack takes a used token for a moment longer."""
REFUSED = timedelta(hours=1)
"""How long a refusal counts, so that not every message asks again."""


@dataclass(slots=True)
class _Held:
    """An installation as it was read; opened when its token is wanted for the first time."""

    row: InstallationRow
    until: datetime
    tokens: BotTokens | None = None


class SlackTokens:
    def __init__(
        self,
        *,
        database: Database,
        installed: Installed,
        oauth: OAuthClient,
        clock: Clock,
    ) -> None:
        self._db = database
        self._installed, self._oauth, self._clock = installed, oauth, clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._forgotten = 0
        self._renewing: dict[tuple[str, str], asyncio.Lock] = {}

    async def find(self, team_id: str | None, enterprise_id: str | None = None) -> InstallationRow | None:
        """The installation of a workspace: its own, else that of its organisation. None where there is none."""
        held = await self._find(team_id, enterprise_id)
        return None if held is None else held.row

    async def get_token(self, workspace_id: str) -> Token:
        """What a call is made with now. Raises `NotInstalled`, or `SlackFailed` when it could not be renewed."""
        held = await self._find(workspace_id)
        if held is None:
            raise NotInstalled
        if self._is_due(held.row):
            renewed = await self._renew(held.row)
            return renewed.access
        return self._open(held).access

    def forget(self) -> None:
        """Something was installed or removed: look again from now on."""
        self._held.clear()
        self._forgotten += 1

    # Remembering.

    async def _find(self, team_id: str | None, enterprise_id: str | None = None) -> _Held | None:
        key = team_id or enterprise_id or ""
        held = self._held.get(key)
        if held is not None and held.until > self._clock.now():
            self._held.move_to_end(key)
            return held
        before = self._forgotten
        row = await self._look(team_id, enterprise_id)
        if row is None:
            self._held.pop(key, None)
            return None
        tokens = held.tokens if held is not None and held.row.tokens_sealed == row.tokens_sealed else None
        fresh = _Held(row, self._clock.now() + REMEMBERED, tokens)
        if before == self._forgotten:  # what was read before a removal is not kept after it
            self._keep(key, fresh)
        return fresh

    def _keep(self, key: str, held: _Held) -> None:
        self._held[key] = held
        self._held.move_to_end(key)
        while len(self._held) > MOST_REMEMBERED:
            self._held.popitem(last=False)

    def _open(self, held: _Held) -> BotTokens:
        if held.tokens is None:
            try:
                held.tokens = self._installed.open_tokens(held.row)
            except SealBroken as broken:
                log.error("a Slack token does not open", extra={"workspace": _place(held.row)})
                raise SlackRefused("invalid_auth") from broken
        return held.tokens

    async def _look(self, team_id: str | None, enterprise_id: str | None) -> InstallationRow | None:
        if not team_id:
            return await installation_rows.find_installation(self._db, enterprise_id, "") if enterprise_id else None
        if own := await installation_rows.find_bot_of_team(self._db, team_id):
            return own
        known = await workspace_rows.find_workspace(self._db, team_id)
        # What is known wins over what a delivery says: in a shared channel that may be the organisation of the person.
        organisation = (known.enterprise_id if known else None) or enterprise_id
        row = await installation_rows.find_installation(self._db, organisation, "") if organisation else None
        if row is not None and (known is None or known.uninstalled_at or known.enterprise_id is None):
            name = known.name if known else row.enterprise_name or team_id
            await workspace_rows.save_workspace(
                self._db, workspace_id=team_id, name=name, bot_user_id=row.bot_user_id, enterprise_id=organisation
            )
        return row

    # Renewing.

    def _is_due(self, row: InstallationRow) -> bool:
        return row.expires_at is not None and row.expires_at - self._clock.now() <= RENEW_BEFORE

    async def renew_early(self, arguments: Mapping[str, Any]) -> None:
        """The job: also where nobody asks for anything, a token does not end."""
        row = await installation_rows.find_installation(self._db, arguments["enterprise_id"], arguments["team_id"])
        if row is None or not self._is_due(row):
            return
        with contextlib.suppress(SlackFailed):  # it was logged where it happened
            await self._renew(row)
        fresh = await installation_rows.find_installation(self._db, row.enterprise_id, row.team_id)
        if fresh is not None and self._is_due(fresh):
            raise RetryAt(fresh.renewing_until or self._clock.now() + CLAIM)

    async def _renew(self, row: InstallationRow) -> BotTokens:
        """Good tokens for an installation whose own end soon: renewed here, or by whoever was first."""
        place = (row.enterprise_id, row.team_id)
        lock = self._renewing.setdefault(place, asyncio.Lock())
        try:
            async with lock:
                return await self._renew_alone(row)
        finally:
            if not lock.locked():
                self._renewing.pop(place, None)

    async def _renew_alone(self, row: InstallationRow) -> BotTokens:
        """Of several processes the row lets one: a renewal token is good once."""
        now = self._clock.now()
        fresh = await installation_rows.find_installation(self._db, row.enterprise_id, row.team_id)
        if fresh is None:
            raise NotInstalled
        if not self._is_due(fresh):
            self.forget()
            return self._open(_Held(fresh, now))
        if await installation_rows.claim_renewal(self._db, fresh, now=now, until=now + CLAIM):
            return await self._renew_claimed(fresh)
        return self._still_good(fresh, SlackUnavailable("The bot's token is being renewed."))

    async def _renew_claimed(self, row: InstallationRow) -> BotTokens:
        old = self._open(_Held(row, row.installed_at))
        if old.refresh is None:
            return self._still_good(row, SlackRefused("token_expired"))
        try:
            new = await self._oauth.refresh(old.refresh)
        except SlackRefused as refused:
            now = self._clock.now()
            await installation_rows.claim_renewal(self._db, row, now=now + CLAIM, until=now + REFUSED)
            log.error(
                "Slack does not renew the bot's token; install Buildbell again from /slack/install",
                extra={"workspace": _place(row), "error": refused.error},
            )
            return self._still_good(row, SlackRefused("token_expired"))
        except SlackFailed as failed:
            log.warning("Slack could not renew the bot's token yet", extra={"workspace": _place(row)})
            return self._still_good(row, failed)
        await self._keep_renewed(row, new)
        return new

    def _still_good(self, row: InstallationRow, otherwise: SlackFailed) -> BotTokens:
        """The tokens that end soon, while they have not ended."""
        if row.expires_at is None or row.expires_at > self._clock.now():
            return self._open(_Held(row, row.installed_at))
        raise otherwise

    async def _keep_renewed(self, row: InstallationRow, new: BotTokens) -> None:
        lives = new.expires_in
        expires_at = None if lives is None else self._clock.now() + timedelta(seconds=lives)
        sealed = self._installed.seal_tokens(row, new)

        async def keep(tx: Transaction) -> None:
            if await installation_rows.save_renewed_tokens(tx, row, tokens_sealed=sealed, expires_at=expires_at):
                await self._installed.plan_renewal(tx, row, expires_at)

        await self._db.transaction(keep)
        self.forget()


def _place(row: InstallationRow) -> str:
    return row.team_id or row.enterprise_id
