"""What has happened to builds, held against what channels and people want to hear, and told: once each, in order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.builds import Outcome
from bot.notifications import filters
from bot.notifications.owners import is_of
from bot.notifications.posts import Telling, Tellings
from bot.results.trends import Change, Changes
from storage import Database, Transaction
from storage.builds import BuildRow, BuildStore
from storage.events import BEGAN, ENDED, NewsRow, NewsStore
from storage.requests import RequestStore
from storage.subscriptions import CHANGES, SubscriptionRow, SubscriptionStore
from storage.users import FAILURES, OFF, PeopleStore, PersonRow
from storage.workspaces import WorkspaceStore

log = logging.getLogger(__name__)
LATE_AFTER = timedelta(minutes=10)
"""Longer than a healthy Buildbell needs to notice an end, also where nothing was watched."""
AT_ONCE, LATE_AT_ONCE = 20, 500
"""Told in one transaction, during which others may have to wait. Many late ones become one message."""
OVERLAP = timedelta(minutes=2)
"""Bitrise's list may be a moment behind: a build this much older than what is known may still be new."""


@dataclass(frozen=True, slots=True)
class Hearers:
    """Who hears in a workspace."""

    subscriptions: Sequence[SubscriptionRow]
    people: Sequence[PersonRow]

    @property
    def git_names(self) -> Mapping[str, tuple[str, ...]]:
        return {person.user_id: person.git_names for person in self.people}

    def may_concern(self, build: BuildRow) -> bool:
        """Whether somebody may want to hear how a running build ends; the filters decide when it has."""
        is_followed = any(person.tells != OFF and is_of(person, build) for person in self.people)
        return is_followed or any(row.app_slug in (None, build.app_slug) for row in self.subscriptions)

    @property
    def are_there(self) -> bool:
        return bool(self.subscriptions) or any(person.tells != OFF for person in self.people)


class News:
    def __init__(
        self,
        *,
        database: Database,
        builds: BuildStore,
        requests: RequestStore,
        workspaces: WorkspaceStore,
        subscriptions: SubscriptionStore,
        people: PeopleStore,
        news: NewsStore,
        changes: Changes,
        tellings: Tellings,
        clock: Clock,
    ) -> None:
        self._db, self._builds, self._requests = database, builds, requests
        self._workspaces, self._subscriptions, self._people = workspaces, subscriptions, people
        self._news, self._changes, self._tellings = news, changes, tellings
        self._clock = clock

    async def hearers(self, workspace_id: str, *, on: Transaction | None = None) -> Hearers:
        return Hearers(
            await self._subscriptions.list_active(workspace_id, on=on),
            await self._people.list_people(workspace_id, on=on),
        )

    async def is_heard_in(self, workspace_id: str, channel_id: str, build: BuildRow) -> bool:
        """Whether a channel has subscribed to ends like this one: then a card's end is told there for all to see."""
        if build.finished_at is None:
            return False
        hearers = await self.hearers(workspace_id)
        item = NewsRow(0, workspace_id, build.build_slug, ENDED, build.finished_at)
        rows = [row for row in hearers.subscriptions if row.channel_id == channel_id and row.style != CHANGES]
        return any(fits(row, item, build, hearers.git_names) for row in rows)

    # Something has happened.

    async def note_new(self, tx: Transaction, build: BuildRow) -> None:
        """A build nobody knew: its start is news, and its end if it ended in the span not yet known to the end."""
        if not build.is_finished:
            if not await self._is_being_claimed(tx, build):
                await self._add(tx, build, BEGAN, build.triggered_at)
            return
        workspace = await self._workspaces.find_workspace(build.workspace_id, on=tx)
        known_until = workspace.known_until if workspace else None
        if known_until and build.triggered_at and build.triggered_at > known_until - OVERLAP:
            await self.note_end(tx, build)

    async def note_end(self, tx: Transaction, build: BuildRow) -> None:
        # What Bitrise no longer shows has no end that could be told.
        if build.outcome is not None and not await self._is_being_claimed(tx, build):
            await self._add(tx, build, ENDED, build.finished_at)

    async def _is_being_claimed(self, tx: Transaction, build: BuildRow) -> bool:
        """A start of ours was seen by a sweep before its own answer was: that answer will tell, with who asked."""
        if not build.request_id or build.requester:
            return False
        request = await self._requests.find_request(build.request_id, on=tx)
        return request is not None and request.workspace_id == build.workspace_id and request.state == "sent"

    async def _add(self, tx: Transaction, build: BuildRow, kind: str, at: datetime | None) -> None:
        await self._news.add_news(
            tx, workspace_id=build.workspace_id, build_slug=build.build_slug, kind=kind, at=at or self._clock.now()
        )

    # Telling.

    async def tell_all(self, workspace_id: str) -> None:
        """Whatever is due, in as many transactions as it takes."""
        while await self._db.transaction(lambda tx: self.tell(tx, workspace_id)):
            pass

    async def tell(self, tx: Transaction, workspace_id: str) -> bool:
        """Store the messages for what is due, the oldest first; True when there may be more of it.

        While a gap is being read, everything waits, for the order's sake.
        """
        workspace = await self._workspaces.find_workspace(workspace_id, on=tx)
        if workspace is None or workspace.walk_next:
            return False
        due = await self._news.take_due(tx, workspace_id, limit=AT_ONCE)
        if not due:
            return False
        if self._is_late(due[0]):
            due += await self._news.take_due(tx, workspace_id, limit=LATE_AT_ONCE)
        hearers = await self.hearers(workspace_id, on=tx)
        tellings: list[Telling] = []
        for item in due:
            build = await self._builds.find_build(workspace_id, item.build_slug, on=tx)
            if build is None:
                continue
            tellings += await self._for_channels(tx, item, build, hearers)
            tellings += await self._for_people(tx, item, build, hearers)
        await self._tellings.deliver(tx, workspace_id, tellings)
        return len(due) >= AT_ONCE

    async def _for_channels(self, tx: Transaction, item: NewsRow, build: BuildRow, hearers: Hearers) -> list[Telling]:
        """One message a channel, by the first subscription the build fits; a change is a message of its own."""
        told: dict[str, Telling] = {}
        changed: dict[str, Telling] = {}
        shown_in = await self._tellings.channels_showing(tx, build)
        for row in hearers.subscriptions:
            if not fits(row, item, build, hearers.git_names):
                continue
            if row.style == CHANGES:
                change = await self._change(tx, item, build)
                if change is not None:
                    changed.setdefault(row.channel_id, self._telling(item, build, row, change))
            elif row.channel_id not in shown_in:
                told.setdefault(row.channel_id, self._telling(item, build, row))
        return [*told.values(), *changed.values()]

    async def _change(self, tx: Transaction, item: NewsRow, build: BuildRow) -> Change | None:
        return await self._changes.change_of(build, on=tx) if item.kind == ENDED else None

    def _telling(self, item: NewsRow, build: BuildRow, row: SubscriptionRow, change: Change | None = None) -> Telling:
        return Telling(
            kind=item.kind,
            build=build,
            channel_id=row.channel_id,
            at=item.at,
            subscription=row,
            change=change,
            is_late=self._is_late(item),
        )

    def _is_late(self, item: NewsRow) -> bool:
        return item.kind == ENDED and self._clock.now() - item.at > LATE_AFTER

    async def _for_people(self, tx: Transaction, item: NewsRow, build: BuildRow, hearers: Hearers) -> list[Telling]:
        tellings = []
        for person in hearers.people:
            if item.kind != ENDED or not wants(person, build):
                continue
            if await self._tellings.mentions(tx, build, person.user_id):
                continue
            tellings.append(
                Telling(
                    kind=item.kind,
                    build=build,
                    channel_id=person.user_id,
                    at=item.at,
                    person=person,
                    is_late=self._is_late(item),
                )
            )
        return tellings


def fits(row: SubscriptionRow, item: NewsRow, build: BuildRow, git_names: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a channel wants to hear it. What was over before somebody subscribed is not told."""
    since = row.created_at.replace(microsecond=0)  # Bitrise tells whole seconds
    if row.app_slug not in (None, build.app_slug) or item.at < since:
        return False
    wanted = filters.from_json(row.filters)
    if item.kind == BEGAN:
        is_told = row.tells_starts and row.style != CHANGES
        return is_told and filters.fits_start(wanted, build, git_names)
    return filters.fits_end(wanted, build, git_names)


def wants(person: PersonRow, build: BuildRow) -> bool:
    if person.tells == OFF or (person.tells == FAILURES and build.outcome != Outcome.FAILED):
        return False
    return is_of(person, build)
