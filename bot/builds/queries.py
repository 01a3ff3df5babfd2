"""Look up builds, list them, show them here: the rules about builds that exist."""

from __future__ import annotations

from dataclasses import dataclass

from bot import apps, connection, outbox, sync_schedule
from bot.bitrise.models import Build, BuildFilters
from bot.context import Context
from bot.domain.builds import Outcome
from bot.errors import BitriseNotFound, BuildNotFound, MissingArgument
from bot.permissions import Actor
from bot.sync import updates
from storage import Transaction
from storage import apps as app_rows
from storage import builds as build_rows
from storage import messages as message_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.messages import MessageRow

STATUS_OF = {Outcome.SUCCEEDED: 1, Outcome.FAILED: 2, Outcome.ABORTED: 3, Outcome.SKIPPED: 4}
PAGE = 10


@dataclass(frozen=True, slots=True)
class BuildRef:
    """A reference to a build: by app and number, or by slug (from a link or a button). An app alone is incomplete."""

    app: str | None = None
    number: int | None = None
    slug: str | None = None
    is_pipeline: bool = False

    @property
    def names_build(self) -> bool:
        """Whether it is a reference to one build, and not only to an app."""
        return self.number is not None or self.slug is not None


@dataclass(frozen=True, slots=True)
class ListFilters:
    """What a list is limited to. ``event``: push, pull-request or tag; ``next``: the slug the page begins with."""

    workflow: str | None = None
    branch: str | None = None
    outcome: str | None = None
    event: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    app: AppRow
    builds: list[BuildRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class Running:
    """In one app, or in all for None. ``is_more`` when only the newest are here: so many as Bitrise lists at once."""

    app: AppRow | None
    builds: tuple[BuildRow, ...]
    is_more: bool


async def get_build(ctx: Context, actor: Actor, reference: BuildRef, *, looks_everywhere: bool = True) -> BuildRow:
    """The build a person means, as Bitrise shows it now. Raises `BuildNotFound`, `AppNotFound`, `MissingArgument`.

    An old build of which only the slug is known has to be looked for in every app: ``looks_everywhere``.
    """
    ctx.permissions.check_member(actor)
    seen = await _find(ctx, actor, reference, looks_everywhere=looks_everywhere)
    if seen is None:
        raise BuildNotFound(
            f"I can't find {spell(reference)} among the builds the stored token reaches. "
            f"{ctx.settings.command} list shows the recent ones."
        )
    rows = await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, actor.workspace_id, [seen]))
    return rows[0]


async def get_stored_build(ctx: Context, actor: Actor, build_slug: str) -> BuildRow:
    """A build from the rows alone, for a press that must be answered at once. Raises `BuildNotFound`."""
    ctx.permissions.check_member(actor)
    build = await build_rows.find_build(ctx.db, actor.workspace_id, build_slug)
    if build is None:
        raise BuildNotFound("I don't know that build any more.")
    return build


async def is_shown_here(ctx: Context, actor: Actor, build: BuildRow) -> bool:
    """Whether the channel has a live card of the build."""
    cards = await message_rows.list_of_build(ctx.db, actor.workspace_id, build.build_slug)
    return any(card.channel_id == actor.channel_id for card in cards)


async def post_card(ctx: Context, actor: Actor, build: BuildRow) -> None:
    """Post the build's card where the person is, live if it still runs."""
    ctx.permissions.check_member(actor)
    now = ctx.clock.now()
    card = MessageRow(
        message_id=ctx.new_id(),
        workspace_id=actor.workspace_id,
        channel_id=actor.channel_id or actor.user_id,
        requested_by=actor.user_id,
        created_at=now,
    )

    async def store(tx: Transaction) -> None:
        await message_rows.add_message(tx, card, [build.build_slug])
        await outbox.update_card(ctx, tx, card)
        if not build.is_finished:
            await sync_schedule.schedule_now(ctx, tx, actor.workspace_id, at=now)

    await ctx.db.transaction(store)


async def list_builds(ctx: Context, actor: Actor, app_name: str | None, filters: ListFilters) -> Listed:
    """A page of an app's builds, newest first, straight from Bitrise."""
    ctx.permissions.check_member(actor)
    app = await require_app(ctx, actor, app_name)
    asked = BuildFilters(
        workflow=filters.workflow,
        branch=filters.branch,
        status=STATUS_OF[Outcome(filters.outcome)] if filters.outcome else None,
        trigger_event_type=filters.event,
        next=filters.next,
        limit=PAGE,
    )
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(app.app_slug, asked)
    rows = await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, actor.workspace_id, page.items))
    return Listed(app, rows, page.next)


async def list_running(ctx: Context, actor: Actor, app_name: str | None) -> Running:
    """What runs now, in one app or in all of them."""
    ctx.permissions.check_member(actor)
    app = await require_app(ctx, actor, app_name) if app_name else None
    async with connection.client(ctx, actor.workspace_id) as client:
        if app is None:
            page = await client.list_all_builds(status=0)
        else:
            page = await client.list_builds(app.app_slug, BuildFilters(status=0))
    rows = await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, actor.workspace_id, page.items))
    pipelines = [
        row
        for row in await build_rows.list_unfinished(ctx.db, actor.workspace_id)
        if row.is_pipeline and (app is None or row.app_slug == app.app_slug)
    ]
    return Running(app, (*rows, *pipelines), is_more=page.next is not None)


async def require_app(ctx: Context, actor: Actor, name: str | None) -> AppRow:
    """Return the app by name or the default of the channel. Raises `AppNotFound`, `MissingArgument` without either."""
    await connection.require(ctx, actor.workspace_id)
    app = await apps.resolve_app(ctx, actor, name)
    if app is None:
        raise MissingArgument(
            "Which app? Name it before the rest, as in shop #812 or shop workflow:deploy, "
            f"or set this channel's app with {ctx.settings.command} settings."
        )
    return app


async def _find(ctx: Context, actor: Actor, reference: BuildRef, *, looks_everywhere: bool) -> Build | None:
    if reference.slug:
        return await _find_by_slug(ctx, actor, reference, looks_everywhere=looks_everywhere)
    if reference.number is None:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} status shop #812")
    app = await require_app(ctx, actor, reference.app)
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(app.app_slug, BuildFilters(build_number=reference.number, limit=1))
    return page.items[0] if page.items else None


async def _find_by_slug(ctx: Context, actor: Actor, reference: BuildRef, *, looks_everywhere: bool) -> Build | None:
    """A link need not name the app: our rows, then the recent builds of all apps, then app by app."""
    slug = reference.slug or ""
    known = await build_rows.find_build(ctx.db, actor.workspace_id, slug)
    if known is not None:
        return await refresh_build(ctx, actor.workspace_id, known)
    if reference.app:
        app = await apps.get_app(ctx, actor.workspace_id, reference.app)
        return await _try_fetch(ctx, actor.workspace_id, app.app_slug, slug, is_pipeline=reference.is_pipeline)
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_all_builds()
    recent = next((build for build in page.items if build.slug == slug), None)
    if recent is not None:
        return recent
    for row in await app_rows.list_apps(ctx.db, actor.workspace_id) if looks_everywhere else ():
        if found := await _try_fetch(ctx, actor.workspace_id, row.app_slug, slug, is_pipeline=False):
            return found
    return None


async def refresh_build(ctx: Context, workspace_id: str, build: BuildRow) -> Build | None:
    """A known build as Bitrise has it now; None when Bitrise does not show it any more."""
    return await _try_fetch(ctx, workspace_id, build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)


async def _try_fetch(ctx: Context, workspace_id: str, app_slug: str, slug: str, *, is_pipeline: bool) -> Build | None:
    async with connection.client(ctx, workspace_id) as client:
        try:
            return await client.get_build(app_slug, slug, is_pipeline=is_pipeline)
        except BitriseNotFound:
            return None


def spell(reference: BuildRef) -> str:
    if reference.number is not None:
        return f"#{reference.number}"
    return f"the build {reference.slug}"
