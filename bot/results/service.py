"""What a build left behind: why it failed, what can be installed. Looked into once after the end, and when asked."""

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
from bot.results import failure as failing
from bot.results.install_links import Leftovers, install_links, pick_installs, plain_files
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import results as result_rows
from storage.builds import BuildRow
from storage.messages import CARD
from storage.results import FOUND, WANTED, FindingRow

log = logging.getLogger(__name__)
LOOK_INTO = "look-into"
AGAIN_AFTER = timedelta(seconds=20)
GIVE_UP_AFTER = timedelta(minutes=10)
MOST_PAGES = 10
SOON = timedelta(minutes=1)


# After the end.


async def request_analysis(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    """Somebody is shown this end: what is behind a failure, or can be installed, is looked for, once."""
    if build.outcome not in (Outcome.FAILED, Outcome.SUCCEEDED) or build.is_pipeline:
        return
    wanted = FindingRow(build.workspace_id, build.build_slug, WANTED, ctx.clock.now())
    if await result_rows.add_result(tx, wanted):
        arguments = {"workspace_id": build.workspace_id, "build_slug": build.build_slug}
        await ctx.engine.enqueue(tx, Job(LOOK_INTO, arguments))


async def perform_analysis(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """One step: fetch, or come back later; then keep and show what was found."""
    wanted = await result_rows.find_result(ctx.db, arguments["workspace_id"], arguments["build_slug"])
    build = await build_rows.find_build(ctx.db, arguments["workspace_id"], arguments["build_slug"])
    if wanted is None or build is None or wanted.state != WANTED:
        return
    try:
        async with connection.client(ctx, build.workspace_id) as client:
            found = await _analyze(ctx, client, build, wanted)
    except (BitriseUnavailable, BitriseBusy) as error:
        _retry_later(ctx, wanted, error)
        found = wanted
    except BuildbellError as error:
        log.info("nothing could be found out about a build", extra={"build": build.build_slug, "why": str(error)})
        found = wanted
    await _save(ctx, build, dataclasses.replace(found, state=FOUND))


def _retry_later(ctx: Context, wanted: FindingRow, error: BitriseUnavailable | BitriseBusy) -> None:
    """Bitrise is away: again in a while, but not for ever."""
    if ctx.clock.now() - wanted.asked_at < GIVE_UP_AFTER:
        pause = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else AGAIN_AFTER
        raise RetryAt(ctx.clock.now() + pause) from error


async def _analyze(ctx: Context, client: BitriseClient, build: BuildRow, wanted: FindingRow) -> FindingRow:
    if build.outcome == Outcome.SUCCEEDED:
        installs = install_links(await list_artifacts(client, build))
        return dataclasses.replace(wanted, installs=tuple(dataclasses.asdict(link) for link in installs))
    finding = await failing.look_into(client, build, now=ctx.clock.now())
    if isinstance(finding, failing.NotYet):
        raise RetryAt(finding.retry_at)
    return with_finding(wanted, finding)


async def _save(ctx: Context, build: BuildRow, finding: FindingRow) -> None:
    async def keep(tx: Transaction) -> None:
        if not await result_rows.save_result(tx, finding):
            return
        for card in await message_rows.list_telling(tx, build.workspace_id, build.build_slug):
            if build.outcome == Outcome.FAILED:
                await outbox.explain_failure(ctx, tx, card, build.build_slug)
            elif card.style == CARD and finding.installs:
                await outbox.update_card(ctx, tx, card)

    await ctx.db.transaction(keep)


# When asked.


async def explain(ctx: Context, build: BuildRow) -> FindingRow:
    """Why a build failed, or what it has printed so far; what is known already is not asked for again."""
    known = await result_rows.find_result(ctx.db, build.workspace_id, build.build_slug)
    if known is not None and known.state == FOUND and build.outcome == Outcome.FAILED:
        return known
    now = ctx.clock.now()
    async with connection.client(ctx, build.workspace_id) as client:
        found = await failing.look_into(client, build, now=now, patience=timedelta(0))
    bare = FindingRow(build.workspace_id, build.build_slug, FOUND, now)
    if isinstance(found, failing.NotYet) or (not found.lines and may_still_come(build, now)):
        return dataclasses.replace(bare, missing=failing.NOT_STARTED)
    return with_finding(bare, found)


async def list_files(ctx: Context, build: BuildRow) -> Leftovers:
    """What can be installed, with the addresses of its pages, and the other files."""
    async with connection.client(ctx, build.workspace_id) as client:
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


JOBS = (JobKind(LOOK_INTO, perform_analysis, concurrency=4),)
