"""After the end: look once into what a build left behind, and show it where the build is told."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from bot.clock import Clock
from bot.connections import Connections
from bot.engine import Engine, Job
from bot.outbox import Outbox
from bot.outcomes import Outcome
from storage import Database, Transaction
from storage.builds import BuildRow, BuildStore
from storage.cards import CardStore
from storage.findings import FOUND, WANTED, FindingRow, FindingStore

log = logging.getLogger(__name__)
LOOK_INTO = "look-into"


class Findings:
    def __init__(
        self,
        *,
        database: Database,
        builds: BuildStore,
        cards: CardStore,
        findings: FindingStore,
        connections: Connections,
        outbox: Outbox,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._db, self._builds, self._cards, self._findings = database, builds, cards, findings
        self._connections, self._outbox, self._engine, self._clock = connections, outbox, engine, clock
        engine.register(LOOK_INTO, self.look_into, concurrency=4)

    async def want(self, tx: Transaction, build: BuildRow) -> None:
        """Somebody is shown this end: what is behind a failure, or can be installed, is looked for, once."""
        if build.outcome not in (Outcome.FAILED, Outcome.SUCCEEDED) or build.is_pipeline:
            return
        wanted = FindingRow(build.workspace_id, build.build_slug, WANTED, self._clock.now())
        if await self._findings.claim_finding(tx, wanted):
            arguments = {"workspace_id": build.workspace_id, "build_slug": build.build_slug}
            await self._engine.enqueue(tx, Job(LOOK_INTO, arguments))

    async def look_into(self, arguments: Mapping[str, Any]) -> None:
        """One step: fetch, or come back later; then keep and show what was found."""
        finding = await self._findings.find_finding(arguments["workspace_id"], arguments["build_slug"])
        build = await self._builds.find_build(arguments["workspace_id"], arguments["build_slug"])
        if finding is None or build is None or finding.state != WANTED:
            return
        await self._keep(build, dataclasses.replace(finding, state=FOUND))

    async def _keep(self, build: BuildRow, finding: FindingRow) -> None:
        async def keep(tx: Transaction) -> None:
            if not await self._findings.save_finding(tx, finding):
                return
            for card in await self._cards.list_telling(build.workspace_id, build.build_slug, on=tx):
                if build.outcome == Outcome.FAILED:
                    await self._outbox.explain(tx, card)
                else:
                    await self._outbox.show_card(tx, card)

        await self._db.transaction(keep)
