"""The frozen bundle every handler receives by the name ``services``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.aborts import Aborts
from bot.access import Access, Asker
from bot.again import Again
from bot.apps import Apps
from bot.builds import Builds
from bot.bulk import Bulk
from bot.clock import Clock
from bot.connections import Connections
from bot.digests import Digests
from bot.findings import Findings
from bot.hints import Hints
from bot.imports import Imports
from bot.me import Me
from bot.outbox import Outbox
from bot.preview import Preview
from bot.showing import Showing
from bot.skips import Skips
from bot.slack.client import SlackClient
from bot.slack.text import Message
from bot.starts import Starts
from bot.stats import Statistics
from bot.subscribing import Subscribing
from bot.tasks import Tasks
from bot.unfurls import Unfurls
from bot.uninstalls import Uninstalls
from storage import Database
from storage.apps import AppStore
from storage.facts import FactStore
from storage.figures import FigureStore
from storage.outbox import OutboxStore
from storage.requests import RequestStore
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
