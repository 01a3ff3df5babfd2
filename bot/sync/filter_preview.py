"""Preview a subscription: count the builds of the last days that it would have matched, by the rule that will apply."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import connection
from bot.bitrise.models import BuildFilters
from bot.context import Context
from bot.notifications import events
from bot.results import trends
from bot.sync import updates
from storage.builds import BuildRow
from storage.events import BUILD_FINISHED
from storage.subscriptions import CHANGES, SubscriptionRow

DAYS = 7
MAX_PAGES = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """``is_cut`` if there were more builds than are fetched."""

    matching: int
    finished: int
    is_cut: bool


async def count_matches(ctx: Context, row: SubscriptionRow) -> Preview:
    """Count the builds a subscription would have matched. Raises the errors of `connection.client`."""
    since = ctx.clock.now() - timedelta(days=DAYS)
    builds, is_cut = await fetch_builds(ctx, row, since)
    finished = [build for build in builds if build.outcome and build.triggered_at and build.triggered_at >= since]
    git_names = (await events.list_recipients(ctx.db, row.workspace_id)).git_names
    earlier = dataclasses.replace(row, created_at=since)
    matching = 0
    for build in finished:
        finished_at = build.finished_at or build.triggered_at or since
        if events.includes(earlier, BUILD_FINISHED, finished_at, build, git_names):
            matching += row.style != CHANGES or await trends.find_trend(ctx.db, build) is not None
    return Preview(matching, len(finished), is_cut)


async def fetch_builds(ctx: Context, row: SubscriptionRow, since: datetime) -> tuple[list[BuildRow], bool]:
    """Fetch the builds triggered since then and store them; return them, and whether there are more."""
    builds: dict[str, BuildRow] = {}
    cursor: str | None = None
    async with connection.client(ctx, row.workspace_id) as client:
        for _ in range(MAX_PAGES):
            if row.app_slug is None:
                page = await client.list_all_builds(next=cursor)
            else:
                page = await client.list_builds(row.app_slug, BuildFilters(after=since, next=cursor))
            stored = await updates.save_builds(ctx, row.workspace_id, page.items)
            builds |= {build.build_slug: build for build in stored}
            # Only the list of one app ends at a time.
            is_complete = any(build.triggered_at is not None and build.triggered_at < since for build in page.items)
            cursor = None if is_complete else page.next
            if cursor is None:
                break
    return list(builds.values()), cursor is not None
