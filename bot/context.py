"""The frozen bundle every handler receives by the name ``services``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.apps import Apps
from bot.builds.abort import Aborts
from bot.builds.bulk_abort import Bulk
from bot.builds.queries import Builds
from bot.builds.rebuild import Again
from bot.builds.skip import Skips
from bot.builds.start import Starts
from bot.builds.unfurl import Unfurls
from bot.builds.views import Showing
from bot.clock import Clock
from bot.connection import Connections
from bot.notifications.preferences import Me
from bot.notifications.subscriptions import Subscribing
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.results.service import Findings
from bot.slack.client import SlackClient
from bot.slack.text import Message
from bot.statistics.digests import Digests
from bot.statistics.queries import Statistics
from bot.sync.filter_preview import Preview
from bot.sync.import_requests import Imports
from bot.sync.webhooks import Hints
from bot.tasks import Tasks
from bot.workspaces.uninstall import Uninstalls
from storage import Database
from storage.apps import AppStore
from storage.export_rows import FactStore
from storage.outbox import OutboxStore
from storage.requests import RequestStore
from storage.statistics import FigureStore
from storage.workspaces import WorkspaceStore


@dataclass(frozen=True, slots=True)
class Services:
    command: str
    clock: Clock
    database: Database
    access: Access
    apps: Apps
    starts: Starts
    aborts: Aborts
    bulk: Bulk
    builds: Builds
    again: Again
    subscribing: Subscribing
    preview: Preview
    connections: Connections
    hints: Hints
    skips: Skips
    imports: Imports
    showing: Showing
    me: Me
    outbox: Outbox
    unfurls: Unfurls
    uninstalls: Uninstalls
    findings: Findings
    tasks: Tasks
    slack: Callable[[str], SlackClient]
    workspaces: WorkspaceStore
    app_rows: AppStore
    requests: RequestStore
    messages: OutboxStore
    statistics: Statistics
    digests: Digests
    figures: FigureStore
    facts: FactStore

    async def whisper(self, asker: Asker, message: Message) -> None:
        """Answer a person privately; the answer is stored before it is sent."""
        await self.database.transaction(lambda tx: self.outbox.whisper(tx, asker, message))
