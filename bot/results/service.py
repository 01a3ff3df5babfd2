"""What a build left behind: why it failed, what can be installed. Looked into once after the end, and when asked."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Artifact
from bot.clock import Clock
from bot.connection import Connections
from bot.domain.builds import Outcome
from bot.engine import Engine, Job, RetryAt
from bot.errors import BitriseBusy, BitriseUnavailable, BuildbellError
from bot.outbox import Outbox
from bot.results import failure as failing
from bot.results.install_links import Leftovers, install_links, pick_installs, plain_files
from storage import Database, Transaction
from storage.builds import BuildRow, BuildStore
from storage.messages import CARD, CardStore
from storage.results import FOUND, WANTED, FindingRow, FindingStore

log = logging.getLogger(__name__)
LOOK_INTO = "look-into"
AGAIN_AFTER = timedelta(seconds=20)
GIVE_UP_AFTER = timedelta(minutes=10)
MOST_PAGES = 10
SOON = timedelta(minutes=1)


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

    # After the end.

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
        wanted = await self._findings.find_finding(arguments["workspace_id"], arguments["build_slug"])
        build = await self._builds.find_build(arguments["workspace_id"], arguments["build_slug"])
        if wanted is None or build is None or wanted.state != WANTED:
            return
        try:
            async with self._connections.bitrise(build.workspace_id) as client:
                found = await self._look(client, build, wanted)
        except (BitriseUnavailable, BitriseBusy) as error:
            self._come_back(wanted, error)
            found = wanted
        except BuildbellError as error:
            log.info("nothing could be found out about a build", extra={"build": build.build_slug, "why": str(error)})
            found = wanted
        await self._keep(build, dataclasses.replace(found, state=FOUND))

    def _come_back(self, wanted: FindingRow, error: BitriseUnavailable | BitriseBusy) -> None:
        """Bitrise is away: again in a while, but not for ever."""
        if self._clock.now() - wanted.asked_at < GIVE_UP_AFTER:
            pause = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else AGAIN_AFTER
            raise RetryAt(self._clock.now() + pause) from error

    async def _look(self, client: BitriseClient, build: BuildRow, wanted: FindingRow) -> FindingRow:
        if build.outcome == Outcome.SUCCEEDED:
            installs = install_links(await list_artifacts(client, build))
            return dataclasses.replace(wanted, installs=tuple(dataclasses.asdict(link) for link in installs))
        finding = await failing.look_into(client, build, now=self._clock.now())
        if isinstance(finding, failing.NotYet):
            raise RetryAt(finding.retry_at)
        return with_finding(wanted, finding)

    async def _keep(self, build: BuildRow, finding: FindingRow) -> None:
        async def keep(tx: Transaction) -> None:
            if not await self._findings.save_finding(tx, finding):
                return
            for card in await self._cards.list_telling(build.workspace_id, build.build_slug, on=tx):
                if build.outcome == Outcome.FAILED:
                    await self._outbox.explain(tx, card, build.build_slug)
                elif card.style == CARD and finding.installs:
                    await self._outbox.show_card(tx, card)

        await self._db.transaction(keep)

    # When asked.

    async def explain(self, build: BuildRow) -> FindingRow:
        """Why a build failed, or what it has printed so far; what is known already is not asked for again."""
        known = await self._findings.find_finding(build.workspace_id, build.build_slug)
        if known is not None and known.state == FOUND and build.outcome == Outcome.FAILED:
            return known
        now = self._clock.now()
        async with self._connections.bitrise(build.workspace_id) as client:
            found = await failing.look_into(client, build, now=now, patience=timedelta(0))
        bare = FindingRow(build.workspace_id, build.build_slug, FOUND, now)
        if isinstance(found, failing.NotYet) or (not found.lines and may_still_come(build, now)):
            return dataclasses.replace(bare, missing=failing.NOT_STARTED)
        return with_finding(bare, found)

    async def leftovers(self, build: BuildRow) -> Leftovers:
        """What can be installed, with the addresses of its pages, and the other files."""
        async with self._connections.bitrise(build.workspace_id) as client:
            artifacts = await list_artifacts(client, build)
            pages = [
                await client.get_artifact(build.app_slug, build.build_slug, artifact.slug)
                for artifact in pick_installs(artifacts)
            ]
        return Leftovers(install_links(pages), plain_files(artifacts))


def may_still_come(build: BuildRow, now: datetime) -> bool:
    """Whether Bitrise may only be slow with the log."""
    has_run = build.started_at is not None and build.finished_at is not None
    return has_run and build.finished_at is not None and now - build.finished_at < SOON


async def list_artifacts(client: BitriseClient, build: BuildRow) -> list[Artifact]:
    found: list[Artifact] = []
    anchor: str | None = None
    for _ in range(MOST_PAGES):
        page = await client.list_artifacts(build.app_slug, build.build_slug, next=anchor)
        found += page.items
        if page.next is None or page.next == anchor:
            break
        anchor = page.next
    return found


def with_finding(row: FindingRow, finding: failing.Finding) -> FindingRow:
    return dataclasses.replace(
        row, failed_step=finding.step, lines=finding.lines, tests=finding.tests, missing=finding.missing
    )
