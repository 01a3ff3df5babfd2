"""Find builds for people: one by reference, a page of an app's builds, the running ones; post a build's card."""

from __future__ import annotations

from dataclasses import dataclass, replace

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

STATUS_CODES = {Outcome.SUCCEEDED: 1, Outcome.FAILED: 2, Outcome.ABORTED: 3, Outcome.SKIPPED: 4}
PAGE_SIZE = 10
MAX_PAGES = 5
MESSAGES_READ = 50
"""How many messages of a channel are read for the builds that are meant there."""
NEWEST = "-"
"""Start of the first page of a list."""


@dataclass(frozen=True, slots=True)
class BuildRef:
    """A build as a person refers to it: by app and number, or by the slug of a link or a button."""

    app: str | None = None
    number: int | None = None
    slug: str | None = None
    is_pipeline: bool = False

    @property
    def names_build(self) -> bool:
        """Whether it is one build, and not only an app."""
        return self.number is not None or self.slug is not None


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A page of an app's builds. ``event`` is push, pull-request or tag.

    ``starts`` are the slugs of the builds with which this page and those before it begin, for the way back.
    """

    app: str | None = None
    workflow: str | None = None
    branch: str | None = None
    outcome: str | None = None
    event: str | None = None
    starts: tuple[str, ...] = (NEWEST,)

    def matches(self, build: BuildRow) -> bool:
        """Whether a build is meant: Bitrise's filters let builds of pull requests and of the API through."""
        is_of_branch = self.branch is None or (build.branch == self.branch and not build.pull_request_id)
        return is_of_branch and (self.event is None or build.cause == self.event)

    @property
    def filters(self) -> dict[str, str]:
        values = {"workflow": self.workflow, "branch": self.branch, "outcome": self.outcome, "event": self.event}
        return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class BuildPage:
    """A page of a list, newest first. ``next`` is the slug with which the next page begins."""

    app: AppRow
    builds: list[BuildRow]
    next: str | None


@dataclass(frozen=True, slots=True)
class RunningBuilds:
    """Unfinished builds of one app, or of all for None. ``is_more`` if Bitrise has more than it lists at once."""

    app: AppRow | None
    builds: tuple[BuildRow, ...]
    is_more: bool


# One build.


async def get_build(ctx: Context, actor: Actor, reference: BuildRef, *, searches_apps: bool = True) -> BuildRow:
    """Fetch and store a build. Raises `BuildNotFound`, `AppNotFound`, `MissingArgument`.

    ``searches_apps``: an old build of which only the slug is known is searched for in every app.
    """
    ctx.permissions.check_member(actor)
    if reference.slug:
        build = await find_by_slug(ctx, actor, reference, searches_apps=searches_apps)
    elif reference.number is not None:
        app = await find_app_here(ctx, actor, reference) or await require_app(ctx, actor, reference.app)
        async with connection.client(ctx, actor.workspace_id) as client:
            page = await client.list_builds(app.app_slug, BuildFilters(build_number=reference.number, limit=1))
        build = page.items[0] if page.items else None
    else:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} status shop #812")
    if build is None:
        label = f"the build {reference.slug}" if reference.number is None else f"#{reference.number}"
        raise BuildNotFound(f"Couldn't find {label}. Run `{ctx.settings.command} list` to see recent builds.")
    return (await updates.save_builds(ctx, actor.workspace_id, [build]))[0]


async def find_by_slug(ctx: Context, actor: Actor, reference: BuildRef, *, searches_apps: bool) -> Build | None:
    """Fetch a build whose app may be unknown: look at the rows, at the recent builds of all apps, then app by app."""
    workspace_id, slug = actor.workspace_id, reference.slug or ""
    if stored := await build_rows.find_build(ctx.db, workspace_id, slug):
        return await refresh_build(ctx, stored)
    if reference.app:
        app = await apps.get_app(ctx, workspace_id, reference.app)
        return await fetch_build(ctx, workspace_id, app.app_slug, slug, is_pipeline=reference.is_pipeline)
    async with connection.client(ctx, workspace_id) as client:
        page = await client.list_all_builds()
    if recent := next((build for build in page.items if build.slug == slug), None):
        return recent
    for app in await app_rows.list_apps(ctx.db, workspace_id) if searches_apps else ():
        if build := await fetch_build(ctx, workspace_id, app.app_slug, slug):
            return build
    return None


async def refresh_build(ctx: Context, build: BuildRow) -> Build | None:
    """Fetch a stored build as it is at Bitrise now; None if Bitrise no longer shows it."""
    return await fetch_build(ctx, build.workspace_id, build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)


async def fetch_build(
    ctx: Context, workspace_id: str, app_slug: str, slug: str, *, is_pipeline: bool = False
) -> Build | None:
    async with connection.client(ctx, workspace_id) as client:
        try:
            return await client.get_build(app_slug, slug, is_pipeline=is_pipeline)
        except BitriseNotFound:
            return None


async def get_stored_build(ctx: Context, actor: Actor, build_slug: str) -> BuildRow:
    """Return a build as last synced, for buttons, which have to be answered at once. Raises `BuildNotFound`."""
    ctx.permissions.check_member(actor)
    build = await build_rows.find_build(ctx.db, actor.workspace_id, build_slug)
    if build is None:
        raise BuildNotFound("That build is no longer available.")
    return build


# Lists.


async def list_builds(ctx: Context, actor: Actor, query: ListQuery) -> BuildPage:
    """Fetch and store a page of an app's builds. Raises `AppNotFound`, `MissingArgument`.

    A page may hold fewer than Bitrise returns; one that would hold none is skipped, a few times.
    """
    ctx.permissions.check_member(actor)
    app = await require_app(ctx, actor, query.app)
    filters = BuildFilters(
        workflow=query.workflow,
        branch=query.branch,
        status=STATUS_CODES[Outcome(query.outcome)] if query.outcome else None,
        trigger_event_type=query.event,
        next=None if query.starts[-1] == NEWEST else query.starts[-1],
        limit=PAGE_SIZE,
    )
    async with connection.client(ctx, actor.workspace_id) as client:
        for _ in range(MAX_PAGES):
            page = await client.list_builds(app.app_slug, filters)
            builds = await updates.save_builds(ctx, actor.workspace_id, page.items)
            matching = [build for build in builds if query.matches(build)]
            if matching or page.next is None:
                break
            filters = replace(filters, next=page.next)
    return BuildPage(app, matching, page.next)


async def list_running(ctx: Context, actor: Actor, app_name: str | None) -> RunningBuilds:
    """Fetch and store the unfinished builds, of one app if it is named. Raises `AppNotFound`."""
    ctx.permissions.check_member(actor)
    app = await require_app(ctx, actor, app_name) if app_name else None
    async with connection.client(ctx, actor.workspace_id) as client:
        if app is None:
            page = await client.list_all_builds(status=0)
        else:
            page = await client.list_builds(app.app_slug, BuildFilters(status=0))
    builds = await updates.save_builds(ctx, actor.workspace_id, page.items)
    stored = await build_rows.list_unfinished(ctx.db, actor.workspace_id)
    pipelines = [row for row in stored if row.is_pipeline and (app is None or row.app_slug == app.app_slug)]
    return RunningBuilds(app, (*builds, *pipelines), is_more=page.next is not None)


async def list_here(ctx: Context, actor: Actor) -> list[BuildRow]:
    """Return the builds with messages in the channel, the newest message first."""
    ctx.permissions.check_member(actor)
    if actor.channel_id is None:
        return []
    return await build_rows.list_of_channel(ctx.db, actor.workspace_id, actor.channel_id, limit=MESSAGES_READ)


async def find_app_here(ctx: Context, actor: Actor, reference: BuildRef) -> AppRow | None:
    """Return the app of a number without one, if builds of one app alone have that number in this channel."""
    if reference.app is not None:
        return None
    slugs = {build.app_slug for build in await list_here(ctx, actor) if build.number == reference.number}
    return await apps.find_app(ctx, actor.workspace_id, slugs.pop()) if len(slugs) == 1 else None


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


# Cards.


async def has_card_here(ctx: Context, actor: Actor, build: BuildRow) -> bool:
    """Whether the channel has a live card of the build."""
    return await find_card_here(ctx, actor, build) is not None


async def find_card_here(ctx: Context, actor: Actor, build: BuildRow) -> MessageRow | None:
    cards = await message_rows.list_of_build(ctx.db, actor.workspace_id, build.build_slug)
    return next((card for card in cards if card.channel_id == actor.channel_id), None)


async def follow(ctx: Context, actor: Actor, build: BuildRow) -> None:
    """Mention the person when the build finishes, in the thread of its card here, which is posted if there is none."""
    card = await find_card_here(ctx, actor, build)
    if card is None:
        await post_card(ctx, actor, build)  # it mentions the person who had it posted
    elif card.requested_by != actor.user_id:
        await ctx.db.transaction(lambda tx: message_rows.add_follower(tx, card.message_id, actor.user_id))


async def post_card(ctx: Context, actor: Actor, build: BuildRow) -> None:
    """Post the build's card where the person is, live until the build has finished."""
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
