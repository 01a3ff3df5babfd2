"""The Bitrise apps of a workspace: refresh the list, find an app by any of its names, list workflows and branches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from bot import connection
from bot.app_names import MAX_SUGGESTIONS, AppIndex, not_found
from bot.bitrise.client import MAX_APPS
from bot.bitrise.models import App
from bot.clock import Clock
from bot.context import Context
from bot.errors import BuildbellError
from bot.fuzzy import rank
from bot.permissions import Actor
from storage import Transaction
from storage import apps as app_rows
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow

log = logging.getLogger(__name__)
T = TypeVar("T")
STALE_AFTER = timedelta(minutes=1)
ANSWER_WITHIN_SECONDS = 2.0  # Slack waits 3 s for an answer
CACHED_FOR = timedelta(seconds=60)
"""Another replica may replace or delete the token meanwhile."""
MAX_CACHED = 500
MAX_CACHED_WORKSPACES = 200


class TimedCache(Generic[T]):
    """Values by workspace, app and name, kept for a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[tuple[str, str, str], tuple[datetime, T]] = {}

    async def get(self, key: tuple[str, str, str], load: Callable[[], Awaitable[T]]) -> T:
        entry, now = self._entries.get(key), self._clock.now()
        if entry is None or now - entry[0] >= CACHED_FOR:
            entry = (now, await load())
            if len(self._entries) >= MAX_CACHED:
                self._entries.clear()
            self._entries[key] = entry
        return entry[1]


class AppCache:
    """The index of each workspace, the names that Bitrise listed, and whether a name is a pipeline's."""

    def __init__(self, clock: Clock) -> None:
        self.indexes: dict[str, AppIndex] = {}
        self.names_at_bitrise = TimedCache[list[str]](clock)
        self.pipelines = TimedCache[bool](clock)


# The list of apps.


async def refresh(ctx: Context, workspace_id: str) -> None:
    """Fetch the apps of the token from Bitrise. Raises the errors of `connection.client`."""
    workspace = await connection.require(ctx, workspace_id)
    async with connection.client_of(ctx, workspace) as client:
        apps = await client.list_all_apps()

    async def store(tx: Transaction) -> None:
        current = await workspace_rows.find_workspace(tx, workspace_id)
        if current and current.bitrise_token_sealed == workspace.bitrise_token_sealed:  # else deleted or replaced
            await save_apps(ctx, tx, workspace_id, apps)

    await ctx.db.transaction(store)


async def refresh_if_older(ctx: Context, workspace_id: str, *, than: timedelta) -> bool:
    """Refresh the list unless it is recent. Return whether it was refreshed."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    refreshed_at = workspace.apps_refreshed_at if workspace else None
    if refreshed_at and ctx.clock.now() - refreshed_at < than:
        return False
    await refresh(ctx, workspace_id)
    return True


async def save_apps(ctx: Context, tx: Transaction, workspace_id: str, apps: Sequence[App]) -> None:
    """Store the list that Bitrise returned for the token of a workspace. It is complete below `MAX_APPS`."""
    rows = to_rows(workspace_id, apps)
    await (app_rows.replace_apps if len(rows) < MAX_APPS else app_rows.add_apps)(tx, workspace_id, rows)
    await workspace_rows.save_apps_refreshed(tx, workspace_id, now=ctx.clock.now())


def to_rows(workspace_id: str, apps: Sequence[App]) -> list[AppRow]:
    return [
        AppRow(
            workspace_id=workspace_id,
            app_slug=app.slug,
            title=app.title or app.repo_slug or app.slug,
            repo_owner=app.repo_owner,
            repo_slug=app.repo_slug,
            repo_url=app.repo_url,
            project_type=app.project_type,
            is_disabled=app.is_disabled,
            provider=app.provider,
        )
        for app in apps
    ]


async def fetch_by_title(ctx: Context, workspace_id: str, title: str) -> bool:
    """Look up an app at Bitrise in a workspace with more apps than are listed. Return whether there is one."""
    if len((await load_index(ctx, workspace_id)).apps) < MAX_APPS:
        return False
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS), connection.client(ctx, workspace_id) as client:
            rows = to_rows(workspace_id, (await client.list_apps(title=title)).items)
    except (TimeoutError, BuildbellError) as error:
        log.info("an app could not be looked up", extra={"workspace": workspace_id, "error": str(error)})
        return False
    if rows:
        await ctx.db.transaction(lambda tx: app_rows.add_apps(tx, workspace_id, rows))
    return bool(rows)


# Finding an app.


async def get_app(ctx: Context, workspace_id: str, query: str, *, version: int | None = None) -> AppRow:
    """Find an app by name, also one that is new at Bitrise.

    ``version`` is that of the names, if it was just read. Raises `AppNotFound` with close matches.
    """
    matches = (await load_index(ctx, workspace_id, version)).match(query)
    if len(matches) != 1 and await refresh_in_time(ctx, workspace_id):
        matches = (await load_index(ctx, workspace_id)).match(query)
    if not matches and await fetch_by_title(ctx, workspace_id, query):
        matches = (await load_index(ctx, workspace_id)).match(query)
    if len(matches) == 1:
        return matches[0]
    raise not_found(query, matches or await search(ctx, workspace_id, query), is_ambiguous=bool(matches))


async def find_by_name(ctx: Context, workspace_id: str, query: str) -> AppRow | None:
    """Return the app that the name identifies, or None, without a request to Bitrise."""
    matches = (await load_index(ctx, workspace_id)).match(query)
    return matches[0] if len(matches) == 1 else None


async def has_app_named(ctx: Context, workspace_id: str, query: str) -> bool:
    """Return whether one app has exactly that name, without a request to Bitrise."""
    return (await load_index(ctx, workspace_id)).has_name(query)


async def find_app(ctx: Context, workspace_id: str, app_slug: str) -> AppRow | None:
    return await app_rows.find_app(ctx.db, workspace_id, app_slug)


async def list_titles(ctx: Context, workspace_id: str) -> Mapping[str, str]:
    """Return a mapping from app slug to a title that no other app has."""
    return (await load_index(ctx, workspace_id)).titles


async def find_title(ctx: Context, workspace_id: str, app_slug: str) -> str | None:
    return (await list_titles(ctx, workspace_id)).get(app_slug)


async def find_channel_app(ctx: Context, workspace_id: str, channel_id: str | None) -> AppRow | None:
    """Return the default app of a channel, if the token can still access it."""
    channel = await app_rows.get_channel(ctx.db, workspace_id, channel_id or "")
    return await app_rows.find_app(ctx.db, workspace_id, channel.app_slug) if channel.app_slug else None


async def resolve_app(ctx: Context, actor: Actor, name: str | None) -> AppRow | None:
    """Return the app of that name or, without a name, the default app of the channel. Raises `AppNotFound`."""
    if name:
        return await get_app(ctx, actor.workspace_id, name)
    return await find_channel_app(ctx, actor.workspace_id, actor.channel_id)


async def search(ctx: Context, workspace_id: str, query: str) -> list[AppRow]:
    """Return a few apps that match, best first; any for an empty query."""
    index = await load_index(ctx, workspace_id)
    if not query.strip():
        return list(index.apps[:MAX_SUGGESTIONS])
    if not index.match(query) and await fetch_by_title(ctx, workspace_id, query.strip()):
        index = await load_index(ctx, workspace_id)
    names = await asyncio.to_thread(rank, query, list(index.by_name))  # slow for thousands of names
    matches = {app.app_slug: app for name in names for app in index.by_name[name]}
    return list(matches.values())[:MAX_SUGGESTIONS]


async def load_index(ctx: Context, workspace_id: str, version: int | None = None) -> AppIndex:
    """Return the index, read once per version: a workspace has hundreds of names, and every start needs them."""
    if version is None:
        version = await workspace_rows.find_names_version(ctx.db, workspace_id)
    indexes = ctx.app_cache.indexes
    index = indexes.get(workspace_id)
    if index is None or index.version != version:
        aliases = await app_rows.list_aliases(ctx.db, workspace_id)
        index = AppIndex(version, await app_rows.list_apps(ctx.db, workspace_id), aliases)
        if len(indexes) >= MAX_CACHED_WORKSPACES:
            indexes.clear()
        indexes[workspace_id] = index
    return index


async def refresh_in_time(ctx: Context, workspace_id: str) -> bool:
    """Refresh a stale list before Slack's deadline. Return False if it is recent or Bitrise doesn't answer in time."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            return await refresh_if_older(ctx, workspace_id, than=STALE_AFTER)
    except (TimeoutError, BuildbellError) as error:
        log.info("the app list could not be refreshed", extra={"workspace": workspace_id, "error": str(error)})
        return False


# Workflows, pipelines and branches of an app.


async def list_workflows(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    return await list_names(ctx, workspace_id, app_slug, "workflow")


async def list_branches(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    return await list_names(ctx, workspace_id, app_slug, "branch")


async def list_pipelines(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    """Return the pipelines of stored builds; Bitrise has no list of them."""
    return await build_rows.list_names(ctx.db, workspace_id, app_slug, column="pipeline")


async def list_stored_names(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    """Return the workflows, pipelines and branches of an app's stored builds."""
    names = []
    for column in ("workflow", "pipeline", "branch"):
        names += await build_rows.list_names(ctx.db, workspace_id, app_slug, column=column)
    return names


async def is_pipeline(ctx: Context, workspace_id: str, app_slug: str, name: str) -> bool:
    """Return whether builds of a pipeline with that name are stored. Cached for a minute."""
    key = (workspace_id, app_slug, name)
    return await ctx.app_cache.pipelines.get(key, partial(build_rows.has_pipeline, ctx.db, *key))


async def list_names(ctx: Context, workspace_id: str, app_slug: str, column: str) -> list[str]:
    """Return the names from stored builds and from Bitrise; the stored ones alone if Bitrise is slow."""
    key = (workspace_id, app_slug, column)
    stored = await build_rows.list_names(ctx.db, workspace_id, app_slug, column=column)
    listed = await ctx.app_cache.names_at_bitrise.get(key, partial(fetch_names, ctx, *key))
    return list(dict.fromkeys([*stored, *listed]))


async def fetch_names(ctx: Context, workspace_id: str, app_slug: str, column: str) -> list[str]:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS), connection.client(ctx, workspace_id) as client:
            if column == "workflow":
                return list(await client.list_workflows(app_slug))
            return list(await client.list_branches(app_slug))
    except (TimeoutError, BuildbellError) as error:
        log.info("names could not be listed", extra={"column": column, "error": str(error)})
        return []
