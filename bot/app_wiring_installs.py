"""Wiring of what speaks to Slack: one workspace with its token in the settings, or many that install by OAuth."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from bot.clock import Clock
from bot.engine import Engine
from bot.settings import Settings
from bot.slack.client import SlackClient, web_client
from bot.vault import Token, Vault
from bot.workspaces.slack_access import Installs, ManyWorkspaces, OneWorkspace
from storage import Database
from storage.audit import AuditStore
from storage.installations import InstallationStore
from storage.workspaces import WorkspaceStore

if TYPE_CHECKING:
    from bot.workspaces.oauth import OAuth
    from bot.workspaces.slack_tokens import SlackTokens


@dataclass(frozen=True, slots=True)
class Wired:
    """``tokens`` and ``oauth`` are there for many workspaces only."""

    installs: Installs
    tokens: SlackTokens | None = None
    oauth: OAuth | None = None


def wire_installs(
    settings: Settings,
    *,
    database: Database,
    workspaces: WorkspaceStore,
    audit: AuditStore,
    engine: Engine,
    vault: Vault,
    session: aiohttp.ClientSession,
    clock: Clock,
    new_id: Callable[[], str],
) -> Wired:
    def client(token: Callable[[], Awaitable[Token]]) -> SlackClient:
        web = web_client(session=session, base_url=settings.slack_api_url)
        return SlackClient(web=web, session=session, token=token)

    if settings.slack_client_id is None or settings.slack_client_secret is None:
        given = settings.slack_bot_token
        bot_token = Token(given.get_secret_value() if given else "")
        return Wired(OneWorkspace(workspaces=workspaces, client=client, bot_token=bot_token))
    from bot.slack.oauth import OAuthClient
    from bot.workspaces.installation_store import Installed  # one workspace needs none of these
    from bot.workspaces.oauth import OAuth
    from bot.workspaces.slack_tokens import SlackTokens
    from storage.oauth_states import OAuthStateStore

    rows = InstallationStore(database)
    installed = Installed(
        database=database, installations=rows, workspaces=workspaces, audit=audit, engine=engine, vault=vault,
        clock=clock, new_id=new_id,
    )  # fmt: skip
    oauth_client = OAuthClient(
        session=session, api_url=settings.slack_api_url, client_id=settings.slack_client_id,
        client_secret=Token(settings.slack_client_secret.get_secret_value()),
    )  # fmt: skip
    tokens = SlackTokens(
        database=database, installations=rows, workspaces=workspaces, installed=installed, oauth=oauth_client,
        engine=engine, clock=clock,
    )  # fmt: skip
    oauth = OAuth(
        states=OAuthStateStore(database), installed=installed, tokens=tokens, client=oauth_client, clock=clock,
        new_secret=secrets.token_urlsafe, public_url=settings.public_url or "", command=settings.command,
    )  # fmt: skip
    return Wired(ManyWorkspaces(tokens=tokens, client=client), tokens, oauth)
