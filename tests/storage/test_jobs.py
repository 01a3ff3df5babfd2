"""The job table: who may run now, in which order, once; and what a dead process leaves behind."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Database, Transaction
from storage import jobs as job_rows
from storage.jobs import JobRow
from tests.storage.conftest import NOW


async def add(database: Database, *names: str, key: str | None = None, due_at: datetime = NOW) -> None:
    async def store_all(tx: Transaction) -> None:
        for name in names:
            await job_rows.add_job(tx, kind="work", key=key, arguments={"name": name}, due_at=due_at)

    await database.transaction(store_all)


async def claim(database: Database, *, kind: str = "work", now: datetime = NOW, limit: int = 10) -> list[JobRow]:
    return await database.transaction(lambda tx: job_rows.claim_jobs(tx, kind=kind, now=now, limit=limit))


def names(jobs: list[JobRow]) -> list[str]:
    return [job.arguments["name"] for job in jobs]


async def test_due_jobs_are_claimed_oldest_first_and_up_to_the_limit(database: Database) -> None:
    await add(database, "a", "b", "c")
    await add(database, "later", due_at=NOW + timedelta(seconds=1))
    assert names(await claim(database, limit=2)) == ["a", "b"]
    assert names(await claim(database)) == ["c"]
    assert names(await claim(database, now=NOW + timedelta(seconds=1))) == ["later"]


async def test_jobs_of_another_kind_are_left_alone(database: Database) -> None:
    await add(database, "a")
    assert await claim(database, kind="other") == []
    assert await job_rows.next_due_at(database, kind="other") is None


async def test_a_job_is_claimed_once_by_many_claimants(database: Database) -> None:
    await add(database, *"abcdefgh")
    claims = await asyncio.gather(*(claim(database, limit=3) for _ in range(5)))
    assert sorted(name for jobs in claims for name in names(jobs)) == list("abcdefgh")


async def test_a_key_runs_one_at_a_time_in_order(database: Database) -> None:
    await add(database, "a", "b", key="ios")
    await add(database, "other", key="android")
    first = await claim(database)
    assert names(first) == ["a", "other"]
    assert await claim(database) == []
    assert await job_rows.next_due_at(database, kind="work") is None
    await job_rows.delete_job(database, first[0].job_id)
    assert names(await claim(database)) == ["b"]


async def test_a_postponed_job_holds_its_key_and_forgets_its_failures(database: Database) -> None:
    soon = NOW + timedelta(seconds=30)
    await add(database, "a", "b", key="ios")
    (job,) = await claim(database)
    await job_rows.retry_job(database, job.job_id, due_at=NOW, error="LookupError")
    (job,) = await claim(database)
    assert job.attempts == 2
    await job_rows.postpone_job(database, job.job_id, due_at=soon)
    assert (await claim(database), await job_rows.next_due_at(database, kind="work")) == ([], soon)
    (job,) = await claim(database, now=soon)
    assert (names([job]), job.attempts) == (["a"], 1)


async def test_a_job_that_failed_for_good_frees_its_key_and_is_counted(database: Database) -> None:
    await add(database, "a", "b", key="ios")
    (job,) = await claim(database)
    await job_rows.fail_job(database, job.job_id, error="LookupError")
    assert names(await claim(database)) == ["b"]
    assert await job_rows.count_jobs(database) == {"failed": 1, "doing": 1}


async def test_what_a_dead_process_was_doing_runs_again_in_order(database: Database) -> None:
    await add(database, "a", "b", key="ios")
    await claim(database)
    assert await job_rows.requeue_unfinished(database) == 1
    assert await job_rows.requeue_unfinished(database) == 0
    assert names(await claim(database)) == ["a"]


async def test_due_jobs_are_counted_without_those_that_wait_for_their_key(database: Database) -> None:
    await add(database, "a", "b", key="ios")
    await add(database, "c")
    await add(database, "later", due_at=NOW + timedelta(seconds=1))
    assert await job_rows.count_due(database, now=NOW) == 2
    await claim(database, limit=1)
    assert await job_rows.count_due(database, now=NOW) == 2
    assert await job_rows.count_due(database, now=NOW + timedelta(seconds=1)) == 3


added = st.lists(st.tuples(st.sampled_from([None, "ios", "android"]), st.integers(0, 3)), max_size=8)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(jobs=added, limit=st.integers(1, 4))
async def test_whatever_waits_every_job_runs_once_and_keys_keep_their_order(
    database: Database, jobs: list[tuple[str | None, int]], limit: int
) -> None:
    await database.execute("delete from jobs")
    for number, (key, seconds) in enumerate(jobs):
        await add(database, str(number), key=key, due_at=NOW + timedelta(seconds=seconds))
    ran: list[int] = []
    for second in range(4):
        while claimed := await claim(database, now=NOW + timedelta(seconds=second), limit=limit):
            keys = [job.key for job in claimed if job.key]
            assert len(keys) == len(set(keys))
            for job in claimed:
                ran.append(int(job.arguments["name"]))
                await job_rows.delete_job(database, job.job_id)
    assert sorted(ran) == list(range(len(jobs)))
    for key in ("ios", "android"):
        of_key = [number for number in ran if jobs[number][0] == key]
        assert of_key == sorted(of_key)
