"""The syncs a process makes due when it starts, and the claims of other processes that it respects."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.apps import AppCache
from bot.bitrise.client import BitriseClient
from bot.bitrise.http import HttpTransport
from bot.connection import token_context
from bot.context import Context
from bot.engine import Job, JobKind, RetryAt
from bot.settings import Settings
from bot.sync import poller
from bot.sync_schedule import SYNC
from bot.vault import Vault, new_key, parse_keys
from playground.bitrise import PracticeBitrise
from playground.clock import SteppedClock
from storage import Transaction, open_database
from storage import sync_schedule as sync_rows
from storage import workspaces as workspace_rows
from tests.contexts import make_context

CLOCK = SteppedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
NOW = CLOCK.now()


class RecordingEngine:
    """An engine that records the jobs it gets."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def register(self, kind: JobKind, ctx: Any = None) -> None: ...

    async def enqueue(self, tx: Transaction, *jobs: Job) -> None:
        self.jobs += jobs

    async def start(self) -> None: ...

    async def stop(self, *, within_seconds: float) -> None: ...

    async def wait_idle(self) -> None: ...

    async def count_jobs(self) -> dict[str, int]:
        return {}


class Made:
    def __init__(self, ctx: Context, planned: RecordingEngine, bitrise: PracticeBitrise) -> None:
        self.ctx, self.bitrise = ctx, bitrise
        self._database, self._planned = ctx.db, planned

    @property
    def planned(self) -> list[str]:
        return [job.arguments["workspace_id"] for job in self._planned.jobs if job.kind == SYNC]

    @property
    def newest_job(self) -> Mapping[str, Any]:
        """Return the arguments of the newest job."""
        return self._planned.jobs[-1].arguments

    async def add(
        self, workspace_id: str, *, due_at: datetime, is_claimed: bool = False, sealed: str = "does not open"
    ) -> None:
        await workspace_rows.save_workspace(
            self._database, workspace_id=workspace_id, name=workspace_id, bot_user_id="U0"
        )
        facts: dict[str, Any] = {"sealed": sealed, "owner": "bot", "by": "U1", "now": due_at}
        await self._database.transaction(lambda tx: workspace_rows.save_connection(tx, workspace_id, **facts))
        if is_claimed:
            assert await sync_rows.claim_sync(
                self._database, workspace_id, now=due_at, until=NOW + timedelta(minutes=1)
            )

    async def make_due(self, workspace_id: str) -> None:
        assert await self._database.transaction(lambda tx: sync_rows.make_due(tx, workspace_id, at=CLOCK.now()))

    async def claims(self) -> dict[str, datetime | None]:
        return {
            row.workspace_id: row.sync_claimed_until for row in await workspace_rows.list_workspaces(self._database)
        }


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    key, bitrise = new_key(), PracticeBitrise(CLOCK)
    await bitrise.start()
    settings = Settings(
        _env_file=None, slack_bot_token=SecretStr("xoxb-1"), slack_app_token=SecretStr("xapp-1"),
        encryption_keys=SecretStr(key), bitrise_api_url=bitrise.api_url, bitrise_site_url=bitrise.site_url,
    )  # fmt: skip
    database, planned = await open_database(f"sqlite:///{tmp_path}/tracker.db"), RecordingEngine()
    async with aiohttp.ClientSession() as session:
        ctx = make_context(
            database,
            settings=settings,
            engine=planned,
            clock=CLOCK,
            new_id=lambda: "id",
            vault=Vault(parse_keys(key)),
            bitrise=lambda token: BitriseClient(HttpTransport(session, bitrise.api_url, token)),
            app_cache=AppCache(),
        )
        made = Made(ctx, planned, bitrise)
        await made.add("T1", due_at=NOW - timedelta(minutes=5))
        await made.add("T2", due_at=NOW - timedelta(minutes=5), is_claimed=True)
        await made.add("T3", due_at=NOW + timedelta(minutes=5))
        token = bitrise.add_token(bitrise.add_user("ci-bot"))
        sealed = Vault(parse_keys(key)).seal(token, context=token_context("T4"))
        await made.add("T4", due_at=NOW + timedelta(minutes=5), sealed=sealed)
        yield made
    await database.close()
    await bitrise.stop()


async def test_only_process_makes_every_workspace_due(made: Made) -> None:
    await poller.start_polling(made.ctx, is_alone=True)
    assert made.planned == ["T1", "T2", "T3", "T4"]
    assert await made.claims() == {"T1": None, "T2": None, "T3": None, "T4": None}


async def test_one_of_several_processes_schedules_only_what_is_overdue(made: Made) -> None:
    await poller.start_polling(made.ctx, is_alone=False)
    assert made.planned == ["T1"]
    assert await made.claims() == {"T1": None, "T2": NOW + timedelta(minutes=1), "T3": None, "T4": None}


async def test_claimed_sync_is_retried_when_the_claim_expires(made: Made) -> None:
    """The process that claimed it may have been killed; then nobody else would schedule the next sync."""
    with pytest.raises(RetryAt) as retry:
        await poller.perform_sync(made.ctx, {"workspace_id": "T2"})
    assert retry.value.at == NOW + timedelta(minutes=1)
    await poller.perform_sync(made.ctx, {"workspace_id": "T3"})  # it is not due: there is nothing to come back for
    assert made.planned == []


async def test_job_that_is_due_is_run_even_if_our_clock_is_behind(made: Made) -> None:
    """Otherwise nobody would schedule the next sync, and the workspace would never be synced again."""
    await made.make_due("T4")
    await poller.perform_sync(made.ctx, {"workspace_id": "T4"})
    for _ in range(2):
        await poller.perform_sync(
            made.ctx, made.newest_job
        )  # it is due in five minutes, and PostgreSQL's clock has passed them
    assert len(made.bitrise.journal.named("builds.list-all")) == 3
    assert made.newest_job["due_at"] == (NOW + 3 * timedelta(minutes=5)).isoformat()  # no sooner than by a right clock


async def test_canceled_sync_is_due_for_a_clock_that_is_behind(made: Made) -> None:
    job = {"workspace_id": "T4", "due_at": (NOW + timedelta(minutes=5)).isoformat()}
    await cut_off(made, job)
    await poller.perform_sync(made.ctx, job)
    assert made.planned == ["T4"]


async def test_sync_canceled_by_a_shutdown_is_due_again_at_once(made: Made) -> None:
    """It doesn't wait until the claim expires: another replica, or the next process, may do it now."""
    await made.make_due("T4")
    await cut_off(made, {"workspace_id": "T4"})
    await poller.perform_sync(made.ctx, {"workspace_id": "T4"})
    assert [entry.at for entry in made.bitrise.journal.named("builds.list-all")] == [NOW, NOW]
    assert made.planned == ["T4"]


async def cut_off(made: Made, job: Mapping[str, Any]) -> None:
    """Cancel a sync during its call to Bitrise."""
    arrived, never = asyncio.Event(), asyncio.Event()

    async def hang(facts: Mapping[str, Any]) -> None:
        arrived.set()
        await never.wait()

    undo = made.bitrise.hooks.on("builds.list-all", "before", hang)
    sweep = asyncio.create_task(poller.perform_sync(made.ctx, job))
    await arrived.wait()
    assert (await made.claims())["T4"] is not None
    sweep.cancel()
    await asyncio.wait([sweep])
    assert sweep.cancelled()
    never.set()
    undo()
