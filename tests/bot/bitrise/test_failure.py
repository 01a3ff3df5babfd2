"""Failure analysis against the practice Bitrise, at every moment of a log's life."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.bitrise.client import BitriseClient
from bot.errors import BitriseUnauthorized
from bot.results.failure import (
    EMPTY,
    NEVER_STARTED,
    NOT_KEPT,
    NOT_STARTED,
    NOT_THERE,
    OF_A_PIPELINE,
    RETRY_AFTER,
    FailureReport,
    LogNotReady,
    analyze_failure,
)
from playground.bitrise import App, Build, PracticeBitrise, Workflow
from playground.clock import SteppedClock
from playground.wire import Fault
from storage.builds import BuildRow

Time = Callable[..., None]

PRINTED = """Compiling
\x1b[31m/Users/vagrant/git/Shop/Login.swift:12:5: error: API_\x1b[0mKEY=sesame is no key\x1b[0m
Test Case '-[ShopTests.LoginTests testEmpty]' failed (0.101 seconds).
** TEST FAILED **"""
REPORT = FailureReport(
    "xcode-test",
    (
        "Shop/Login.swift:12:5: error: API_KEY=******** is no key",
        "Test Case '-[ShopTests.LoginTests testEmpty]' failed (0.101 seconds).",
        "** TEST FAILED **",
    ),
    ("ShopTests.LoginTests.testEmpty",),
)


def row(build: Build, clock: SteppedClock, **more: Any) -> BuildRow:
    """Return the build as a stored row."""
    known: dict[str, Any] = dict.fromkeys(BuildRow.__dataclass_fields__)
    known |= {
        "workspace_id": "T1",
        "build_slug": build.slug,
        "app_slug": build.app.slug,
        "is_pipeline": False,
        "cause": "push",
        "state": "finished" if build.is_finished else "running" if build.started_at else "queued",
        "triggered_at": build.triggered_at,
        "started_at": build.started_at,
        "finished_at": build.finished_at,
        "last_synced_at": clock.now(),
    }
    return BuildRow(**known | more)


class Desk:
    """One app whose test workflow fails in its second of three steps, after 40 of 60 seconds."""

    def __init__(self, bitrise: PracticeBitrise, client: BitriseClient, shop: App, clock: SteppedClock) -> None:
        self.bitrise, self.client, self.shop, self.clock = bitrise, client, shop, clock
        steps = ("git-clone", "xcode-test", "deploy")
        shop.workflows["test"] = Workflow(
            timedelta(minutes=1), steps=steps, failed_step="xcode-test", log=PRINTED, queue=timedelta(0)
        )

    def start(self, workflow: str = "test", **passes: float) -> Build:
        build = self.bitrise.start_build(self.shop, workflow=workflow)
        self.bitrise.run(build)
        self.passes(**passes)
        return build

    def passes(self, **amount: float) -> None:
        self.clock.move_to(self.clock.now() + timedelta(**amount))
        self.bitrise.now()

    def without(self, *operations: str, **more: Any) -> None:
        for operation in operations:
            fault: dict[str, Any] = {"kind": "status", "status": 404, "times": None} | more
            self.bitrise.faults.add(Fault(operation, **fault))

    async def analyze(self, build: Build, **more: Any) -> FailureReport | LogNotReady:
        return await analyze_failure(self.client, row(build, self.clock, **more), now=self.clock.now())

    @property
    def not_ready(self) -> LogNotReady:
        return LogNotReady(self.clock.now() + RETRY_AFTER)


@pytest.fixture
def desk(bitrise: PracticeBitrise, client: BitriseClient, shop: App, clock: SteppedClock) -> Desk:
    return Desk(bitrise, client, shop, clock)


UNDOCUMENTED = ("builds.log-summary", "builds.step-log")


async def test_log_of_the_failed_step_is_enough_before_there_is_an_archive(desk: Desk) -> None:
    build = desk.start(minutes=1)
    assert await desk.analyze(build) == REPORT
    assert not desk.bitrise.journal.named("builds.log")


async def test_boxes_of_the_log_name_the_step_without_a_summary(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without(*UNDOCUMENTED)
    assert await desk.analyze(build) == REPORT  # in chunks
    desk.passes(minutes=1)
    assert await desk.analyze(build) == REPORT  # from the archive


async def test_log_of_the_build_replaces_a_missing_log_of_the_step(desk: Desk) -> None:
    build = desk.start(minutes=2)
    desk.without("builds.step-log")
    assert await desk.analyze(build) == REPORT


async def test_log_is_not_ready_in_the_first_seconds(desk: Desk) -> None:
    build = desk.start(seconds=5)
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(seconds=15)
    found = await desk.analyze(build)
    assert isinstance(found, FailureReport)
    assert (found.step, found.lines, found.missing) == (None, ("Running git-clone", "branch: main", "Done"), None)


async def test_build_that_reached_no_machine_has_no_log(desk: Desk) -> None:
    build = desk.bitrise.start_build(desk.shop, workflow="endless")
    desk.bitrise.abort_in_web(build, "ana")
    assert await desk.analyze(build) == FailureReport(missing=NEVER_STARTED)
    assert len(desk.bitrise.journal) == 0


async def test_pipeline_has_no_log(desk: Desk) -> None:
    assert await desk.analyze(desk.start(), is_pipeline=True) == FailureReport(missing=OF_A_PIPELINE)
    assert len(desk.bitrise.journal) == 0


async def test_report_of_an_aborted_build_names_the_step(desk: Desk) -> None:
    build = desk.start(minutes=1, workflow="endless")
    desk.passes(minutes=2)
    desk.bitrise.abort_in_web(build, "ana")
    found = await desk.analyze(build)
    assert isinstance(found, FailureReport)
    assert (found.step, found.missing) == ("git-clone", None)
    assert found.lines[0] == "Running git-clone"


async def test_chunks_are_analyzed_if_the_log_is_never_archived(desk: Desk) -> None:
    """Some aborted builds are never archived and have no summary at the end."""
    desk.without(*UNDOCUMENTED)
    desk.bitrise.archive_takes = timedelta(days=1)
    build = desk.start(minutes=3, workflow="endless")
    desk.bitrise.abort_in_web(build, "ana")
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(minutes=2, seconds=59)
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(seconds=1)
    found = await desk.analyze(build)
    assert isinstance(found, FailureReport)
    assert (found.lines[0], found.missing) == ("Running activate-ssh-key", None)


@pytest.mark.parametrize("is_archived", [True, False])
async def test_missing_log_is_reported(desk: Desk, is_archived: bool) -> None:
    """An archived log without a URL never appears; one that stays empty is given up."""
    build = desk.start(minutes=1)
    desk.without("builds.step-log")
    desk.without("builds.log", kind="body", status=200, body={"log_chunks": [], "is_archived": is_archived})
    nothing = FailureReport("xcode-test", ("** TEST FAILED **",), missing=NOT_KEPT)  # the step's error, by the summary
    assert await desk.analyze(build) == (nothing if is_archived else desk.not_ready)
    desk.passes(minutes=4)
    assert await desk.analyze(build) == nothing


async def test_chunks_of_an_archived_log_without_a_url_are_analyzed(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without(*UNDOCUMENTED)
    chunks = [{"chunk": "first\nerr", "position": 1}, {"chunk": "or: second\n", "position": 2}]
    body = {"log_chunks": chunks[::-1], "is_archived": True}
    desk.without("builds.log", kind="body", status=200, body=body)
    assert await desk.analyze(build) == FailureReport(None, ("error: second",))


async def test_missing_log_is_awaited_for_three_minutes(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without("builds.log*", "builds.step-log")
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(minutes=3)
    assert await desk.analyze(build) == FailureReport(missing=NOT_THERE)
    assert await desk.analyze(build, state="running", finished_at=None) == FailureReport(missing=NOT_STARTED)


async def test_token_without_access_to_logs_is_reported(desk: Desk, token: str) -> None:
    build = desk.start(minutes=9)
    desk.bitrise.set_role(token, "tester")
    assert await desk.analyze(build) == FailureReport(missing=NOT_THERE)


async def test_expired_url_is_renewed_once(desk: Desk) -> None:
    build = desk.start(minutes=2)
    desk.without(*UNDOCUMENTED)
    old = (await desk.client.get_log(desk.shop.slug, build.slug)).expiring_raw_log_url
    desk.passes(minutes=10)
    stale = {"is_archived": True, "expiring_raw_log_url": old}
    desk.without("builds.log", kind="body", status=200, body=stale, times=1)
    assert await desk.analyze(build) == REPORT
    desk.without("builds.log", kind="body", status=200, body=stale)
    assert await desk.analyze(build) == FailureReport(missing=NOT_THERE)
    assert len(desk.bitrise.journal.named("builds.log")) == 5


@pytest.mark.parametrize(
    "url",
    [
        "ftp://logs.example.com/raw",  # no https address
        "https://127.0.0.1:1/raw",  # nobody there
        "http://127.0.0.1:1/raw",
        "https://[/raw",
        "{site}/raw-logs/{slug}?expires=1&signature=x",  # refused by the storage, also the renewed one
        "{site}/nothing",
    ],
)
async def test_chunks_are_analyzed_if_the_url_cannot_be_used(desk: Desk, url: str) -> None:
    """The log is complete when its summary is there; else the URL may work a little later."""
    build = desk.start(minutes=1)
    desk.without(*UNDOCUMENTED)
    chunks = [{"chunk": "first\nerr", "position": 1}, {"chunk": "or: second\n", "position": 2}]
    body = {"is_archived": True, "expiring_raw_log_url": url.format(site=desk.bitrise.site_url, slug=build.slug)}
    desk.without("builds.log", kind="body", status=200, body=body | {"log_chunks": chunks})
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(minutes=3)
    assert await desk.analyze(build) == FailureReport(None, ("error: second",))
    desk.bitrise.faults.clear()
    desk.without(*UNDOCUMENTED)
    summary = {"chunk": f"| {'bitrise summary':^76} |\n", "position": 3}
    desk.without("builds.log", kind="body", status=200, body=body | {"log_chunks": [*chunks, summary]})
    assert await desk.analyze(desk.start(minutes=1)) == FailureReport(None, ("error: second",))


async def test_all_pages_of_chunks_are_read_if_the_url_cannot_be_used(desk: Desk) -> None:
    build = desk.start(minutes=5)
    desk.without(*UNDOCUMENTED)
    url = {"is_archived": True, "expiring_raw_log_url": "https://127.0.0.1:1/raw"}
    for position, chunk in enumerate(("first\n", "error: sec", "ond\n"), 1):
        page = {"log_chunks": [{"chunk": chunk, "position": position}]}
        more = {"next_after_timestamp": f"2026-03-02T09:00:0{position}Z"}
        desk.without("builds.log", kind="body", status=200, body=url | page | more, times=1)
    assert await desk.analyze(build) == FailureReport(None, ("error: second",))


async def test_archive_that_appears_between_pages_keeps_the_chunks(desk: Desk) -> None:
    build = desk.start(minutes=5)
    desk.without(*UNDOCUMENTED)
    first = {"log_chunks": [{"chunk": "error: first\n", "position": 1}], "next_after_timestamp": "2026-03-02T09:00:01Z"}
    desk.without("builds.log", kind="body", status=200, body=first | {"is_archived": False}, times=1)
    archive = {"log_chunks": [], "is_archived": True, "expiring_raw_log_url": "https://127.0.0.1:1/raw"}
    desk.without("builds.log", kind="body", status=200, body=archive)
    assert await desk.analyze(build) == FailureReport(None, ("error: first",))


async def test_missing_link_and_chunks_are_reported(desk: Desk) -> None:
    build = desk.start(minutes=5)
    desk.without(*UNDOCUMENTED)
    archive = {"log_chunks": [], "is_archived": True, "expiring_raw_log_url": "https://127.0.0.1:1/raw"}
    desk.without("builds.log", kind="body", status=200, body=archive)
    assert await desk.analyze(build) == FailureReport(missing="Couldn't download the log: the connection broke.")


async def test_empty_log_is_reported(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without(*UNDOCUMENTED)
    chunks = [{"chunk": "\x1b[0m}\r\n\r\n+----------------+\n".replace("}", ""), "position": 1}]
    desk.without("builds.log", kind="body", status=200, body={"log_chunks": chunks, "is_archived": True})
    assert await desk.analyze(build) == FailureReport(missing=EMPTY)


async def test_busy_bitrise_is_retried_with_a_limit(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without("builds.*", status=429, retry_after=7)
    assert await desk.analyze(build) == LogNotReady(desk.clock.now() + timedelta(seconds=7))
    desk.passes(minutes=3)
    assert await desk.analyze(build) == FailureReport(missing="Bitrise is rate limiting Buildbell for 7 s.")


async def test_unavailable_bitrise_is_retried_with_a_limit(desk: Desk) -> None:
    build = desk.start(minutes=1)
    desk.without("builds.*", status=500, error="password=sesame")
    assert await desk.analyze(build) == desk.not_ready
    desk.passes(minutes=3)
    found = await desk.analyze(build)
    assert isinstance(found, FailureReport)
    assert found.missing == "Bitrise returned HTTP 500: password=********"


async def test_rejected_token_is_raised(desk: Desk, token: str) -> None:
    build = desk.start(minutes=1)
    desk.bitrise.revoke(token)
    with pytest.raises(BitriseUnauthorized):
        await desk.analyze(build)


async def test_messages_of_the_summary_are_redacted_and_plain(desk: Desk) -> None:
    build = desk.start(minutes=1)
    step = {
        "uuid": "x", "title": "\x1b[1mdeploy\u202e token=sesame", "status": "failed",
        "errors": [{"message": "error: \x1b[31mBearer dXNlcjpwYXNz\nsecond"}],
    }  # fmt: skip
    summary = {"execution": {"workflows": [{"steps": [step]}]}}
    desk.without("builds.log-summary", kind="body", status=200, body=summary)
    desk.without("builds.log", "builds.step-log")
    desk.passes(minutes=3)
    assert await desk.analyze(build) == FailureReport(
        "deploy token=********", ("error: Bearer ********",), missing=NOT_THERE
    )
