"""From what is to be told to messages: which style, in which thread, and many late ones folded into one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import outbox
from bot.context import Context
from bot.results import analysis
from bot.results.trends import FLAKY, ResultTrend
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage.builds import BuildRow
from storage.events import BUILD_STARTED
from storage.messages import CARD, CHANGE, LINE, STARTED, SUMMARY, THREAD_ROOT, MessageRow
from storage.subscriptions import CHANGES, SubscriptionRow
from storage.users import UserRow

FOLDED_OVER = 3
"""More late messages than this in one channel become one."""
TARGETS_IN_THREAD = 8


@dataclass(frozen=True, slots=True)
class Telling:
    """One message to be: about ``build``, for a subscription's channel or for a person."""

    kind: str
    build: BuildRow
    channel_id: str
    at: datetime
    subscription: SubscriptionRow | None = None
    person: UserRow | None = None
    change: ResultTrend | None = None
    is_late: bool = False

    @property
    def style(self) -> str:
        return self.subscription.style if self.subscription else "card"

    @property
    def facts(self) -> dict[str, Any]:
        told = self.change is not None and (self.style == CHANGES or self.change.kind == FLAKY)
        known = self.change.to_facts() if self.change and told else {}
        return known | ({"late": True} if self.is_late else {})


async def channels_showing(ctx: Context, tx: Transaction, build: BuildRow) -> frozenset[str]:
    """Where a card of the build stands already: it shows the build live, and its end is announced beside it."""
    cards = await message_rows.list_of_build(tx, build.workspace_id, build.build_slug)
    return frozenset(card.channel_id for card in cards if card.kind == CARD)


async def is_mentioned(ctx: Context, tx: Transaction, build: BuildRow, user_id: str) -> bool:
    """Whether the announcement beside a card mentions that person anyway."""
    cards = await message_rows.list_of_build(tx, build.workspace_id, build.build_slug)
    return any(card.requested_by == user_id and card.kind == CARD for card in cards)


async def post_notifications(ctx: Context, tx: Transaction, workspace_id: str, tellings: Sequence[Telling]) -> None:
    by_channel: dict[str, list[Telling]] = {}
    for telling in tellings:
        by_channel.setdefault(telling.channel_id, []).append(telling)
    for channel_id, told in by_channel.items():
        late = [telling for telling in told if telling.is_late]
        is_folded = len(late) > FOLDED_OVER
        if is_folded:
            await _post_summary(ctx, tx, workspace_id, channel_id, late)
        for telling in told:
            if not (is_folded and telling.is_late):
                await _post(ctx, tx, telling)


async def _post_summary(
    ctx: Context, tx: Transaction, workspace_id: str, channel_id: str, late: Sequence[Telling]
) -> None:
    slugs = list(dict.fromkeys(telling.build.build_slug for telling in late))
    subscription = late[0].subscription
    card = _message(ctx, workspace_id, channel_id, SUMMARY, subscription, facts={"yours": late[0].person is not None})
    await _add_message(ctx, tx, card, slugs)


async def _post(ctx: Context, tx: Transaction, telling: Telling) -> None:
    build = telling.build
    style = _style(telling)
    parent = await _thread_root(ctx, tx, telling) if telling.style == "thread" else None
    card = _message(
        ctx,
        build.workspace_id,
        telling.channel_id,
        style,
        telling.subscription,
        parent_id=parent.message_id if parent else None,
        # What is posted after the end tells the end by itself.
        announced_at=ctx.clock.now() if style == CARD and build.is_finished else None,
        facts=telling.facts or None,
    )
    await _add_message(ctx, tx, card, [build.build_slug])
    if build.is_finished:
        await analysis.request_analysis(ctx, tx, build)


def _style(telling: Telling) -> str:
    if telling.style in ("line", "thread"):
        return STARTED if telling.kind == BUILD_STARTED else LINE
    return CHANGE if telling.style == CHANGES else CARD


async def _thread_root(ctx: Context, tx: Transaction, telling: Telling) -> MessageRow:
    """Return the message in whose thread a branch is posted; add it for the first build."""
    build = telling.build
    place = f"branch:{build.app_slug}:{build.tag or build.branch or ''}"
    found = await message_rows.find_by_thread_key(tx, build.workspace_id, telling.channel_id, place)
    if found is None:
        root = _message(
            ctx, build.workspace_id, telling.channel_id, THREAD_ROOT, telling.subscription, thread_key=place
        )
        await _add_message(ctx, tx, root, [build.build_slug])
        return root
    slugs = await _newest_of_each_target(ctx, tx, found, build)
    await message_rows.replace_builds(tx, found, slugs)
    await outbox.update_card(ctx, tx, found)
    return found


async def _newest_of_each_target(ctx: Context, tx: Transaction, root: MessageRow, build: BuildRow) -> list[str]:
    """Of the builds shown there and this one, which may be older than what is shown: it only ended later."""
    newest = {build.target: build}
    for slug in await message_rows.list_build_slugs(tx, root.message_id):
        other = await build_rows.find_build(tx, build.workspace_id, slug)
        if other is not None and newness(other) > newness(newest.get(other.target)):
            newest[other.target] = other
    kept = sorted(newest.values(), key=newness, reverse=True)
    return [each.build_slug for each in kept[:TARGETS_IN_THREAD]]


def _message(
    ctx: Context,
    workspace_id: str,
    channel_id: str,
    style: str,
    subscription: SubscriptionRow | None,
    **more: Any,
) -> MessageRow:
    return MessageRow(
        message_id=ctx.new_id(),
        workspace_id=workspace_id,
        channel_id=channel_id,
        created_at=ctx.clock.now(),
        kind=style,
        subscription_id=subscription.subscription_id if subscription else None,
        **more,
    )


async def _add_message(ctx: Context, tx: Transaction, card: MessageRow, slugs: Sequence[str]) -> None:
    await message_rows.add_message(tx, card, slugs)
    await outbox.update_card(ctx, tx, card)


def newness(build: BuildRow | None) -> tuple[float, int]:
    """Greater for a newer build; builds of one second differ by their number."""
    if build is None or build.triggered_at is None:
        return (0.0, 0)
    return (build.triggered_at.timestamp(), build.number or 0)
