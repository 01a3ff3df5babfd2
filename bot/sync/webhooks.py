"""Bitrise's webhooks: hints that something has moved. They are asked for once an app, and make a sweep due at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Webhook
from bot.bitrise.webhook import SECRET_HEADER, parse_hint, verify_delivery
from bot.clock import Clock
from bot.connection import Connections
from bot.errors import AppNotFound, BitriseNotFound, BuildbellError, SealBroken
from bot.permissions import Access, Asker
from bot.sync_schedule import LEAST_PAUSE, Sweeps
from bot.vault import Vault
from storage import Database, Transaction
from storage.apps import AppRow, AppStore
from storage.audit import AuditRow, AuditStore
from storage.webhooks import WebhookRow, WebhookStore
from storage.workspace_keys import DoorStore
from storage.workspaces import WorkspaceRow, WorkspaceStore

log = logging.getLogger(__name__)
PATH = "/bitrise/webhook"
"""However many hints come, Bitrise is not asked more often."""


@dataclass(frozen=True, slots=True)
class Paste:
    """What somebody enters at Bitrise by hand, when the stored token may not do it."""

    app: AppRow
    url: str
    header: str
    secret: str = field(repr=False)


class Hints:
    """``public_url`` is where Bitrise reaches this process, None when it cannot."""

    def __init__(
        self,
        *,
        database: Database,
        workspaces: WorkspaceStore,
        doors: DoorStore,
        apps: AppStore,
        webhooks: WebhookStore,
        audit: AuditStore,
        connections: Connections,
        access: Access,
        sweeps: Sweeps,
        vault: Vault,
        clock: Clock,
        new_id: Callable[[], str],
        public_url: str | None,
    ) -> None:
        self._doors = doors
        self._db, self._workspaces, self._apps, self._webhooks = database, workspaces, apps, webhooks
        self._audit, self._connections, self._access, self._sweeps = audit, connections, access, sweeps
        self._vault, self._clock, self._new_id, self._public_url = vault, clock, new_id, public_url

    @property
    def are_possible(self) -> bool:
        return self._public_url is not None

    # Coming in.

    async def receive(self, key: str, raw: bytes, headers: Mapping[str, str]) -> bool:
        """Whether it came from Bitrise; then a sweep is due. A lie, a replay or a flood can do no more than that."""
        workspace = await self._doors.find_by_webhook_key(key)
        if workspace is None or not self._is_true(workspace, raw, headers):
            return False
        hint, now = parse_hint(raw, headers), self._clock.now()
        last = workspace.last_sweep_at
        due_at = max(now, last + LEAST_PAUSE) if last else now

        async def note(tx: Transaction) -> None:
            await self._doors.save_webhook_seen(tx, workspace.workspace_id, now=now)
            await self._sweeps.make_due(tx, workspace.workspace_id, at=due_at)

        await self._db.transaction(note)
        log.info("Bitrise called", extra={"workspace": workspace.workspace_id, "event": hint.event})
        return True

    def _is_true(self, workspace: WorkspaceRow, raw: bytes, headers: Mapping[str, str]) -> bool:
        try:
            secret = self._open(workspace)
        except SealBroken:
            log.error("a webhook's secret does not open", extra={"workspace": workspace.workspace_id})
            return False
        return verify_delivery(raw=raw, headers=headers, secret=secret)

    # Being asked for.

    async def is_asked_for(self, workspace_id: str, app_slug: str) -> bool:
        return await self._webhooks.find_webhook(workspace_id, app_slug) is not None

    async def ask_for(self, asker: Asker, app_slug: str) -> Paste | None:
        """Have Bitrise call us about an app. What to paste, when the stored token's role is too low for that.

        Raises `NotAllowed`, `AppNotFound`, and `BuildbellError` when Bitrise cannot reach this process.
        """
        await self._access.check_may_connect(asker)
        if self._public_url is None:
            raise BuildbellError(
                "Bitrise can't reach me: whoever runs Buildbell has to set BUILDBELL_PUBLIC_URL first. "
                "Until then I ask Bitrise myself, every minute and more often while something runs."
            )
        app = await self._apps.find_app(asker.workspace_id, app_slug)
        if app is None:
            raise AppNotFound("That app is not among those the stored token reaches any more.")
        workspace = await self._prepared(asker.workspace_id)
        url, secret = f"{self._public_url}{PATH}/{workspace.webhook_key}", self._open(workspace)
        try:
            async with self._connections.bitrise(asker.workspace_id) as client:
                webhook = await find_or_create(client, app_slug, url=url, secret=secret)
        except BitriseNotFound:
            return Paste(app, url, SECRET_HEADER, secret)
        await self._keep(asker, app, webhook)
        return None

    async def _prepared(self, workspace_id: str) -> WorkspaceRow:
        """The workspace, with an address and a secret of its own."""
        key, secret = (self._new_id() + self._new_id(), "".join(self._new_id() for _ in range(4)))
        sealed = self._vault.seal(secret, context=secret_context(workspace_id))

        async def prepare(tx: Transaction) -> WorkspaceRow | None:
            await self._doors.claim_webhook_key(tx, workspace_id, key=key, sealed=sealed)
            return await self._workspaces.find_workspace(workspace_id, on=tx)

        workspace = await self._db.transaction(prepare)
        if workspace is None:
            raise BuildbellError("I don't know this Slack workspace.")
        return workspace

    async def _keep(self, asker: Asker, app: AppRow, webhook: Webhook) -> None:
        now = self._clock.now()
        row = WebhookRow(asker.workspace_id, app.app_slug, webhook.slug, asker.user_id, now)
        entry = AuditRow(self._new_id(), asker.workspace_id, now, asker.user_id, "webhook", app.app_slug, webhook.slug)

        async def keep(tx: Transaction) -> None:
            await self._webhooks.save_webhook(tx, row)
            await self._audit.add_entry(tx, entry)

        await self._db.transaction(keep)

    def _open(self, workspace: WorkspaceRow) -> str:
        sealed = workspace.webhook_secret_sealed or ""
        return self._vault.open(sealed, context=secret_context(workspace.workspace_id)).reveal()


async def find_or_create(client: BitriseClient, app_slug: str, *, url: str, secret: str) -> Webhook:
    """The one that calls this address already, or a new one: asking twice gives one webhook."""
    anchor: str | None = None
    while True:
        page = await client.list_webhooks(app_slug, next=anchor)
        found = next((webhook for webhook in page.items if webhook.url == url), None)
        if found is not None:
            return found
        if page.next is None or page.next == anchor:
            return await client.create_webhook(app_slug, url=url, secret=secret, headers={SECRET_HEADER: secret})
        anchor = page.next


def secret_context(workspace_id: str) -> str:
    return f"webhook:{workspace_id}"
