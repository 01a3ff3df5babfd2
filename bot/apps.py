"""The Bitrise apps of a workspace: refresh them, and find one by any of its names."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from bot import connection
from bot.clock import Clock
from bot.connection import rows_of_apps
from bot.context import Context
from bot.errors import AppNotFound, BuildbellError, Suggestion
from bot.fuzzy import rank
from bot.permissions import Actor
from storage import Transaction
from storage import apps as app_rows
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.apps import AppRow

log = logging.getLogger(__name__)
T = TypeVar("T")
About = tuple[str, str, str]
"""Workspace, app, and the question."""
STALE_AFTER = timedelta(minutes=1)
ANSWER_WITHIN_SECONDS = 2.0  # Slack waits 3 s for an answer
NAMES_KEPT_FOR = timedelta(seconds=60)
"""Another replica may replace or delete the token meanwhile."""
NAMES_KEPT = 500
WORKSPACES_KEPT = 200
CLOSE = 5
"""Apps offered if a name is ambiguous."""


@dataclass(frozen=True, slots=True)
class AppNames:
    """An app and all of its names."""

    app: AppRow
    names: tuple[str, ...]


class Known:
    """The apps of a workspace by lower-case name. ``version`` is that of the names."""

    def __init__(self, version: int, entries: Sequence[AppNames]) -> None:
        self.version, self.entries = version, entries
        self._by_name: dict[str, list[AppRow]] = {}
        for entry in entries:
            for name in dict.fromkeys(map(str.lower, entry.names)):
                self._by_name.setdefault(name, []).append(entry.app)

    def match(self, query: str) -> list[AppRow]:
        """Return the apps with that name, or else with that prefix; several if it is ambiguous."""
        wanted = query.strip().lower()
        if not wanted or wanted in self._by_name:
            return self._by_name.get(wanted, [])
        begun = [app for name, apps in self._by_name.items() if name.startswith(wanted) for app in apps]
        return list({app.app_slug: app for app in begun}.values())

    def is_called(self, query: str) -> bool:
        """Return whether one app has exactly that name."""
        return len(self._by_name.get(query.strip().lower(), [])) == 1


class _Kept(Generic[T]):
    """Answers about apps, cached for a minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: dict[About, tuple[datetime, T]] = {}

    async def get(self, about: About, find_out: Callable[[], Awaitable[T]]) -> T:
        kept, now = self._found.get(about), self._clock.now()
        if kept is None or now - kept[0] >= NAMES_KEPT_FOR:
            kept = (now, await find_out())
            if len(self._found) >= NAMES_KEPT:
                self._found.clear()
            self._found[about] = kept
        return kept[1]


class AppCache:
    """Names of apps, workflows and pipelines, cached for a minute."""

    def __init__(self, clock: Clock) -> None:
        self.names: dict[str, Known] = {}
        self.known_names = _Kept[list[str]](clock)
        self.pipelines = _Kept[bool](clock)


async def refresh(ctx: Context, workspace_id: str) -> None:
    """Fetch the apps of the token from Bitrise. Raises the errors of `connection.client`."""
    asked = await connection.require(ctx, workspace_id)
    async with connection.client_of(ctx, asked) as client:
        found = tuple(await client.list_all_apps())

    async def store(tx: Transaction) -> None:
        workspace = await workspace_rows.find_workspace(tx, workspace_id)
        if workspace is None or workspace.bitrise_token_sealed != asked.bitrise_token_sealed:
            return  # the token was deleted or replaced meanwhile
        await app_rows.replace_apps(tx, workspace_id, rows_of_apps(workspace_id, found))
        await workspace_rows.save_apps_refreshed(tx, workspace_id, now=ctx.clock.now())

    await ctx.db.transaction(store)


async def refresh_if_older(ctx: Context, workspace_id: str, *, than: timedelta) -> None:
    """Refresh titles and new apps in the background."""
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    at = workspace.apps_refreshed_at if workspace else None
    if at is None or ctx.clock.now() - at > than:
        await refresh(ctx, workspace_id)


async def get_app(ctx: Context, workspace_id: str, query: str, *, version: int | None = None) -> AppRow:
    """Find an app by name, also one that is new at Bitrise.

    ``version`` is that of the names, if it was just read. Raises `AppNotFound` with close matches.
    """
    found = (await _list_names(ctx, workspace_id, version)).match(query)
    if len(found) != 1 and await _refresh_if_stale(ctx, workspace_id):
        found = (await _list_names(ctx, workspace_id)).match(query)
    if len(found) == 1:
        return found[0]
    raise _not_found(query, found or await search(ctx, workspace_id, query), is_ambiguous=bool(found))


async def find_exact(ctx: Context, workspace_id: str, query: str) -> AppRow | None:
    """Return the app that the name identifies, or None, without a request to Bitrise."""
    found = (await _list_names(ctx, workspace_id)).match(query)
    return found[0] if len(found) == 1 else None


async def is_called(ctx: Context, workspace_id: str, query: str) -> bool:
    """Return whether one app has exactly that name, without a request to Bitrise."""
    return (await _list_names(ctx, workspace_id)).is_called(query)


async def find_app(ctx: Context, workspace_id: str, app_slug: str) -> AppRow | None:
    return await app_rows.find_app(ctx.db, workspace_id, app_slug)


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
    known = (await _list_names(ctx, workspace_id)).entries
    if not query.strip():
        return [entry.app for entry in known][:CLOSE]
    by_name = {name: entry.app for entry in known for name in entry.names}
    ranked = await asyncio.to_thread(rank, query, list(by_name))  # slow for thousands of names
    found = {by_name[name].app_slug: by_name[name] for name in ranked}
    return list(found.values())[:CLOSE]


async def list_workflows(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    return await _list_known(ctx, workspace_id, app_slug, "workflow")


async def list_pipelines(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    return await build_rows.list_names(ctx.db, workspace_id, app_slug, column="pipeline")


async def is_pipeline(ctx: Context, workspace_id: str, app_slug: str, name: str) -> bool:
    """Return whether builds of a pipeline with that name are known. Cached for a minute."""
    about = (workspace_id, app_slug, name)
    return await ctx.app_cache.pipelines.get(about, partial(build_rows.has_pipeline, ctx.db, *about))


async def list_branches(ctx: Context, workspace_id: str, app_slug: str) -> list[str]:
    return await _list_known(ctx, workspace_id, app_slug, "branch")


async def _list_names(ctx: Context, workspace_id: str, version: int | None = None) -> Known:
    """Return the names, read once per version: a workspace has hundreds, and every start needs them."""
    if version is None:
        version = await workspace_rows.find_names_version(ctx.db, workspace_id)
    kept = ctx.app_cache.names.get(workspace_id)
    if kept is not None and kept.version == version:
        return kept
    known = Known(version, await _read_names(ctx, workspace_id))
    if len(ctx.app_cache.names) >= WORKSPACES_KEPT:
        ctx.app_cache.names.clear()
    ctx.app_cache.names[workspace_id] = known
    return known


async def _read_names(ctx: Context, workspace_id: str) -> list[AppNames]:
    aliases = await app_rows.list_aliases(ctx.db, workspace_id)
    known = []
    for app in await app_rows.list_apps(ctx.db, workspace_id):
        names = names_of(app, [alias for alias, slug in aliases.items() if slug == app.app_slug])
        known.append(AppNames(app, names))
    return known


async def _refresh_if_stale(ctx: Context, workspace_id: str) -> bool:
    workspace = await workspace_rows.find_workspace(ctx.db, workspace_id)
    at = workspace.apps_refreshed_at if workspace else None
    if at and ctx.clock.now() - at < STALE_AFTER:
        return False
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS):
            await refresh(ctx, workspace_id)
    except (TimeoutError, BuildbellError) as error:
        log.info("the app list could not be refreshed", extra={"workspace": workspace_id, "error": str(error)})
        return False
    return True


async def _list_known(ctx: Context, workspace_id: str, app_slug: str, column: str) -> list[str]:
    """Return the names known at Bitrise and from stored builds; the stored ones only if Bitrise is slow."""
    seen = await build_rows.list_names(ctx.db, workspace_id, app_slug, column=column)
    about = (workspace_id, app_slug, column)
    asked = await ctx.app_cache.known_names.get(about, partial(_ask_known, ctx, *about))
    return list(dict.fromkeys([*seen, *asked]))


async def _ask_known(ctx: Context, workspace_id: str, app_slug: str, column: str) -> list[str]:
    try:
        async with asyncio.timeout(ANSWER_WITHIN_SECONDS), connection.client(ctx, workspace_id) as client:
            if column == "workflow":
                return list(await client.list_workflows(app_slug))
            return list(await client.list_branches(app_slug))
    except (TimeoutError, BuildbellError) as error:
        log.info("names could not be asked for", extra={"column": column, "error": str(error)})
        return []


def _not_found(query: str, close: Sequence[AppRow], *, is_ambiguous: bool) -> AppNotFound:
    close = close[:CLOSE]
    titles = [app.title for app in close]
    suggestions = tuple(
        Suggestion(app.title if titles.count(app.title) == 1 else f"{app.title} ({app.app_slug})", app.app_slug)
        for app in close
    )
    if is_ambiguous:
        return AppNotFound(f"More than one app is called “{query}”. Which one?", query=query, suggestions=suggestions)
    if suggestions:
        told = f"I can't find an app called “{query}”. Did you mean one of these?"
        return AppNotFound(told, query=query, suggestions=suggestions)
    return AppNotFound(
        f"I can't find an app called “{query}” among those the stored Bitrise token reaches. "
        "Check the name, or the token's access to the app at Bitrise.",
        query=query,
    )


def names_of(app: AppRow, aliases: Sequence[str]) -> tuple[str, ...]:
    hyphenated = re.sub(r"[^\w]+", "-", app.title.lower()).strip("-")
    names = [app.app_slug, app.title, hyphenated, app.repo_slug or "", *aliases]
    return tuple(dict.fromkeys(name for name in names if name))
