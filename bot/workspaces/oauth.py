"""Installing by OAuth: a browser goes to Slack's page with a state of its own and comes back with a code, once."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from slack_sdk.oauth.installation_store import Installation

from bot.clock import Clock
from bot.errors import BuildbellError
from bot.manifest import OPTIONAL_SCOPES, REDIRECT_PATH, SCOPES
from bot.settings import Settings
from bot.slack.errors import SlackFailed, SlackRefused
from bot.workspaces.installation_store import Installed
from bot.workspaces.oauth_client import Grant, OAuthClient
from bot.workspaces.slack_tokens import SlackTokens
from storage import Database
from storage import installations as installation_rows

log = logging.getLogger(__name__)
GOOD_FOR = timedelta(minutes=10)
SECRET = re.compile(r"[A-Za-z0-9_-]{20,100}")
CODES_ENDED: Final = frozenset(["invalid_code", "code_already_used", "code_expired"])


class NotInstalledNow(BuildbellError):
    """The way to an installation ended before it; the sentence says how to begin anew. ``status`` is for HTTP."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Trip:
    """Where the browser goes, and what it has to bring back in its cookie."""

    url: str
    browser: str


class OAuth:
    """``new_secret`` gives texts that nobody can guess."""

    def __init__(
        self,
        *,
        database: Database,
        installed: Installed,
        tokens: SlackTokens,
        client: OAuthClient,
        clock: Clock,
        new_secret: Callable[[], str],
        settings: Settings,
    ) -> None:
        self._db, self._installed, self._tokens, self._client = database, installed, tokens, client
        self._clock, self._new_secret = clock, new_secret
        public_url = settings.public_url or ""
        self._redirect_uri = public_url + REDIRECT_PATH
        self.is_https = public_url.startswith("https://")
        self.command = settings.command

    async def begin(self, browser: str | None) -> Trip:
        """``browser`` is the cookie, if there is one: two tabs may be on their way at once."""
        state = self._new_secret()
        mark = browser if browser and SECRET.fullmatch(browser) else self._new_secret()
        now = self._clock.now()
        await installation_rows.add_state(
            self._db, state_digest=_digest(state), browser_digest=_digest(mark), now=now, expires_at=now + GOOD_FOR
        )
        scopes = [*SCOPES, *OPTIONAL_SCOPES]
        url = self._client.consent_url(scopes=scopes, state=state, redirect_uri=self._redirect_uri)
        return Trip(url, mark)

    async def finish(self, *, browser: str | None, state: str, code: str, error: str) -> Grant:
        """Store what Slack granted. Raises `NotInstalledNow`."""
        is_ours = await installation_rows.claim_state(
            self._db, state_digest=_digest(state), browser_digest=_digest(browser or ""), now=self._clock.now()
        )
        if error:
            raise _refusal(error)
        if not is_ours:
            raise NotInstalledNow(
                "This visit cannot be matched to one that began here: it was used already, took longer than ten "
                "minutes, or began in another browser. If Buildbell is in your workspace by now, all is well."
            )
        granted = await self._exchange(code)
        await self._installed.async_save(self._installation(granted))
        self._tokens.forget()
        log.info("Buildbell was installed", extra={"workspace": granted.team_id or granted.enterprise_id})
        return granted

    async def _exchange(self, code: str) -> Grant:
        try:
            return await self._client.exchange(code, redirect_uri=self._redirect_uri)
        except SlackRefused as refused:
            if refused.error in CODES_ENDED:
                raise NotInstalledNow("Slack's code for this visit was used already, or is too old.") from refused
            log.error("Slack refuses to install", extra={"error": refused.error})
            raise NotInstalledNow(
                f"Slack refused ({refused.error}). Whoever runs this Buildbell can find out why with "
                "`buildbell doctor`.",
                status=502,
            ) from refused
        except SlackFailed as failed:
            log.warning("Slack did not answer an installation", extra={"error": str(failed)})
            raise NotInstalledNow("Slack did not answer just now.", status=502) from failed

    def _installation(self, granted: Grant) -> Installation:
        """As Bolt's stores take it."""
        tokens, now = granted.tokens, self._clock.now()
        ends = None if tokens.expires_in is None else int(now.timestamp()) + tokens.expires_in
        return Installation(
            app_id=granted.app_id,
            enterprise_id=granted.enterprise_id or None,
            enterprise_name=granted.enterprise_name or None,
            team_id=granted.team_id or None,
            team_name=granted.team_name or None,
            bot_token=tokens.access.reveal(),
            bot_user_id=granted.bot_user_id,
            bot_scopes=granted.scopes,
            bot_refresh_token=tokens.refresh.reveal() if tokens.refresh else None,
            bot_token_expires_at=ends,
            user_id=granted.installer_id,
            is_enterprise_install=granted.is_for_organization,
            installed_at=now.timestamp(),
        )


def _refusal(error: str) -> NotInstalledNow:
    if error == "access_denied":
        return NotInstalledNow("You did not allow it, so nothing was installed.")
    told = f" ({error})" if re.fullmatch(r"[a-z_]{1,40}", error) else ""
    return NotInstalledNow(f"Slack reported a problem{told}, so nothing was installed.")


def _digest(secret: str) -> str:
    """What is stored of a state: enough to know it again, not enough to use it."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()  # a cookie may hold bytes that are no text
