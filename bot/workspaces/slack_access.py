"""Slack access of workspaces: their clients, and which workspaces may send requests."""

from __future__ import annotations

import asyncio
import logging
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
ORGANIZATION_PREFIX = "E"
"""Start of the ids of organizations, which Slack sometimes sends in place of a workspace's."""
GUEST_TIMEOUT_SECONDS = 1.0
"""Slack waits 3 s for the answer to what a person did."""
GetToken = Callable[[], Awaitable[Token]]
NewClient = Callable[[GetToken], SlackClient]


class Workspaces(Protocol):
    """One workspace with its token in the settings, or many that installed by OAuth."""

    async def start(self) -> None:
        """Prepare, before requests are accepted."""

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        """Answer Bolt, which asks for every request; None refuses it. No call to Slack, no token is opened."""

    def client(self, workspace_id: str) -> SlackClient:
        """Return the Slack client of a workspace. Without an installation its calls raise `NotInstalled`."""

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        """Whether the workspace granted the scope."""


class SingleWorkspace:
    """The workspace of the bot token in the settings."""

    def __init__(self, *, database: Database, new_client: NewClient, bot_token: Token) -> None:
        self._db, self._new_client = database, new_client
        self._workspace_id: str | None = None
        self._result: AuthorizeResult | None = None

        async def get_token() -> Token:
            return bot_token

        self._client = new_client(get_token)

    async def start(self) -> None:
        """Fetch the identity of the token, however long that takes, and store the workspace."""
        while True:
            try:
                identity = await self._client.test_auth()
                break
            except SlackRefused as error:
                raise StartupFailed(
                    f"Slack rejected BUILDBELL_SLACK_BOT_TOKEN ({error.error}). "
                    "Copy the Bot User OAuth Token from OAuth & Permissions."
                ) from error
            except SlackFailed as error:
                log.warning("Slack did not respond; trying again in 5 s", extra={"error": str(error)})
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
        async def get_token() -> Token:
            raise NotInstalled

        return self._client if workspace_id == self._workspace_id else self._new_client(get_token)

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        scopes = self._result.bot_scopes if self._result and workspace_id == self._workspace_id else None
        return scope in (scopes or ())


class InstalledWorkspaces:
    """The workspaces that installed Buildbell by OAuth. They and their tokens are in the database."""

    def __init__(self, *, tokens: SlackTokens, new_client: NewClient) -> None:
        self._tokens, self._new_client = tokens, new_client

    async def start(self) -> None:
        """Nothing to prepare."""

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        """Return no token: handlers use `client`."""
        if team_id is not None and team_id.startswith(ORGANIZATION_PREFIX):
            team_id, enterprise_id = None, team_id
        row = await self._tokens.find(team_id, enterprise_id)
        if row is None:
            return None
        return AuthorizeResult(
            enterprise_id=row.enterprise_id or None,
            team_id=team_id,
            bot_user_id=row.bot_user_id,
            bot_scopes=row.bot_scopes,
        )

    def client(self, workspace_id: str) -> SlackClient:
        return self._new_client(partial(self._tokens.get_token, workspace_id))

    async def has_scope(self, workspace_id: str, scope: str) -> bool:
        row = await self._tokens.find(workspace_id)
        return row is not None and scope in row.bot_scopes.split(",")


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """``tokens`` and ``oauth`` exist only where workspaces install by OAuth."""

    workspaces: Workspaces
    tokens: SlackTokens | None = None
    oauth: OAuth | None = None


def open_slack_access(
    settings: Settings,
    *,
    database: Database,
    engine: Engine,
    vault: Vault,
    session: aiohttp.ClientSession,
    clock: Clock,
    new_id: Callable[[], str],
) -> SlackAccess:
    """Set up the access to Slack that the settings ask for: one bot token, or installations by OAuth."""

    def new_client(get_token: GetToken) -> SlackClient:
        web = web_client(session=session, base_url=settings.slack_api_url)
        return SlackClient(web=web, session=session, token=get_token)

    if settings.slack_client_id is None or settings.slack_client_secret is None:
        secret = settings.slack_bot_token
        bot_token = Token(secret.get_secret_value() if secret else "")
        return SlackAccess(SingleWorkspace(database=database, new_client=new_client, bot_token=bot_token))
    from bot.workspaces.installation_store import RENEW, InstallationStore
    from bot.workspaces.oauth import OAuth
    from bot.workspaces.oauth_client import OAuthClient  # a single workspace needs none of these
    from bot.workspaces.slack_tokens import SlackTokens

    store = InstallationStore(database=database, engine=engine, vault=vault, clock=clock, new_id=new_id)
    client = OAuthClient(
        session=session, api_url=settings.slack_api_url, client_id=settings.slack_client_id,
        client_secret=Token(settings.slack_client_secret.get_secret_value()),
    )  # fmt: skip
    tokens = SlackTokens(database=database, store=store, oauth=client, clock=clock)
    engine.register(JobKind(RENEW, SlackTokens.renew_early, concurrency=4), tokens)
    oauth = OAuth(
        database=database, store=store, tokens=tokens, client=client, vault=vault, clock=clock, settings=settings,
    )  # fmt: skip
    return SlackAccess(InstalledWorkspaces(tokens=tokens, new_client=new_client), tokens, oauth)


async def is_admin(client: SlackClient, user_id: str) -> bool:
    """Whether Slack says that a person is an admin or owner of the client's workspace."""
    try:
        user = await client.get_user(user_id)
    except SlackFailed as error:
        log.warning("Slack did not say who is an admin", extra={"error": str(error)})
        return False
    return user.is_admin or user.is_owner


async def is_guest(client: SlackClient, user_id: str) -> bool | None:
    """Whether Slack says that a person is a guest of the client's workspace; None if it doesn't answer in time."""
    try:
        async with asyncio.timeout(GUEST_TIMEOUT_SECONDS):
            return (await client.get_user(user_id)).is_guest
    except (TimeoutError, SlackFailed) as error:
        log.info("Slack did not say whether a person is a guest", extra={"user": user_id, "error": str(error)})
        return None
