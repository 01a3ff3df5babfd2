"""Where Buildbell is installed: which Slack token speaks for a workspace, and who Bolt lets in."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

import aiohttp
from slack_bolt.authorization import AuthorizeResult

from bot.clock import Clock
from bot.engine import Engine, JobKind
from bot.errors import StartupFailed
from bot.settings import Settings
from bot.slack.client import SlackClient, web_client
from bot.slack.errors import NotInstalled, SlackFailed, SlackRefused
from bot.vault import Token, Vault
from storage import Database
from storage import workspaces as workspace_rows

if TYPE_CHECKING:
    from bot.workspaces.oauth import OAuth
    from bot.workspaces.slack_tokens import SlackTokens

log = logging.getLogger(__name__)
ORGANISATION = "E"
"""What the ids of organisations begin with; Slack puts one where a workspace's is expected now and then."""


class Installs(Protocol):
    """One workspace with its token in the settings, or many that installed by OAuth."""

    async def start(self) -> None:
        """Once, before requests are taken."""

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        """Bolt's question for every request; None turns it away. No call to Slack, nothing is opened."""

    def client(self, workspace_id: str) -> SlackClient:
        """The Slack client of a workspace. Its calls raise `NotInstalled` where Buildbell is not."""

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        """Whether the workspace granted it."""

    async def is_admin(self, workspace_id: str, user_id: str) -> bool:
        """Whether Slack says that a person is an admin or owner of the workspace."""


class OneWorkspace:
    """Its bot token is a setting. ``client`` makes a Slack client that asks for its token before each call."""

    def __init__(
        self,
        *,
        database: Database,
        client: Callable[[Callable[[], Awaitable[Token]]], SlackClient],
        bot_token: Token,
    ) -> None:
        self._db, self._bot_token, self._make = database, bot_token, client
        self._workspace_id: str | None = None
        self._result: AuthorizeResult | None = None
        self._client = client(self._own_token)

    async def start(self) -> None:
        """Ask Slack once who we are, and remember the workspace. Waits for a Slack that is away."""
        while True:
            try:
                identity = await self._client.test_auth()
                break
            except SlackRefused as error:
                raise StartupFailed(
                    f"Slack refuses BUILDBELL_SLACK_BOT_TOKEN ({error.error}). "
                    "Copy the Bot User OAuth Token from the app's page, OAuth & Permissions."
                ) from error
            except SlackFailed as error:
                log.warning("Slack does not answer; trying again in 5 s", extra={"error": str(error)})
                await asyncio.sleep(5)
        self._workspace_id = identity.team_id
        self._result = AuthorizeResult(
            enterprise_id=None,
            team_id=identity.team_id,
            bot_user_id=identity.bot_user_id,
            bot_scopes=list(identity.scopes),
        )
        await workspace_rows.save_workspace(
            self._db, workspace_id=identity.team_id, name=identity.team_name, bot_user_id=identity.bot_user_id
        )

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        return self._result if team_id == self._workspace_id else None

    def client(self, workspace_id: str) -> SlackClient:
        return self._client if workspace_id == self._workspace_id else self._make(_no_token)

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        granted = self._result.bot_scopes if self._result and workspace_id == self._workspace_id else None
        return scope in (granted or ())

    async def is_admin(self, workspace_id: str, user_id: str) -> bool:
        return await is_admin(self.client(workspace_id), user_id)

    async def _own_token(self) -> Token:
        return self._bot_token


class ManyWorkspaces:
    """Each installed Buildbell itself; the tokens are in the database, and come and go."""

    def __init__(self, *, tokens: SlackTokens, client: Callable[[Callable[[], Awaitable[Token]]], SlackClient]) -> None:
        self._tokens, self._make = tokens, client

    async def start(self) -> None:
        """Nothing to ask: who has installed is in the database."""

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        """Handlers speak through `client`, so that Bolt needs no token."""
        if team_id is not None and team_id.startswith(ORGANISATION):
            team_id, enterprise_id = None, team_id
        row = await self._tokens.find(team_id, enterprise_id)
        if row is None:
            return None
        return AuthorizeResult(
            enterprise_id=row.enterprise_id or None,
            team_id=team_id,
            bot_id=row.bot_id,
            bot_user_id=row.bot_user_id,
            bot_scopes=row.bot_scopes,
        )

    def client(self, workspace_id: str) -> SlackClient:
        return self._make(partial(self._tokens.get_token, workspace_id))

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        row = await self._tokens.find(workspace_id)
        return row is not None and scope in row.bot_scopes.split(",")

    async def is_admin(self, workspace_id: str, user_id: str) -> bool:
        return await is_admin(self.client(workspace_id), user_id)


@dataclass(frozen=True, slots=True)
class Wired:
    """``tokens`` and ``oauth`` exist only where workspaces install by OAuth."""

    installs: Installs
    tokens: SlackTokens | None = None
    oauth: OAuth | None = None


def wire_installs(
    settings: Settings,
    *,
    database: Database,
    engine: Engine,
    vault: Vault,
    session: aiohttp.ClientSession,
    clock: Clock,
    new_id: Callable[[], str],
) -> Wired:
    """Set up the access to Slack that the settings ask for: one bot token, or installations by OAuth."""

    def client(token: Callable[[], Awaitable[Token]]) -> SlackClient:
        web = web_client(session=session, base_url=settings.slack_api_url)
        return SlackClient(web=web, session=session, token=token)

    if settings.slack_client_id is None or settings.slack_client_secret is None:
        given = settings.slack_bot_token
        bot_token = Token(given.get_secret_value() if given else "")
        return Wired(OneWorkspace(database=database, client=client, bot_token=bot_token))
    from bot.workspaces.installation_store import RENEW, Installed
    from bot.workspaces.oauth import OAuth
    from bot.workspaces.oauth_client import OAuthClient  # a single workspace needs none of these
    from bot.workspaces.slack_tokens import SlackTokens

    installed = Installed(database=database, engine=engine, vault=vault, clock=clock, new_id=new_id)
    oauth_client = OAuthClient(
        session=session, api_url=settings.slack_api_url, client_id=settings.slack_client_id,
        client_secret=Token(settings.slack_client_secret.get_secret_value()),
    )  # fmt: skip
    tokens = SlackTokens(database=database, installed=installed, oauth=oauth_client, clock=clock)
    engine.register(JobKind(RENEW, SlackTokens.renew_early, concurrency=4), tokens)
    oauth = OAuth(
        database=database, installed=installed, tokens=tokens, client=oauth_client, clock=clock,
        new_secret=secrets.token_urlsafe, settings=settings,
    )  # fmt: skip
    return Wired(ManyWorkspaces(tokens=tokens, client=client), tokens, oauth)


async def is_admin(client: SlackClient, user_id: str) -> bool:
    try:
        person = await client.get_user(user_id)
    except SlackFailed as error:
        log.warning("Slack could not say who is an admin", extra={"error": str(error)})
        return False
    return person.is_admin or person.is_owner


async def _no_token() -> Token:
    raise NotInstalled
