"""Stop several builds at once: which ones are meant, and one message that shows how it goes.

Each build is stopped by the rules for one build (`bot.builds.abort`); here they are only chosen and asked for together.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot import connection, outbox
from bot.bitrise.models import PAGE_LIMIT, Build, BuildFilters
from bot.builds import abort, queries
from bot.builds.abort import AbortParameters, is_stoppable
from bot.context import Context
from bot.errors import BuildFinished, BuildNotFound
from bot.permissions import Actor
from bot.sync import updates
from storage import Transaction, build_history
from storage import builds as build_rows
from storage import messages as message_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.messages import BULK_ABORT, MessageRow
from storage.requests import RequestRow

MOST = PAGE_LIMIT
"""What Bitrise lists at once; one message has lines for so many."""
TOLD = 5
ASKED_SINGLY = 20


@dataclass(frozen=True, slots=True)
class BulkFilter:
    """Which running builds of an app are meant. ``is_older``: only those that a newer running one replaces."""

    app: str | None = None
    branch: str | None = None
    workflow: str | None = None
    pull_request_id: int | None = None
    is_older: bool = False

    @property
    def is_narrowed(self) -> bool:
        return bool(self.branch or self.workflow or self.pull_request_id or self.is_older)


@dataclass(frozen=True, slots=True)
class Found:
    """``builds`` can be stopped, newest first. Left out are ``parts`` of pipelines and what is ``stopping`` already.

    ``of`` says in words what was asked for; ``is_more`` when only the newest are here.
    """

    app: AppRow
    of: str
    builds: tuple[BuildRow, ...]
    parts: int = 0
    stopping: int = 0
    is_more: bool = False


async def find_matches(ctx: Context, actor: Actor, filters: BulkFilter) -> Found:
    """What runs or waits and fits, as Bitrise has it now. Raises `AppNotFound`, `MissingArgument`."""
    ctx.permissions.check_member(actor)
    app = await queries.require_app(ctx, actor, filters.app)
    rows, is_more = await _list(ctx, actor, app, filters)
    if filters.is_older:
        replaced = [row for newer in rows if is_stoppable(newer) for row in await _older_than(ctx, newer)]
        slugs = {row.build_slug for row in replaced}
        rows = [row for row in rows if row.build_slug in slugs]
    return sorted_out(app, words_for(app, filters), rows, is_more=is_more)


async def find_older(ctx: Context, actor: Actor, build_slug: str) -> Found:
    """What a build replaces and still runs. Raises `BuildNotFound`."""
    newer = await queries.get_stored_build(ctx, actor, build_slug)
    filters = BulkFilter(newer.app_slug, pull_request_id=newer.pull_request_id)
    if not newer.pull_request_id:
        filters = dataclasses.replace(filters, branch=newer.branch, workflow=newer.target)
    app = await queries.require_app(ctx, actor, newer.app_slug)
    listed, is_more = await _list(ctx, actor, app, filters)
    slugs = {row.build_slug for row in listed}
    await _look(ctx, actor, [row for row in await _older_than(ctx, newer) if row.build_slug not in slugs])
    return sorted_out(app, words_for(app, filters), await _older_than(ctx, newer), is_more=is_more)


async def _list(ctx: Context, actor: Actor, app: AppRow, filters: BulkFilter) -> tuple[list[BuildRow], bool]:
    query = BuildFilters(
        status=0,
        branch=filters.branch,
        workflow=filters.workflow,
        trigger_event_type="pull-request" if filters.pull_request_id else None,
        pull_request_id=filters.pull_request_id,
        limit=MOST,
    )
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(app.app_slug, query)
    rows = await _observe(ctx, actor, page.items)
    known = await build_rows.list_unfinished(ctx.db, actor.workspace_id)
    fitting = [row for row in known if row.is_pipeline and row.app_slug == app.app_slug and fits(row, filters)]
    return [*rows, *await _look(ctx, actor, fitting)], page.next is not None  # no list of builds has pipelines


async def _look(ctx: Context, actor: Actor, builds: Sequence[BuildRow]) -> list[BuildRow]:
    """What is on no list, one by one; what Bitrise does not show any more is left out."""
    seen = [await queries.refresh_build(ctx, actor.workspace_id, build) for build in builds[:ASKED_SINGLY]]
    return await _observe(ctx, actor, [build for build in seen if build is not None])


async def _observe(ctx: Context, actor: Actor, seen: Sequence[Build]) -> list[BuildRow]:
    return await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, actor.workspace_id, seen))


async def _older_than(ctx: Context, newer: BuildRow) -> list[BuildRow]:
    return await build_history.list_superseded(ctx.db, newer)


async def request_abort_many(
    ctx: Context, actor: Actor, stops: Sequence[AbortParameters], *, view_id: str, of: str, newer: str | None = None
) -> MessageRow:
    """Store the wish to stop each build, and the card that shows how it goes: all of it, or nothing.

    The same view asks once, however often it is delivered. ``newer`` is the build whose card offered it. Raises
    `NotAllowed`, `BuildNotFound`, and `BuildFinished` when there is nothing left of it to stop.
    """
    for report in {stop.report for stop in stops}:
        await abort.check_may_stop(ctx, actor, report)
    wanted = {stop.build_slug: stop for stop in stops[:MOST]}
    found = [await build_rows.find_build(ctx.db, actor.workspace_id, slug) for slug in wanted]
    builds = [build for build in found if build is not None and build.pipeline_workflow_id is None]
    if not builds:
        raise BuildNotFound("I don't know these builds any more.")
    message_id = f"bulk:{actor.workspace_id}:{view_id}"
    requests = [
        abort.new_request(ctx, actor, dataclasses.replace(wanted[build.build_slug], message_id=message_id), build)
        for build in builds
    ]
    card = _card(ctx, message_id, actor, of, stops[0], requests)

    async def store(tx: Transaction) -> None:
        if not await message_rows.add_message(tx, card, [build.build_slug for build in builds]):
            return  # delivered twice
        pairs = zip(requests, builds, strict=True)
        claimed = [await abort.store_request(ctx, tx, request, build) for request, build in pairs]
        if not any(claimed):
            raise BuildFinished("There is nothing left to stop.")
        await outbox.update_card(ctx, tx, card)
        for offering in await message_rows.list_of_build(tx, actor.workspace_id, newer or ""):
            await outbox.update_card(ctx, tx, offering)

    try:
        await ctx.db.transaction(store)
    except BuildFinished as ended:
        raise BuildFinished("\n".join([ended.sentence, *await _true_states(ctx, builds)])) from None
    return card


def _card(
    ctx: Context, message_id: str, actor: Actor, of: str, stop: AbortParameters, requests: Sequence[RequestRow]
) -> MessageRow:
    """What shows how it goes, where the person is. ``facts`` say what no build's own row knows."""
    return MessageRow(
        message_id=message_id,
        workspace_id=actor.workspace_id,
        channel_id=actor.channel_id or actor.user_id,
        requested_by=actor.user_id,
        created_at=ctx.clock.now(),
        kind=BULK_ABORT,
        facts={
            "of": of,
            "by": actor.user_name,
            "category": stop.category,
            "sentence": stop.sentence,
            "requests": {request.build_slug: request.request_id for request in requests},
        },
    )


async def _true_states(ctx: Context, builds: Sequence[BuildRow]) -> list[str]:
    told = [await abort.explain_too_late(ctx, build) for build in builds[:TOLD]]
    return [*told, f"And {len(builds) - TOLD} more like these."] if len(builds) > TOLD else told


def fits(build: BuildRow, filters: BulkFilter) -> bool:
    return (
        filters.branch in (None, build.branch)
        and filters.workflow in (None, build.target)
        and filters.pull_request_id in (None, build.pull_request_id)
    )


def sorted_out(app: AppRow, of: str, rows: Iterable[BuildRow], *, is_more: bool) -> Found:
    """Who can be stopped, and why the others cannot."""
    running = [row for row in rows if not row.is_finished]
    stoppable = [row for row in running if is_stoppable(row)]
    stoppable.sort(key=lambda row: row.triggered_at or row.last_synced_at, reverse=True)
    parts = [row for row in running if row.pipeline_workflow_id is not None]
    stopping = len(running) - len(stoppable) - len(parts)
    return Found(app, of, tuple(stoppable[:MOST]), len(parts), stopping, is_more=is_more or len(stoppable) > MOST)


def words_for(app: AppRow, filters: BulkFilter) -> str:
    """``deploy on feature/x``: what follows "5 builds of"."""
    on = f"pull request #{filters.pull_request_id}" if filters.pull_request_id else filters.branch
    return " on ".join(filter(None, (filters.workflow, on))) or app.title
