"""Sweep a workspace: one list call across its apps, compared with the rows; what fell off the page is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.apps import Apps
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build
from bot.clock import Clock
from bot.connection import Connections
from bot.engine import Engine, RetryAt, began_before
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
    NotConnected,
    TokenRejected,
)
from bot.notifications.events import News
from bot.outbox import Outbox
from bot.sync.backfill import Walk
from bot.sync.updates import Observer
from bot.sync_schedule import LEAST_PAUSE, SWEEP, Sweeps
from storage import Database, DatabaseUnavailable, Transaction
from storage.builds import BuildRow, BuildStore
from storage.messages import CARD, CardStore
from storage.workspaces import WorkspaceStore

log = logging.getLogger(__name__)
ASKED_SINGLY = 20
TICK_EVERY = timedelta(seconds=15)
LONGEST_BACK_OFF = timedelta(minutes=5)
CLAIM = timedelta(minutes=2)
GIVE_BACK_SECONDS = 2.0
LOST_AFTER = timedelta(minutes=10)
ASK_AGAIN = timedelta(minutes=10)
APPS_KEPT = timedelta(hours=6)


class Tracker:
    """Pauses between sweeps: ``watched`` while somebody follows a running build, ``heard`` while channels or people
    wait for whatever may start, ``idle`` otherwise.
    """

    def __init__(
        self,
        *,
        database: Database,
        workspaces: WorkspaceStore,
        builds: BuildStore,
        cards: CardStore,
        apps: Apps,
        connections: Connections,
        observer: Observer,
        news: News,
        walk: Walk,
        outbox: Outbox,
        sweeps: Sweeps,
        engine: Engine,
        clock: Clock,
        watched: timedelta,
        heard: timedelta,
        idle: timedelta,
    ) -> None:
        self._db, self._workspaces, self._builds, self._cards = database, workspaces, builds, cards
        self._apps, self._connections, self._observer, self._outbox = apps, connections, observer, outbox
        self._news, self._walk, self._sweeps, self._clock = news, walk, sweeps, clock
        self._watched, self._heard, self._idle = watched, heard, idle
        self._failures: dict[str, int] = {}
        engine.register(SWEEP, self.sweep, concurrency=16, give_up=self._plan_another)

    async def start(self, *, is_alone: bool) -> None:
        """The only process makes every connected workspace due: who knows how long nobody looked.

        Beside others it takes nothing from anybody, and plans only what is overdue; one job too many is harmless.
        """
        now = self._clock.now()
        if is_alone:
            await self._workspaces.release_sweeps(now=now)
        workspaces = await self._workspaces.list_workspaces()

        async def plan(tx: Transaction) -> None:
            for workspace in workspaces:
                is_due = workspace.sweep_due_at is None or workspace.sweep_due_at <= now
                if workspace.bitrise_token_sealed and is_due:
                    await self._sweeps.plan(tx, workspace.workspace_id, at=now)

        await self._db.transaction(plan)  # one commit, however many there are

    async def sweep(self, arguments: Mapping[str, Any]) -> None:
        """One sweep, if it is due and nobody else does it; plans the next one.

        Its time has come when the engine says so: on PostgreSQL that is by the server's clock, and ours may be behind.
        """
        workspace_id, now = arguments["workspace_id"], self._clock.now()
        due_at = datetime.fromisoformat(arguments["due_at"]) if "due_at" in arguments else now
        now = max(now, due_at)
        until = now + CLAIM
        try:
            if await self._claim(workspace_id, now=now, until=until):
                await self._sweep(workspace_id, now=now)
            else:
                await self._come_back(workspace_id, now=now)
        except asyncio.CancelledError:
            await self._give_back(workspace_id, until=until, due_at=due_at)
            raise

    async def _sweep(self, workspace_id: str, *, now: datetime) -> None:
        error: BuildbellError | None = None
        try:
            async with self._connections.bitrise(workspace_id) as client:
                await self._look(client, workspace_id)
            await self._apps.refresh_if_older(workspace_id, than=APPS_KEPT)
        except NotConnected:
            return  # nothing to look with; connecting plans the next sweep
        except TokenRejected as dead:
            error = None if await self._connections.revive(workspace_id) else dead
        except BitriseError as trouble:
            log.warning("a sweep failed", extra={"workspace": workspace_id, "error": str(trouble)})
            error = trouble
        except DatabaseUnavailable:
            raise  # this sweep comes again by itself
        except Exception:  # the next sweep must be planned whatever happened in this one
            log.exception("a sweep broke", extra={"workspace": workspace_id})
            error = BitriseError("The last sweep broke; the log says how.")
        await self._finish(workspace_id, error, began_at=now)

    async def _plan_another(self, arguments: Mapping[str, Any]) -> None:
        """A sweep that broke at its own end planned none; the workspace is looked at again all the same."""
        at = self._clock.now() + ASK_AGAIN
        await self._db.transaction(lambda tx: self._sweeps.plan(tx, arguments["workspace_id"], at=at))

    async def _claim(self, workspace_id: str, *, now: datetime, until: datetime) -> bool:
        if await self._workspaces.claim_sweep(workspace_id, now=now, until=until):
            return True
        # The claim may be this job's own, from a process that was killed; two sweeps at once are harmless.
        return began_before.get() and await self._workspaces.take_over_sweep(workspace_id, until=until)

    async def _give_back(self, workspace_id: str, *, until: datetime, due_at: datetime) -> None:
        """A shutdown cut it off: whoever sweeps next need not wait for the claim's end, unless the database is away."""
        with contextlib.suppress(DatabaseUnavailable, TimeoutError):
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                await self._workspaces.release_sweep(workspace_id, until=until, due_at=due_at)

    async def _come_back(self, workspace_id: str, *, now: datetime) -> None:
        """When somebody's claim ends: he may have died, and nobody else would plan the next sweep."""
        workspace = await self._workspaces.find_workspace(workspace_id)
        claimed_until = workspace.sweep_claimed_until if workspace else None
        if claimed_until is not None and claimed_until > now:
            raise RetryAt(claimed_until)

    async def _look(self, client: BitriseClient, workspace_id: str) -> None:
        page = await client.list_all_builds()
        if await self._walk.begin(workspace_id, page):
            await self._walk.go_on(client, workspace_id)
        on_page = {build.slug for build in page.items}
        unfinished = await self._builds.list_unfinished(workspace_id)
        missing = [build for build in unfinished if build.build_slug not in on_page]
        missing.sort(key=lambda build: build.seen_at)  # who has waited longest, so that everybody gets a turn
        trouble: BitriseError | None = None
        for build in missing[:ASKED_SINGLY]:
            try:
                await self._keep(workspace_id, await self._ask(client, build))
            except (BitriseUnavailable, BitriseRefused) as error:  # one build that cannot be shown holds up no other
                trouble = error
        if trouble is not None:
            raise trouble

    async def _keep(self, workspace_id: str, seen: Iterable[Build]) -> None:
        await self._db.transaction(lambda tx: self._observer.observe(tx, workspace_id, seen))

    async def _ask(self, client: BitriseClient, build: BuildRow) -> list[Build]:
        """One build that fell off the page, or a pipeline, which is never on it; nothing when it is not found."""
        try:
            if build.is_pipeline:
                return [await self._ask_pipeline(client, build)]
            return [await client.get_build(build.app_slug, build.build_slug)]
        except BitriseNotFound:
            # New builds may take a moment to be found; one that stays away for long has been taken from us.
            if build.triggered_at is None or self._clock.now() - build.triggered_at > LOST_AFTER:
                await self._db.transaction(lambda tx: self._observer.lose(tx, build))
            return []

    async def _ask_pipeline(self, client: BitriseClient, build: BuildRow) -> Build:
        try:
            return await client.get_pipeline(build.app_slug, build.build_slug)
        except BitriseNotFound:
            # Bitrise does not document whether a pipeline's start answers with the pipeline or with its first build.
            return await client.get_build(build.app_slug, build.build_slug)

    async def _finish(self, workspace_id: str, error: BuildbellError | None, *, began_at: datetime) -> None:
        now = self._clock.now()
        watched = await self._cards.list_watched(workspace_id)
        pause = await self._pause(workspace_id, is_watched=bool(watched))
        if error is None:
            self._failures.pop(workspace_id, None)
        else:
            pause = self._back_off(workspace_id, error)

        async def finish(tx: Transaction) -> None:
            for card in watched:
                if card.style == CARD and card.ts and card.drawn_at and now - card.drawn_at >= TICK_EVERY:
                    await self._outbox.tick(tx, card)
            due_at = max(now, began_at) + pause
            await self._workspaces.finish_sweep(
                tx, workspace_id, now=now, due_at=due_at, error=error.sentence if error else None
            )
            workspace = await self._workspaces.find_workspace(workspace_id, on=tx)
            if workspace and workspace.sweep_due_at:
                await self._sweeps.plan(tx, workspace_id, at=max(workspace.sweep_due_at, now + LEAST_PAUSE))

        await self._db.transaction(finish)

    async def _pause(self, workspace_id: str, *, is_watched: bool) -> timedelta:
        hearers = await self._news.hearers(workspace_id)
        workspace = await self._workspaces.find_workspace(workspace_id)
        if is_watched or (workspace is not None and workspace.walk_next):
            return self._watched
        if not hearers.are_there:
            return self._idle
        unfinished = await self._builds.list_unfinished(workspace_id)
        return self._watched if any(map(hearers.may_concern, unfinished)) else min(self._heard, self._idle)

    def _back_off(self, workspace_id: str, error: BuildbellError) -> timedelta:
        """Longer with every failure in a row, at least as long as Bitrise asks for."""
        if isinstance(error, TokenRejected):
            return ASK_AGAIN
        failures = self._failures[workspace_id] = self._failures.get(workspace_id, 0) + 1
        pause = min(LONGEST_BACK_OFF, self._watched * 2.0 ** min(failures, 10))
        asked = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else timedelta()
        return max(pause, asked)
