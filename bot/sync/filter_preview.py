"""What a subscription would have told in the last days, counted at Bitrise with the rule that will tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot import connection
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, BuildFilters, Page
from bot.context import Context
from bot.notifications import events
from bot.notifications.events import includes
from bot.results import trends
from bot.sync import updates
from storage.builds import BuildRow
from storage.events import BUILD_FINISHED, EventRow
from storage.subscriptions import CHANGES, SubscriptionRow

DAYS = 7
MOST_PAGES = 10


@dataclass(frozen=True, slots=True)
class Counted:
    """``told`` of the ``ended`` builds; ``is_cut`` when there were more than are read."""

    told: int
    ended: int
    is_cut: bool


async def count_matches(ctx: Context, row: SubscriptionRow) -> Counted:
    """Raises the errors of `Connections.bitrise`. What is read is kept; nothing old is told by that."""
    since = ctx.clock.now() - timedelta(days=DAYS)
    builds, is_cut = await _read_builds(ctx, row, since)
    ended = [build for build in builds if is_of_span(build, since)]
    return Counted(told=await _count_notified(ctx, row, since, ended), ended=len(ended), is_cut=is_cut)


async def _read_builds(ctx: Context, row: SubscriptionRow, since: datetime) -> tuple[list[BuildRow], bool]:
    read: dict[str, BuildRow] = {}
    following: str | None = None
    async with connection.client(ctx, row.workspace_id) as client:
        for _ in range(MOST_PAGES):
            page = await ask(client, row.app_slug, since, following)
            kept = await updates.save_builds(ctx, row.workspace_id, page.items)
            read |= {build.build_slug: build for build in kept}
            following = None if reaches(page, since) else page.next
            if following is None:
                break
    return list(read.values()), following is not None


async def _count_notified(ctx: Context, row: SubscriptionRow, since: datetime, ended: Sequence[BuildRow]) -> int:
    hearers = await events.list_recipients(ctx.db, row.workspace_id)
    then = dataclasses.replace(row, created_at=since)
    told = [build for build in ended if includes(then, end_of(build, since), build, hearers.git_names)]
    if row.style != CHANGES:
        return len(told)
    changes = [await trends.find_trend(ctx.db, build) for build in told]
    return sum(change is not None for change in changes)


async def ask(client: BitriseClient, app_slug: str | None, since: datetime, following: str | None) -> Page[Build]:
    if app_slug is None:
        return await client.list_all_builds(next=following)
    return await client.list_builds(app_slug, BuildFilters(after=since, next=following))


def reaches(page: Page[Build], since: datetime) -> bool:
    """Whether the page goes back to before the span; lists of all apps cannot be asked to end there."""
    return any(build.triggered_at is not None and build.triggered_at < since for build in page.items)


def is_of_span(build: BuildRow, since: datetime) -> bool:
    return build.outcome is not None and build.triggered_at is not None and build.triggered_at >= since


def end_of(build: BuildRow, since: datetime) -> EventRow:
    at = build.finished_at or build.triggered_at or since
    return EventRow(0, build.workspace_id, build.build_slug, BUILD_FINISHED, at)
