"""Send what the outbox holds: in order, within Slack's limits, with a known answer to every refusal."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import outbox
from bot.clock import Clock
from bot.delivery.render import Pictures
from bot.engine import Engine, RetryAt
from bot.errors import SealBroken
from bot.notifications.events import News
from bot.notifications.pausing import Silenced
from bot.outbox import Outbox
from bot.rate_limits import Budget
from bot.slack.client import Posted, SlackClient
from bot.slack.errors import MESSAGE_GONE, TOKEN_REVOKED, UNREACHABLE, SlackBusy, SlackRefused, SlackUnavailable
from bot.slack.fallback import with_fallback
from bot.slack.text import Message, is_user
from bot.vault import Vault
from storage import Database, DatabaseUnavailable, Transaction
from storage.apps import AppStore
from storage.messages import DIGEST, UNFURL, CardRow, CardStore
from storage.outbox import OutboxRow, OutboxStore

log = logging.getLogger(__name__)
TOO_LONG_AGO = timedelta(days=1)
PAUSE = timedelta(minutes=5)
REPAINT_SECONDS = 2.0


class Notifier:
    def __init__(
        self,
        *,
        database: Database,
        messages: OutboxStore,
        cards: CardStore,
        app_rows: AppStore,
        pictures: Pictures,
        news: News,
        silenced: Silenced,
        engine: Engine,
        vault: Vault,
        clock: Clock,
        slack: Callable[[str], SlackClient],
        out: Outbox,
    ) -> None:
        self._db, self._messages, self._cards = database, messages, cards
        self._app_rows, self._pictures, self._news, self._silenced = app_rows, pictures, news, silenced
        self._vault, self._clock, self._slack = vault, clock, slack
        self._out, self._budget = out, Budget()
        self._senders = {
            outbox.CARD: self._send_card,
            outbox.TICK: self._send_card,
            outbox.ANNOUNCEMENT: self._send_announcement,
            outbox.EXPLANATION: self._send_explanation,
            outbox.WHISPER: self._send_whisper,
            outbox.DIRECT: self._send_direct,
            outbox.NOTE: self._send_note,
        }
        engine.register(outbox.DELIVER, self.deliver, concurrency=16)

    async def deliver(self, arguments: Mapping[str, Any]) -> None:
        """Send one message of the outbox. Jobs of a channel run one by one, so what is first stays first."""
        message = await self._messages.find_message(arguments["outbox_id"])
        if message is None:
            return
        try:
            await self._senders[message.kind](message)
        except SlackBusy as error:
            self._budget.block(message.workspace_id, until=self._later(error.retry_after))
            raise RetryAt(self._later(error.retry_after)) from error
        except SlackUnavailable as error:
            await self._repaint(message)
            await self._retry(message, error)
        except asyncio.CancelledError:
            with contextlib.suppress(DatabaseUnavailable, TimeoutError):
                async with asyncio.timeout(REPAINT_SECONDS):
                    await self._repaint(message)
            raise
        except SlackRefused as error:
            await self._refused(message, error)

    async def _repaint(self, message: OutboxRow) -> None:
        """What Slack may have taken from us, although another replica has said it meanwhile, for it took us for dead:
        our drawing may be older than its own, and the last."""
        if message.kind in (outbox.CARD, outbox.TICK) and await self._messages.find_message(message.outbox_id) is None:
            card = await self._cards.find_card(message.card_id or "")
            if card is not None and card.ts is not None:
                await self._db.transaction(lambda tx: self._draw_again(tx, card))

    async def _draw_again(self, tx: Transaction, card: CardRow) -> None:
        """Whatever stands there now."""
        await self._cards.save_drawn(tx, card.card_id, digest="", now=self._clock.now())
        await self._out.show_card(tx, card)

    def _later(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    async def _retry(self, message: OutboxRow, error: SlackUnavailable) -> None:
        """Slack did not answer. It may have taken a post: better twice than never, and only then."""
        if self._clock.now() - message.created_at > TOO_LONG_AGO:
            log.error("a message was given up", extra={"kind": message.kind, "error": str(error)})
            await self._drop(message)
            return
        await self._messages.count_attempt(message.outbox_id)
        raise RetryAt(self._later(min(60.0, 2.0 ** min(message.attempts, 6)))) from error

    async def _refused(self, message: OutboxRow, error: SlackRefused) -> None:
        card = await self._cards.find_card(message.card_id) if message.card_id else None
        facts = {"kind": message.kind, "error": error.error, "workspace": message.workspace_id}
        is_link = card is not None and card.style == UNFURL
        if error.error in TOKEN_REVOKED and not is_link and self._clock.now() - message.created_at < TOO_LONG_AGO:
            log.error("Slack refuses the bot token; messages wait", extra=facts)
            raise RetryAt(self._clock.now() + PAUSE)
        log.warning("Slack refused a message", extra=facts)
        if card is not None and error.error in UNREACHABLE and not is_link:
            await self._reroute(message, card, error.error)
        elif message.kind == outbox.NOTE and error.error in UNREACHABLE:
            await self._db.transaction(lambda tx: self._silence(tx, message, error.error))
        elif card is not None and (error.error in MESSAGE_GONE or is_link):
            await self._db.transaction(lambda tx: self._cards.close_card(tx, card.card_id))
            await self._drop(message)
        else:
            await self._drop(message)

    async def _reroute(self, message: OutboxRow, card: CardRow, error: str) -> None:
        """The channel cannot be written to: the card goes to the person who asked, and says why.

        What a subscription wanted to tell there is not told; whoever made it hears that, and it is paused.
        """

        async def move(tx: Transaction) -> None:
            await self._messages.delete_message(tx, message.outbox_id)
            if card.subscription_id is not None:
                await self._silenced.pause(tx, card.workspace_id, card.channel_id, error)
            if card.style == DIGEST:
                await self._silenced.pause_digests(tx, card.workspace_id, card.channel_id, error)
            if is_letter(card):
                await self._silenced.switch_off(tx, card, error)
            if card.requester is None or card.rerouted_from is not None:
                await self._cards.close_card(tx, card.card_id)
                return
            await self._cards.reroute_card(tx, card.card_id, to=card.requester)
            moved = dataclasses.replace(card, channel_id=card.requester)
            await self._out.show_card(tx, moved)
            if message.kind == outbox.ANNOUNCEMENT:
                await self._out.announce(tx, moved)

        await self._db.transaction(move)

    async def _silence(self, tx: Transaction, message: OutboxRow, error: str) -> None:
        channel_id, tells = message.payload["channel_id"], message.payload["tells"]
        await self._messages.delete_message(tx, message.outbox_id)
        await self._silenced.pause(tx, message.workspace_id, channel_id, error, tells=tells)

    # Senders: each takes the limits into account, sends, and stores what came back.

    async def _send_card(self, message: OutboxRow) -> None:
        card = await self._cards.find_card(message.card_id or "")
        if card is None or card.is_gone or (message.kind == outbox.TICK and not self._may_tick(message)):
            await self._drop(message)
            return
        await self._messages.take_dedupe_key(message.outbox_id)
        drawn = await self._pictures.draw(card)
        digest = drawn.digest
        if card.ts is not None and digest == card.drawn_digest:
            await self._drop(message)
            return
        client = self._slack(message.workspace_id)
        if card.ts is None:
            self._pace(self._budget.post(message.workspace_id, card.channel_id, now=self._clock.now()))
            thread_ts = await self._thread_of(card)
            posted = await with_fallback(lambda drawn: client.post(card.channel_id, drawn, thread_ts=thread_ts), drawn)
            await self._db.transaction(lambda tx: self._keep_posted(tx, message, card, posted, digest))
            return
        ts, since, now = card.ts, message.created_at, self._clock.now()
        self._pace(self._budget.update(message.workspace_id, message.outbox_id, since=since, now=now))
        if card.style == UNFURL:
            url = (card.facts or {})["url"]
            await with_fallback(lambda drawn: client.unfurl(card.channel_id, ts, {url: drawn}), drawn)
        else:
            await with_fallback(lambda drawn: client.update(card.channel_id, ts, drawn), drawn)
        await self._db.transaction(lambda tx: self._keep_drawn(tx, message, card, digest))

    async def _send_announcement(self, message: OutboxRow) -> None:
        card = await self._cards.find_card(message.card_id or "")
        if card is None or card.is_gone or card.ts is None:
            await self._drop(message)
            return
        drawn = await self._pictures.announcement(card)
        self._pace(self._budget.post(message.workspace_id, card.channel_id, now=self._clock.now()))
        thread_ts = None if await self._is_told_to_all(card) else card.ts
        await self._slack(message.workspace_id).post(card.channel_id, drawn, thread_ts=thread_ts)
        await self._drop(message)

    async def _is_told_to_all(self, card: CardRow) -> bool:
        """The channel's setting says so, or the channel has subscribed to such ends."""
        channel = await self._app_rows.get_channel(card.workspace_id, card.channel_id)
        if channel.finish_in != "thread":
            return True
        builds = await self._pictures.builds_of(card)
        heard = [await self._news.is_heard_in(card.workspace_id, card.channel_id, build) for build in builds]
        return any(heard)

    async def _send_explanation(self, message: OutboxRow) -> None:
        """Why a build failed, in the thread of the message that tells it."""
        card = await self._cards.find_card(message.card_id or "")
        if card is None or card.is_gone or card.ts is None:
            await self._drop(message)
            return
        drawn = await self._pictures.explanation(card, message.payload["build_slug"])
        if drawn is None:
            await self._drop(message)
            return
        self._pace(self._budget.post(message.workspace_id, card.channel_id, now=self._clock.now()))
        client, thread_ts = self._slack(message.workspace_id), await self._thread_of(card) or card.ts
        await with_fallback(lambda drawn: client.post(card.channel_id, drawn, thread_ts=thread_ts), drawn)
        await self._drop(message)

    async def _thread_of(self, card: CardRow) -> str | None:
        """Where a message stands in a thread: what it is posted under. None when that could not be posted."""
        parent = await self._cards.find_card(card.parent_id) if card.parent_id else None
        return parent.ts if parent is not None and not parent.is_gone else None

    async def _send_whisper(self, message: OutboxRow) -> None:
        """By the response URL, which works where the bot is no member; else in the channel; else directly."""
        client, payload = self._slack(message.workspace_id), message.payload
        drawn, user_id, channel_id = message_of(payload), payload["user_id"], payload["channel_id"]
        if sealed := payload["response_url_sealed"]:
            try:
                url = self._vault.open(sealed, context=f"whisper:{message.workspace_id}").reveal()
                await with_fallback(lambda drawn: client.respond(url, drawn), drawn)
                await self._drop(message)
                return
            except (SlackRefused, SealBroken) as error:
                log.info("a response URL was used up or does not open", extra={"error": error.sentence})
        if channel_id:
            try:
                await with_fallback(lambda drawn: client.post_ephemeral(channel_id, user_id, drawn), drawn)
                await self._drop(message)
                return
            except SlackRefused as error:
                if error.error not in UNREACHABLE:
                    raise
        await self._send_direct(message)

    async def _send_direct(self, message: OutboxRow) -> None:
        await self._say(message, message.payload["user_id"])

    async def _send_note(self, message: OutboxRow) -> None:
        await self._say(message, message.payload["channel_id"])

    async def _say(self, message: OutboxRow, channel_id: str) -> None:
        self._pace(self._budget.post(message.workspace_id, channel_id, now=self._clock.now()))
        client = self._slack(message.workspace_id)
        await with_fallback(lambda drawn: client.post(channel_id, drawn), message_of(message.payload))
        await self._drop(message)

    # Pieces.

    def _may_tick(self, message: OutboxRow) -> bool:
        return self._budget.may_tick(message.workspace_id, now=self._clock.now())

    def _pace(self, free_at: datetime | None) -> None:
        if free_at is not None:
            raise RetryAt(free_at)

    async def _keep_posted(
        self, tx: Transaction, message: OutboxRow, card: CardRow, posted: Posted, digest: str
    ) -> None:
        await self._cards.save_posted(tx, card.card_id, channel_id=posted.channel_id, ts=posted.ts)
        await self._keep_drawn(tx, message, card, digest)

    async def _keep_drawn(self, tx: Transaction, message: OutboxRow, card: CardRow, digest: str) -> None:
        if await self._messages.delete_message(tx, message.outbox_id):
            await self._cards.save_drawn(tx, card.card_id, digest=digest, now=self._clock.now())
        else:
            await self._draw_again(tx, card)  # another replica took us for dead, and may have drawn what is newer

    async def _drop(self, message: OutboxRow) -> None:
        await self._db.transaction(lambda tx: self._messages.delete_message(tx, message.outbox_id))


def is_letter(card: CardRow) -> bool:
    """A card that is on its way to a person because of what they want to be told."""
    return card.subscription_id is None and card.requester is None and is_user(card.channel_id)


def message_of(payload: Mapping[str, Any]) -> Message:
    return Message(payload["text"], tuple(payload.get("blocks", ())))
