"""Analyze finished builds once, and on demand: why they failed, what can be installed; show it on their messages."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import connection, outbox
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Artifact
from bot.context import Context
from bot.domain.builds import Outcome
from bot.engine import Job, JobKind, RetryAt
from bot.errors import BitriseBusy, BitriseUnavailable, BuildbellError
from bot.results.failure import NOT_STARTED, FailureReport, LogNotReady, analyze_failure
from bot.results.install_links import BuildFiles, install_links, other_files, pick_installable
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import results as result_rows
from storage.builds import BuildRow
from storage.messages import CARD
from storage.results import COMPLETE, PENDING, ResultRow

log = logging.getLogger(__name__)
ANALYZE = "analyze"
RETRY_AFTER = timedelta(seconds=20)
GIVE_UP_AFTER = timedelta(minutes=10)
LOG_DELAY = timedelta(minutes=1)
"""How long Bitrise may need to show the log of a finished build."""
MAX_PAGES = 10


async def request_analysis(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Analyze a finished build once: a message shows its result."""
    if build.outcome not in (Outcome.FAILED, Outcome.SUCCEEDED) or build.is_pipeline:
        return
    pending = ResultRow(build.workspace_id, build.build_slug, PENDING, ctx.clock.now())
    if await result_rows.add_result(tx, pending):
        arguments = {"workspace_id": build.workspace_id, "build_slug": build.build_slug}
        await ctx.engine.enqueue(tx, Job(ANALYZE, arguments))


async def perform_analysis(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Analyze a build, or retry while its log isn't ready; then store the result and show it on its messages."""
    pending = await result_rows.find_result(ctx.db, arguments["workspace_id"], arguments["build_slug"])
    build = await build_rows.find_build(ctx.db, arguments["workspace_id"], arguments["build_slug"])
    if pending is None or build is None or pending.state != PENDING:
        return
    result = pending
    try:
        async with connection.client(ctx, build.workspace_id) as client:
            result = await analyze(client, build, pending, now=ctx.clock.now())
    except (BitriseUnavailable, BitriseBusy) as error:
        if ctx.clock.now() - pending.requested_at < GIVE_UP_AFTER:
            pause = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_AFTER
            raise RetryAt(ctx.clock.now() + pause) from error
    except BuildbellError as error:
        log.info("nothing could be found out about a build", extra={"build": build.build_slug, "why": str(error)})
    result = dataclasses.replace(result, state=COMPLETE)

    async def store(tx: Transaction) -> None:
        if not await result_rows.save_result(tx, result):
            return
        for message in await message_rows.list_about_build(tx, build.workspace_id, build.build_slug):
            if build.outcome == Outcome.FAILED:
                await outbox.explain_failure(ctx, tx, message, build.build_slug)
            elif message.kind == CARD and result.installs:
                await outbox.update_card(ctx, tx, message)

    await ctx.db.transaction(store)


async def analyze(client: BitriseClient, build: BuildRow, pending: ResultRow, *, now: datetime) -> ResultRow:
    if build.outcome == Outcome.SUCCEEDED:
        installs = install_links(await list_artifacts(client, build))
        return dataclasses.replace(pending, installs=tuple(dataclasses.asdict(link) for link in installs))
    report = await analyze_failure(client, build, now=now)
    if isinstance(report, LogNotReady):
        raise RetryAt(report.retry_at)
    return with_report(pending, report)


# On demand.


async def explain(ctx: Context, build: BuildRow) -> ResultRow:
    """Return the stored result of a failure, or analyze what the build has printed so far."""
    stored = await result_rows.find_result(ctx.db, build.workspace_id, build.build_slug)
    if stored is not None and stored.state == COMPLETE and build.outcome == Outcome.FAILED:
        return stored
    now = ctx.clock.now()
    async with connection.client(ctx, build.workspace_id) as client:
        report = await analyze_failure(client, build, now=now, log_timeout=timedelta(0))
    empty = ResultRow(build.workspace_id, build.build_slug, COMPLETE, now)
    has_run = build.started_at is not None
    may_be_late = has_run and build.finished_at is not None and now - build.finished_at < LOG_DELAY
    if isinstance(report, LogNotReady) or (not report.lines and may_be_late):
        return dataclasses.replace(empty, missing=NOT_STARTED)
    return with_report(empty, report)


async def list_files(ctx: Context, build: BuildRow) -> BuildFiles:
    """Return the apps to install, with the addresses of their pages, and the other files."""
    async with connection.client(ctx, build.workspace_id) as client:
        artifacts = await list_artifacts(client, build)
        installable = [
            await client.get_artifact(build.app_slug, build.build_slug, artifact.slug)
            for artifact in pick_installable(artifacts)
        ]
    return BuildFiles(install_links(installable), other_files(artifacts))


async def list_artifacts(client: BitriseClient, build: BuildRow) -> list[Artifact]:
    artifacts: list[Artifact] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await client.list_artifacts(build.app_slug, build.build_slug, next=cursor)
        artifacts += page.items
        if page.next is None or page.next == cursor:
            break
        cursor = page.next
    return artifacts


def with_report(row: ResultRow, report: FailureReport) -> ResultRow:
    return dataclasses.replace(
        row, failed_step=report.step, lines=report.lines, tests=report.tests, missing=report.missing
    )


JOBS = (JobKind(ANALYZE, perform_analysis, concurrency=4),)
