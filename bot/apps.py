"""The Bitrise apps of a workspace: refresh the list, find an app by any of its names, list workflows and branches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from bot import connection
from bot.app_names import MAX_SUGGESTIONS, AppIndex, not_found
from bot.bitrise.client import MAX_APPS
from bot.bitrise.models import App
from bot.context import Context
from bot.errors import BitriseUnauthorized, BuildbellError
from bot.fuzzy import rank
from bot.permissions import Actor
from storage import Transaction
from storage import apps as app_rows
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow

log = logging.getLogger(__name__)
STALE_AFTER = timedelta(minutes=1)
ANSWER_WITHIN_SECONDS = 2.0  # Slack waits 3 s for an answer
CACHED_FOR = timedelta(seconds=60)
"""Another replica may replace or delete the token meanwhile."""
MAX_CACHED = 500
MAX_CACHED_WORKSPACES = 200
DEFAULT_BRANCHES = ("main", "master", "develop", "trunk")


@dataclass(frozen=True, slots=True)
class AppNames:
    """Names of an app, most recent first. ``workflows`` and ``branches`` miss those of which nothing is known yet."""

    workflows: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    branches: tuple[str, ...] = ()

    def __add__(self, other: AppNames) -> AppNames:
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return AppNames(*(tuple(dict.fromkeys([*mine, *others])) for mine, others in pairs))

    def find_target(self, name: str) -> str | None:
        """Return the workflow or pipeline of that name, else the only one that differs in case alone."""
        targets = (*self.workflows, *self.pipelines)
        if name in targets:
            return name
        alike = {each for each in targets if each.casefold() == name.casefold()}
        return alike.pop() if len(alike) == 1 else None

    @property
    def default_branch(self) -> str | None:
        """Bitrise doesn't tell an app's default branch, so it is the usual one that has builds."""
        return next((name for name in DEFAULT_BRANCHES if name in self.branches), None)


class ListedNames(NamedTuple):
    """Names that Bitrise returned at a time."""

    names: AppNames
    at: datetime


class CachedNames(NamedTuple):
    """All names of an app, as of ``read_at``, and those of them that Bitrise listed."""

    names: AppNames
    read_at: datetime
    listed: ListedNames | None


class AppCache:
    """The index of each workspace, and the names of workflows, pipelines and branches by workspace and app."""

    def __init__(self) -> None:
        self.indexes: dict[str, AppIndex] = {}
        self.names: dict[tuple[str, str], CachedNames] = {}


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


async def get_app(ctx: Context, workspace_id: str, query: str) -> AppRow:
    """Find an app by name, also one that is new at Bitrise. Raises `AppNotFound` with close matches."""
    matches = (await load_index(ctx, workspace_id)).match(query)
    if len(matches) != 1 and await refresh_in_time(ctx, workspace_id):
        matches = (await load_index(ctx, workspace_id)).match(query)
    if len(matches) == 1:
        return matches[0]
    raise not_found(query, matches or await search(ctx, workspace_id, query), is_ambiguous=bool(matches))


async def find_by_name(ctx: Context, workspace_id: str, query: str) -> AppRow | None:
    """Return the app that the name identifies, or None, without a request to Bitrise."""
    matches = (await load_index(ctx, workspace_id)).match(query)
    return matches[0] if len(matches) == 1 else None


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


async def list_names(ctx: Context, workspace_id: str, app_slug: str) -> AppNames:
    """Return the names of stored builds, and those that Bitrise listed just now, without a request to Bitrise."""
    entry = ctx.app_cache.names.get((workspace_id, app_slug))
    if entry is not None and ctx.clock.now() - entry.read_at < CACHED_FOR:
        return entry.names
    return await _save_names(ctx, workspace_id, app_slug, _fresh(ctx, entry))


async def fetch_names(ctx: Context, workspace_id: str, app_slug: str) -> AppNames:
    """Return the names of stored builds and those at Bitrise; without the latter if Bitrise is slow.

    Bitrise lists workflows and branches that have run, and the app's bitrise.yml has the others. That file takes an
    admin's token, so it may be missing.
    """
    listed = _fresh(ctx, ctx.app_cache.names.get((workspace_id, app_slug)))
    if listed is None:
        parts: list[AppNames] = []
        try:
            async with asyncio.timeout(ANSWER_WITHIN_SECONDS), connection.client(ctx, workspace_id) as client:
                with _unless_refused("workflows"):
                    parts.append(AppNames(workflows=tuple(await client.list_workflows(app_slug))))
                with _unless_refused("branches"):
                    parts.append(AppNames(branches=tuple(await client.list_branches(app_slug))))
                with _unless_refused("bitrise.yml"):
                    parts.append(AppNames(*await client.list_configured(app_slug)))
        except (TimeoutError, BuildbellError) as error:
            log.info("names could not be listed", extra={"workspace": workspace_id, "error": str(error)})
        listed = ListedNames(sum(parts, AppNames()), ctx.clock.now())
    return await _save_names(ctx, workspace_id, app_slug, listed)


def _fresh(ctx: Context, entry: CachedNames | None) -> ListedNames | None:
    """Return the names that Bitrise listed, unless the token may have changed since."""
    listed = entry.listed if entry else None
    return listed if listed is not None and ctx.clock.now() - listed.at < CACHED_FOR else None


async def _save_names(ctx: Context, workspace_id: str, app_slug: str, listed: ListedNames | None) -> AppNames:
    columns, key = ("workflow", "pipeline", "branch"), (workspace_id, app_slug)
    lists = [await build_rows.list_names(ctx.db, workspace_id, app_slug, column=column) for column in columns]
    names = AppNames(*map(tuple, lists)) + (listed.names if listed else AppNames())
    cache = ctx.app_cache.names
    if len(cache) >= MAX_CACHED and key not in cache:
        cache.clear()
    cache[key] = CachedNames(names, ctx.clock.now(), listed)
    return names


async def prefetch_names(ctx: Context, workspace_id: str, app_slug: str) -> None:
    await fetch_names(ctx, workspace_id, app_slug)


@contextmanager
def _unless_refused(what: str) -> Iterator[None]:
    """Go on without names that Bitrise refuses to this token, but not with a rejected token."""
    try:
        yield
    except BitriseUnauthorized:
        raise
    except BuildbellError as error:
        log.info("names could not be listed", extra={"names": what, "error": str(error)})
