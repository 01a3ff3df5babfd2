"""What is seen at Bitrise becomes a row, and a row that moved is drawn. Sweep, answer and look-up all end here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bot.bitrise.mapping import build_row
from bot.bitrise.models import Build
from bot.clock import Clock
from bot.notifications.events import News
from bot.notifications.owners import Owners
from bot.outbox import Outbox
from bot.results.service import Findings
from storage import Transaction
from storage.builds import BuildRow, BuildStore
from storage.messages import CARD, CardRow, CardStore

RANK = {"queued": 0, "running": 1, "finished": 2}
LATE = ("credit_cost", "machine_type", "stack")


class Observer:
    def __init__(
        self,
        *,
        builds: BuildStore,
        cards: CardStore,
        outbox: Outbox,
        news: News,
        findings: Findings,
        owners: Owners,
        clock: Clock,
    ) -> None:
        self._builds, self._cards, self._outbox, self._clock = builds, cards, outbox, clock
        self._news, self._findings, self._owners = news, findings, owners

    async def observe(
        self, tx: Transaction, workspace_id: str, seen: Iterable[Build], *, tells: bool = True
    ) -> list[BuildRow]:
        """Store what was seen. Late, repeated and out-of-order signals change nothing; returns the rows as they are.

        Whoever is to hear of it is told in the same transaction; without ``tells`` the caller calls `tell` itself.
        """
        rows = [await self._observe(tx, build_row(workspace_id, build, now=self._clock.now())) for build in seen]
        if tells:
            await self.tell(tx, workspace_id)
        return rows

    async def tell(self, tx: Transaction, workspace_id: str) -> None:
        """The first of what is due; what is left of much is told by the next sweep."""
        await self._news.tell(tx, workspace_id)

    async def tell_all(self, workspace_id: str) -> None:
        await self._news.tell_all(workspace_id)

    async def welcome(self, tx: Transaction, build: BuildRow) -> None:
        """A start of ours got its answer: now it is known who asked, so it can be told."""
        await self._owners.note(tx, build)
        if build.is_finished:
            await self._news.note_end(tx, build)
        else:
            await self._news.note_new(tx, build)

    async def _observe(self, tx: Transaction, seen: BuildRow) -> BuildRow:
        known = await self._builds.find_build(seen.workspace_id, seen.build_slug, on=tx)
        if known is None:
            if await self._builds.add_build(tx, seen):
                await self._owners.note(tx, seen)
                await self._news.note_new(tx, seen)
            return seen
        if known.is_finished:
            return await self._complete(tx, known, seen)
        if RANK[seen.state] < RANK[known.state]:
            return known
        merged = merge(known, seen)
        if await self._builds.save_build(tx, merged, seen_state=known.state) and is_news(known, merged):
            await self._show(tx, merged)
            if (merged.commit_message, merged.cause_who) != (known.commit_message, known.cause_who):
                await self._owners.note(tx, merged)  # Bitrise told later whose it is
            if merged.is_finished:
                await self._news.note_end(tx, merged)
        return merged

    async def _complete(self, tx: Transaction, known: BuildRow, seen: BuildRow) -> BuildRow:
        """What has ended stays as it ended, whatever an answer says; facts that come later are filled in, silently."""
        filled = completed(known, seen)
        if filled != known:
            await self._builds.fill_facts(tx, filled)
        return filled

    async def _show(self, tx: Transaction, build: BuildRow) -> None:
        for card in await self._cards.list_of_build(build.workspace_id, build.build_slug, on=tx):
            await self._outbox.show_card(tx, card)
            if card.style == CARD and build.is_finished:
                await self._announce(tx, card, build)

    async def _announce(self, tx: Transaction, card: CardRow, build: BuildRow) -> None:
        """The end of all builds of a card is told once; what is behind each is looked into at once."""
        if not await self._cards.count_unfinished(card.card_id, on=tx):
            if await self._cards.claim_announcement(tx, card.card_id, now=self._clock.now()):
                await self._outbox.announce(tx, card)
        await self._findings.want(tx, build)

    async def lose(self, tx: Transaction, build: BuildRow) -> None:
        """Bitrise no longer shows a build: it ends here without an outcome, because nobody knows it."""
        gone = dataclasses.replace(
            build, state="finished", reason_text="Bitrise no longer shows this build to the stored token."
        )
        if await self._builds.save_build(tx, gone, seen_state=build.state):
            await self._show(tx, gone)


def is_news(before: BuildRow, after: BuildRow) -> bool:
    """Whether a person would see a difference."""
    quiet = {"seen_at", "digest", "machine_type", "stack", "credit_cost", "is_utility", "cause_detail"}
    return any(
        getattr(before, field.name) != getattr(after, field.name)
        for field in dataclasses.fields(BuildRow)
        if field.name not in quiet
    )


def completed(known: BuildRow, seen: BuildRow) -> BuildRow:
    """An ended build with what was not known of it: Bitrise works out its credits when it is over."""
    if not seen.is_finished:
        return known
    late = {name: getattr(seen, name) for name in LATE if getattr(known, name) is None}
    return dataclasses.replace(known, is_utility=known.is_utility or seen.is_utility, **late)


def merge(known: BuildRow, seen: BuildRow) -> BuildRow:
    """What was seen now, over what was known; what only we know (who asked, why) stays."""
    fresh = {
        field.name: getattr(seen, field.name)
        for field in dataclasses.fields(BuildRow)
        if getattr(seen, field.name) is not None
    }
    merged = dataclasses.replace(known, **fresh)
    ours = {
        name: getattr(known, name)
        for name in ("request_id", "requester", "build_message", "abort_requested_by", "abort_requested_at", "digest")
        if getattr(known, name) is not None
    }
    if known.request_id:
        ours |= {"cause": known.cause, "cause_who": known.cause_who}
    return dataclasses.replace(merged, **ours)
