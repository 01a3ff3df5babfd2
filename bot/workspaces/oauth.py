"""Install by OAuth: send a browser to Slack's consent page with a state, and exchange the code that comes back.

A state is signed, not stored: anybody may begin a visit, and a visit that doesn't end in an installation leaves no row.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bot.clock import Clock
from bot.errors import BuildbellError
from bot.manifest import OPTIONAL_SCOPES, REDIRECT_PATH, SCOPES
from bot.settings import Settings
from bot.slack.errors import SlackFailed, SlackRefused
from bot.vault import Vault
from bot.workspaces.installation_store import InstallationStore
from bot.workspaces.oauth_client import Grant, OAuthClient
from bot.workspaces.slack_tokens import SlackTokens
from storage import Database
from storage import installations as installation_rows

log = logging.getLogger(__name__)
STATE_LIFETIME = timedelta(minutes=10)
UNMATCHED: Final = (
    "This installation link has expired: it was used, is older than 10 minutes, or was opened in another browser. "
    "If Buildbell is already in your workspace, there's nothing left to do."
)
COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{20,100}")
STATE_PURPOSE: Final = "oauth state"
CODE_ERRORS: Final = frozenset(["invalid_code", "code_already_used", "code_expired"])


class InstallationFailed(BuildbellError):
    """The app was not installed; the sentence says why. ``status`` is the HTTP status of the page."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class ConsentRedirect:
    """The URL of Slack's page, and the cookie that the browser has to send when it comes back."""

    url: str
    cookie: str


class OAuth:
    """Installs by OAuth: sends a browser to Slack with a signed state, and takes what comes back."""

    def __init__(
        self,
        *,
        database: Database,
        store: InstallationStore,
        tokens: SlackTokens,
        client: OAuthClient,
        vault: Vault,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._db, self._store, self._tokens, self._client = database, store, tokens, client
        self._vault, self._clock = vault, clock
        public_url = settings.public_url or ""
        self._redirect_uri = public_url + REDIRECT_PATH
        self.is_https = public_url.startswith("https://")
        self.command = settings.command

    def begin(self, cookie: str | None) -> ConsentRedirect:
        """Sign a new state. A browser keeps its cookie, so that two tabs can install at the same time."""
        if not cookie or not COOKIE_VALUE.fullmatch(cookie):
            cookie = secrets.token_urlsafe()
        content = f"{secrets.token_urlsafe()}.{int((self._clock.now() + STATE_LIFETIME).timestamp())}"
        state = f"{content}.{self._vault.sign(f'{content}.{digest(cookie)}', purpose=STATE_PURPOSE)}"
        scopes = [*SCOPES, *OPTIONAL_SCOPES]
        return ConsentRedirect(
            self._client.consent_url(scopes=scopes, state=state, redirect_uri=self._redirect_uri), cookie
        )

    async def finish(self, *, cookie: str, state: str, code: str, error: str) -> Grant:
        """Store the installation that Slack granted. Raises `InstallationFailed`."""
        if error == "access_denied":
            raise InstallationFailed("You canceled the installation in Slack. Nothing was installed.")
        if error:
            details = f" ({error})" if re.fullmatch(r"[a-z_]{1,40}", error) else ""
            raise InstallationFailed(f"Slack reported an error{details}. Nothing was installed.")
        expires_at = self._expiry(state, cookie)
        if expires_at is None or await installation_rows.is_state_used(self._db, digest(state)):
            raise InstallationFailed(UNMATCHED)
        grant = await self._exchange(code)
        if not await installation_rows.claim_state(
            self._db,
            state_digest=digest(state),
            browser_digest=digest(cookie),
            now=self._clock.now(),
            expires_at=expires_at,
        ):
            raise InstallationFailed(UNMATCHED)
        await self._store.save(grant)
        self._tokens.clear_cache()
        log.info("Buildbell was installed", extra={"workspace": grant.team_id or grant.enterprise_id})
        return grant

    def _expiry(self, state: str, cookie: str) -> datetime | None:
        """Return when a state expires, or None if we didn't sign it for this browser or it has expired."""
        content, _, signature = state.rpartition(".")
        if not self._vault.is_signed(f"{content}.{digest(cookie)}", signature, purpose=STATE_PURPOSE):
            return None
        expires_at = datetime.fromtimestamp(int(content.rpartition(".")[2]), UTC)
        return expires_at if expires_at > self._clock.now() else None

    async def _exchange(self, code: str) -> Grant:
        try:
            return await self._client.exchange(code, redirect_uri=self._redirect_uri)
        except SlackRefused as error:
            if error.error in CODE_ERRORS:
                raise InstallationFailed("Slack's code for this installation has expired.") from error
            log.error("Slack refused an installation", extra={"error": error.error})
            raise InstallationFailed(
                f"Slack refused the installation ({error.error}). Ask your Buildbell operator to run "
                "`buildbell doctor`.",
                status=502,
            ) from error
        except SlackFailed as error:
            log.warning("Slack did not respond to an installation", extra={"error": str(error)})
            raise InstallationFailed("Slack did not respond.", status=502) from error


def digest(secret: str) -> str:
    """Return the form in which a secret is stored: it can be recognized, but not used."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()  # a cookie may contain bytes that aren't text
