"""Where Buildbell is installed: which Slack token speaks for a workspace, and who Bolt lets in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from slack_bolt.authorization import AuthorizeResult

from bot.errors import StartupFailed
from bot.slack.client import SlackClient, SlackFailed, SlackRefused
from storage.workspaces import WorkspaceStore

log = logging.getLogger(__name__)


class Installs:
    """One workspace, its bot token from the settings. ``client`` makes a Slack client from a token."""

    def __init__(self, *, workspaces: WorkspaceStore, client: Callable[[str], SlackClient], bot_token: str) -> None:
        self._workspaces, self._bot_token = workspaces, bot_token
        self._client = client(bot_token)
        self._workspace_id: str | None = None
        self._result: AuthorizeResult | None = None

    async def start(self) -> str:
        """Ask Slack once who we are, and remember the workspace; returns its id. Waits for a Slack that is away."""
        while True:
            try:
                identity = await self._client.test()
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
            bot_token=self._bot_token,
            bot_user_id=identity.bot_user_id,
            bot_scopes=list(identity.scopes),
        )
        await self._workspaces.save_workspace(
            workspace_id=identity.team_id, name=identity.team_name, bot_user_id=identity.bot_user_id
        )
        return identity.team_id

    async def authorize(self, team_id: str | None, enterprise_id: str | None) -> AuthorizeResult | None:
        """Bolt's question for every request; answered from memory."""
        return self._result if team_id == self._workspace_id else None

    def client(self, workspace_id: str) -> SlackClient:
        """The Slack client of a workspace."""
        if workspace_id != self._workspace_id:
            raise LookupError(f"Buildbell is not installed in {workspace_id}")
        return self._client

    def has_scope(self, workspace_id: str, scope: str) -> bool:
        """Whether the workspace granted it, as Slack said at the start."""
        granted = self._result.bot_scopes if self._result and workspace_id == self._workspace_id else None
        return scope in (granted or ())

    async def is_admin(self, workspace_id: str, user_id: str) -> bool:
        """Whether Slack says that a person is an admin or owner of the workspace."""
        try:
            person = await self.client(workspace_id).user(user_id)
        except SlackFailed as error:
            log.warning("Slack could not say who is an admin", extra={"error": str(error)})
            return False
        return person.is_admin or person.is_owner
