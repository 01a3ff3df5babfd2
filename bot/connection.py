"""A workspace's one Bitrise token: connect, verify, replace, disconnect, and notice when it is dead."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import App
from bot.clock import Clock
from bot.engine import Engine, Job, RetryAt
from bot.errors import BitriseBusy, BitriseError, BitriseUnauthorized, BitriseUnavailable, NotConnected, TokenRejected
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.requests import Requests
from bot.slack import connect as connect_form
from bot.slack.client import SlackClient
from bot.slack.errors import SlackFailed
from bot.slack.replies import reply
from bot.sync.import_requests import Imports
from bot.sync_schedule import Sweeps
from bot.vault import Token, Vault
from storage import Database, Transaction
from storage.apps import AppRow, AppStore
from storage.audit import AuditRow, AuditStore
from storage.channel_lookup import PlaceRow, PlaceStore
from storage.requests import RequestRow, RequestStore
from storage.workspaces import WorkspaceRow, WorkspaceStore

log = logging.getLogger(__name__)
CONNECT = "connect"
VERIFY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token turned out to be: its ``kind`` (personal or workspace), whose it is, what it reaches."""

    kind: str
    owner: str
    apps: tuple[App, ...]


def token_context(workspace_id: str) -> str:
    return f"bitrise:{workspace_id}"


class Connections:
    def __init__(
        self,
        *,
        database: Database,
        workspaces: WorkspaceStore,
        places: PlaceStore,
        apps: AppStore,
        requests: RequestStore,
        audit: AuditStore,
        outbox: Outbox,
        sweeps: Sweeps,
        imports: Imports,
        engine: Engine,
        access: Access,
        vault: Vault,
        made: Requests,
        clock: Clock,
        new_id: Callable[[], str],
        bitrise: Callable[[Token], BitriseClient],
        slack: Callable[[str], SlackClient],
        command: str,
    ) -> None:
        self._db, self._workspaces, self._apps, self._requests = database, workspaces, apps, requests
        self._places = places
        self._audit, self._outbox, self._sweeps, self._engine = audit, outbox, sweeps, engine
        self._imports = imports
        self._access, self._vault, self._made, self._clock, self._new_id = access, vault, made, clock, new_id
        self._bitrise, self._slack, self._command = bitrise, slack, command
        engine.register(CONNECT, self.perform_connect, concurrency=4)

    # Using the token.

    async def get_connected(self, workspace_id: str) -> WorkspaceRow:
        """The workspace, if it has a token Bitrise takes. Raises `NotConnected` or `TokenRejected`."""
        workspace = await self._workspaces.find_workspace(workspace_id)
        if workspace is None or workspace.bitrise_token_sealed is None:
            raise NotConnected(self._command)
        self._check_health(workspace.health)
        return workspace

    async def get_place(self, workspace_id: str, channel_id: str) -> PlaceRow:
        """A connected workspace seen from one of its channels. Raises `NotConnected` or `TokenRejected`."""
        place = await self._places.find_place(workspace_id, channel_id)
        if place is None or not place.is_connected:
            raise NotConnected(self._command)
        self._check_health(place.health)
        return place

    def _check_health(self, health: str) -> None:
        if health == "refused":
            raise TokenRejected(self._command)

    @asynccontextmanager
    async def bitrise(self, workspace_id: str) -> AsyncIterator[BitriseClient]:
        """A client with the workspace's token. Raises what `get_connected` and `bitrise_of` raise."""
        async with self.bitrise_of(await self.get_connected(workspace_id)) as client:
            yield client

    @asynccontextmanager
    async def bitrise_of(self, workspace: WorkspaceRow) -> AsyncIterator[BitriseClient]:
        """The same where the workspace has just been read; a 401 inside marks its token as dead: `TokenRejected`."""
        sealed = workspace.bitrise_token_sealed or ""
        try:
            yield self._bitrise(self._vault.open(sealed, context=token_context(workspace.workspace_id)))
        except BitriseUnauthorized as error:
            await self._mark_refused(workspace, sealed)
            raise TokenRejected(self._command) from error

    async def _mark_refused(self, workspace: WorkspaceRow, sealed: str) -> None:
        """Say it once, to whoever connected it."""
        message = reply(
            f"Bitrise refuses the token stored for this Slack workspace since now ({workspace.bitrise_owner}). "
            "Builds can't be started, followed or stopped until it is replaced: "
            f"make a new token at Bitrise and run `{self._command} connect`."
        )

        async def note(tx: Transaction) -> None:
            moved = await self._workspaces.move_health(
                tx, workspace.workspace_id, sealed=sealed, to="refused", now=self._clock.now()
            )
            if moved and workspace.connected_by:
                await self._outbox.write_to(tx, workspace.workspace_id, workspace.connected_by, message)

        await self._db.transaction(note)

    async def revive(self, workspace_id: str) -> bool:
        """Ask once more about a refused token: the 401 may have been Bitrise's own trouble. True when it works."""
        workspace = await self._workspaces.find_workspace(workspace_id)
        if workspace is None or workspace.bitrise_token_sealed is None:
            return False
        sealed = workspace.bitrise_token_sealed
        try:
            await self._bitrise(self._vault.open(sealed, context=token_context(workspace_id))).list_apps(limit=1)
        except BitriseError:
            return False

        async def note(tx: Transaction) -> None:
            moved = await self._workspaces.move_health(tx, workspace_id, sealed=sealed, to="ok", now=self._clock.now())
            if moved and workspace.connected_by:
                good = reply("Bitrise takes the stored token again; builds can be started, followed and stopped.")
                await self._outbox.write_to(tx, workspace_id, workspace.connected_by, good)

        await self._db.transaction(note)
        return True

    # Connecting.

    async def request_connect(self, asker: Asker, token: str, *, view_id: str) -> None:
        """Store the token to be verified, sealed; the modal ``view_id`` will show how it went."""
        await self._access.check_may_connect(asker)
        request = self._made.make(
            asker,
            kind=CONNECT,
            unique_key=f"connect:{view_id}:{self._new_id()}",
            parameters={"token": token},
            view_id=view_id,
        )

        async def store(tx: Transaction) -> None:
            if await self._requests.add_request(tx, request):
                await self._engine.enqueue(tx, Job(CONNECT, {"request_id": request.request_id}, key=asker.workspace_id))

        await self._db.transaction(store)

    async def perform_connect(self, arguments: Any) -> None:
        """Verify a candidate; only then does it replace the token before it."""
        request = await self._requests.find_request(arguments["request_id"])
        if request is None or request.state != "accepted":
            return
        token = Token(self._made.parameters_of(request)["token"])
        try:
            verified = await self.verify(token)
        except BitriseUnauthorized:
            await self._refuse(request, "Bitrise does not know this token. Copy it again; tokens are shown only once.")
        except (BitriseUnavailable, BitriseBusy) as error:
            if self._clock.now() - request.created_at < VERIFY_FOR:
                pause = error.retry_after if isinstance(error, BitriseBusy) else 3
                raise RetryAt(self._clock.now() + timedelta(seconds=pause)) from error
            await self._refuse(request, f"Bitrise could not be asked: {error.sentence} Please try again later.")
        except BitriseError as error:
            await self._refuse(request, f"Bitrise did not accept the token: {error.sentence}")
        else:
            await self._keep(request, token, verified)

    async def verify(self, token: Token) -> Verified:
        """Whose token it is and which apps it reaches. Only the app list works for every kind of token."""
        client = self._bitrise(token)
        apps = tuple(await client.list_all_apps())
        owner = await client.me()
        if owner is not None:
            return Verified("personal", owner.username or "a Bitrise user", apps)
        names = sorted({app.owner_name for app in apps if app.owner_name})
        return Verified("workspace", f"workspace {', '.join(names[:3])}" if names else "a Bitrise workspace", apps)

    async def _keep(self, request: RequestRow, token: Token, verified: Verified) -> None:
        now = self._clock.now()
        workspace_id = request.workspace_id
        sealed = self._vault.seal(token.reveal(), context=token_context(workspace_id))
        summary = f"{verified.owner}, {len(verified.apps)} apps"

        async def keep(tx: Transaction) -> bool:
            if not await self._requests.settle_request(tx, request.request_id, state="done", result=summary, now=now):
                return False  # forgotten while it was being verified
            await self._workspaces.save_connection(
                tx, workspace_id, sealed=sealed, kind=verified.kind, owner=verified.owner, by=request.user_id, now=now
            )
            await self._apps.replace_apps(tx, workspace_id, app_rows(workspace_id, verified.apps))
            await self._workspaces.save_apps_refreshed(tx, workspace_id, now=now)
            await self._requests.forget_parameters(tx, request.request_id)
            await self._note(tx, workspace_id, request.user_id, "connect", verified.owner, summary)
            await self._sweeps.plan(tx, workspace_id, at=now)
            await self._imports.begin(tx, workspace_id, [app.slug for app in verified.apps], by=request.user_id)
            return True

        if await self._db.transaction(keep):
            await self._show(
                request, connect_form.connected_view(verified.owner, len(verified.apps), command=self._command)
            )

    async def _refuse(self, request: RequestRow, problem: str) -> None:
        async def refuse(tx: Transaction) -> None:
            now = self._clock.now()
            await self._requests.settle_request(tx, request.request_id, state="refused", result=problem, now=now)
            await self._requests.forget_parameters(tx, request.request_id)

        await self._db.transaction(refuse)
        await self._show(request, connect_form.connect_form(channel_id=request.channel_id, failure=problem))

    async def _show(self, request: RequestRow, view: dict[str, Any]) -> None:
        """Best effort: the modal may have been closed meanwhile; App Home and ``doctor`` show the same."""
        try:
            await self._slack(request.workspace_id).update_view(request.view_id or "", view)
        except SlackFailed as error:
            log.info("the connect modal could not be updated", extra={"error": str(error)})

    # Disconnecting.

    async def disconnect(self, asker: Asker) -> bool:
        """Forget the token; False when there was none."""
        await self._access.check_may_connect(asker)
        now = self._clock.now()

        async def forget(tx: Transaction) -> bool:
            await self._requests.drop_connecting(tx, asker.workspace_id, result="disconnected meanwhile", now=now)
            gone = await self._workspaces.delete_connection(tx, asker.workspace_id, now=now)
            if gone:
                await self._apps.replace_apps(tx, asker.workspace_id, [])
                await self._imports.forget(tx, asker.workspace_id)
                await self._note(tx, asker.workspace_id, asker.user_id, "disconnect", "bitrise", "done")
            return gone

        return await self._db.transaction(forget)

    async def _note(
        self, tx: Transaction, workspace_id: str, user_id: str, verb: str, subject: str, result: str
    ) -> None:
        entry = AuditRow(self._new_id(), workspace_id, self._clock.now(), user_id, verb, subject, result)
        await self._audit.add_entry(tx, entry)


def app_rows(workspace_id: str, apps: tuple[App, ...]) -> list[AppRow]:
    return [
        AppRow(
            workspace_id=workspace_id,
            app_slug=app.slug,
            title=app.title or app.repo_slug or app.slug,
            repo_owner=app.repo_owner,
            repo_slug=app.repo_slug,
            repo_url=app.repo_url,
            project_type=app.project_type,
            is_disabled=app.is_disabled,
            provider=app.provider,
        )
        for app in apps
    ]
