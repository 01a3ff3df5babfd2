"""Stop several builds at once: find the matches, and store their stops with one message that shows the progress.

Each build is stopped by the rules for one build, see `bot.builds.abort`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import connection, outbox
from bot.bitrise.models import PAGE_LIMIT, BuildFilters
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

MAX_BUILDS = PAGE_LIMIT
"""Builds that Bitrise lists at once; the message has lines for as many."""
MAX_LISTED = 5
MAX_REFRESHED = 20


@dataclass(frozen=True, slots=True)
class BulkFilter:
    """Which running builds of an app to stop. ``is_older``: only those that a newer running one supersedes."""

    app: str | None = None
    branch: str | None = None
    workflow: str | None = None
    pull_request_id: int | None = None
    is_older: bool = False

    @property
    def is_narrowed(self) -> bool:
        return bool(self.branch or self.workflow or self.pull_request_id or self.is_older)

    def matches(self, build: BuildRow) -> bool:
        return (
            (self.branch is None or (self.branch == build.branch and not build.pull_request_id))
            and self.workflow in (None, build.target)
            and self.pull_request_id in (None, build.pull_request_id)
        )

    def describe(self, app: AppRow) -> str:
        """Return what follows "5 builds of": ``deploy on feature/x``."""
        code = f"pull request #{self.pull_request_id}" if self.pull_request_id else self.branch
        return " on ".join(filter(None, (self.workflow, code))) or app.title


@dataclass(frozen=True, slots=True)
class Matches:
    """The ``builds`` that can be stopped, newest first, and ``description``, what they are builds of.

    Builds ``in_pipeline`` and builds ``stopping`` already are only counted. ``is_more`` if there are older ones.
    """

    app: AppRow
    description: str
    builds: tuple[BuildRow, ...]
    in_pipeline: int = 0
    stopping: int = 0
    is_more: bool = False


async def find_matches(ctx: Context, actor: Actor, filters: BulkFilter) -> Matches:
    """Fetch the running builds that match. Raises `AppNotFound`, `MissingArgument`."""
    await ctx.permissions.check_may_act(actor)
    app = await queries.require_app(ctx, actor, filters.app)
    builds, is_more = await fetch_running(ctx, actor, app, filters)
    if filters.is_older:
        newer = [build for build in builds if is_stoppable(build)]
        older = {row.build_slug for build in newer for row in await build_history.list_superseded(ctx.db, build)}
        builds = [build for build in builds if build.build_slug in older]
    return select_stoppable(app, filters, builds, is_more=is_more)


async def find_superseded(ctx: Context, actor: Actor, build_slug: str) -> Matches:
    """Fetch the running builds that a newer build supersedes. Raises `BuildNotFound`."""
    await ctx.permissions.check_may_act(actor)
    newer = await queries.get_stored_build(ctx, actor, build_slug)
    filters = BulkFilter(newer.app_slug, pull_request_id=newer.pull_request_id)
    if not newer.pull_request_id:
        filters = replace(filters, branch=newer.branch, workflow=newer.target)
    app = await queries.require_app(ctx, actor, newer.app_slug)
    fetched, is_more = await fetch_running(ctx, actor, app, filters)
    slugs = {build.build_slug for build in fetched}
    older = await build_history.list_superseded(ctx.db, newer)
    await refresh(ctx, actor, [build for build in older if build.build_slug not in slugs])
    return select_stoppable(app, filters, await build_history.list_superseded(ctx.db, newer), is_more=is_more)


async def fetch_running(ctx: Context, actor: Actor, app: AppRow, filters: BulkFilter) -> tuple[list[BuildRow], bool]:
    """Return the running builds as they are at Bitrise now, and whether Bitrise has more than it lists at once."""
    query = BuildFilters(
        status=0,
        branch=filters.branch,
        workflow=filters.workflow,
        trigger_event_type="pull-request" if filters.pull_request_id else None,
        pull_request_id=filters.pull_request_id,
        limit=MAX_BUILDS,
    )
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(app.app_slug, query)
    builds = await updates.save_builds(ctx, actor.workspace_id, page.items)
    stored = [row for row in await build_rows.list_unfinished(ctx.db, actor.workspace_id) if row.is_pipeline]
    pipelines = [row for row in stored if row.app_slug == app.app_slug and filters.matches(row)]
    builds = [row for row in builds if filters.matches(row)]
    return [*builds, *await refresh(ctx, actor, pipelines)], page.next is not None


async def refresh(ctx: Context, actor: Actor, builds: Sequence[BuildRow]) -> list[BuildRow]:
    """Fetch builds one by one, such as pipelines, which aren't in the list of builds."""
    fetched = [await queries.refresh_build(ctx, build) for build in builds[:MAX_REFRESHED]]
    return await updates.save_builds(ctx, actor.workspace_id, [build for build in fetched if build is not None])


def select_stoppable(app: AppRow, filters: BulkFilter, builds: Iterable[BuildRow], *, is_more: bool) -> Matches:
    running = [build for build in builds if not build.is_finished]
    stoppable = [build for build in running if is_stoppable(build)]
    stoppable.sort(key=lambda build: build.triggered_at or build.last_synced_at, reverse=True)
    in_pipeline = sum(build.pipeline_workflow_id is not None for build in running)
    return Matches(
        app,
        filters.describe(app),
        tuple(stoppable[:MAX_BUILDS]),
        in_pipeline,
        stopping=len(running) - len(stoppable) - in_pipeline,
        is_more=is_more or len(stoppable) > MAX_BUILDS,
    )


async def request_bulk_abort(
    ctx: Context,
    actor: Actor,
    stops: Sequence[AbortParameters],
    *,
    view_id: str,
    description: str,
    newer: str | None = None,
) -> MessageRow:
    """Store a stop for each build, and the message that shows the progress: all of it, or nothing.

    A second delivery of the same view changes nothing. ``newer`` is the build whose card offered this. Raises
    `NotAllowed`, `BuildNotFound`, and `BuildFinished` if none of the builds can be stopped any longer.
    """
    for report in {stop.report for stop in stops}:
        await abort.check_may_stop(ctx, actor, report)
    message_id = f"bulk:{actor.workspace_id}:{view_id}"
    builds, requests = [], []
    for slug, stop in {stop.build_slug: stop for stop in stops[:MAX_BUILDS]}.items():
        build = await build_rows.find_build(ctx.db, actor.workspace_id, slug)
        if build is not None and build.pipeline_workflow_id is None:
            builds.append(build)
            requests.append(abort.new_request(ctx, actor, replace(stop, message_id=message_id), build))
    if not builds:
        raise BuildNotFound("These builds are no longer available.")
    facts: dict[str, Any] = {"of": description, "by": actor.user_name}
    facts |= {"category": stops[0].category, "sentence": stops[0].sentence}
    facts |= {"requests": {request.build_slug: request.request_id for request in requests}}
    card = MessageRow(
        message_id, actor.workspace_id, actor.channel_id or actor.user_id, ctx.clock.now(),
        requested_by=actor.user_id, kind=BULK_ABORT, facts=facts,
    )  # fmt: skip

    async def store(tx: Transaction) -> None:
        if not await message_rows.add_message(tx, card, [build.build_slug for build in builds]):
            return  # delivered twice
        pairs = zip(requests, builds, strict=True)
        if not any([await abort.store_request(ctx, tx, request, build) for request, build in pairs]):
            raise BuildFinished("There is nothing left to stop.")
        await outbox.update_card(ctx, tx, card)
        for offer in await message_rows.list_of_build(tx, actor.workspace_id, newer or ""):
            await outbox.update_card(ctx, tx, offer)

    try:
        await ctx.db.transaction(store)
    except BuildFinished as error:
        raise BuildFinished(await explain_all_too_late(ctx, error.sentence, builds)) from None
    return card


async def explain_all_too_late(ctx: Context, sentence: str, builds: Sequence[BuildRow]) -> str:
    """Say of each build why it can't be stopped any longer."""
    sentences = [sentence, *[await abort.explain_too_late(ctx, build) for build in builds[:MAX_LISTED]]]
    if len(builds) > MAX_LISTED:
        sentences.append(f"And {len(builds) - MAX_LISTED} more like these.")
    return "\n".join(sentences)
