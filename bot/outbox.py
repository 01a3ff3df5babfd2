"""What is to be said in Slack: stored with what it is about, sent by the notifier, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.clock import Clock
from bot.engine import Engine, Job
from bot.permissions import Asker
from bot.slack.text import Message
from bot.vault import Vault
from storage import Transaction
from storage.messages import CardRow
from storage.outbox import OutboxRow, OutboxStore

DELIVER = "deliver"
CARD, TICK, ANNOUNCEMENT, WHISPER, DIRECT = "card", "tick", "announcement", "whisper", "direct"
EXPLANATION, NOTE = "explanation", "note"


class Outbox:
    """Every method only stores; the message leaves after the caller's transaction is on disk."""

    def __init__(
        self, *, messages: OutboxStore, engine: Engine, vault: Vault, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self._messages, self._engine, self._vault = messages, engine, vault
        self._clock, self._new_id = clock, new_id

    async def show_card(self, tx: Transaction, card: CardRow) -> None:
        """Draw the card as its builds are when it is sent; an unsent drawing of it is enough."""
        await self._add(tx, card, CARD, dedupe_key=f"card:{card.card_id}")

    async def tick(self, tx: Transaction, card: CardRow) -> None:
        """Draw the card's progress if Slack's limits leave room for it."""
        await self._add(tx, card, TICK, dedupe_key=f"tick:{card.card_id}")

    async def announce(self, tx: Transaction, card: CardRow) -> None:
        """Tell the end of a card's builds where people hear it."""
        await self._add(tx, card, ANNOUNCEMENT)

    async def explain(self, tx: Transaction, card: CardRow, build_slug: str) -> None:
        """Say in the message's thread why that build of it failed."""
        await self._add(tx, card, EXPLANATION, payload={"build_slug": build_slug})

    async def whisper(self, tx: Transaction, asker: Asker, message: Message) -> None:
        """Answer a person privately, where they asked."""
        sealed = None
        if asker.response_url:
            sealed = self._vault.seal(asker.response_url, context=f"whisper:{asker.workspace_id}")
        payload = {
            "user_id": asker.user_id,
            "channel_id": asker.channel_id,
            "response_url_sealed": sealed,
            **message.to_payload(),
        }
        await self._store(tx, asker.workspace_id, WHISPER, lane=asker.user_id, payload=payload)

    async def write_to(self, tx: Transaction, workspace_id: str, user_id: str, message: Message) -> None:
        """A direct message."""
        payload = {"user_id": user_id, **message.to_payload()}
        await self._store(tx, workspace_id, DIRECT, lane=user_id, payload=payload)

    async def note(
        self, tx: Transaction, workspace_id: str, channel_id: str, message: Message, *, tells: str | None = None
    ) -> None:
        """A sentence for all in a channel. If it cannot be written there, what the channel hears is paused, and
        ``tells`` is told besides those who set it up."""
        payload = {"channel_id": channel_id, "tells": tells, **message.to_payload()}
        await self._store(tx, workspace_id, NOTE, lane=channel_id, payload=payload)

    async def _add(
        self,
        tx: Transaction,
        card: CardRow,
        kind: str,
        *,
        payload: Mapping[str, Any] | None = None,
        dedupe_key: str | None = None,
    ) -> None:
        await self._store(
            tx,
            card.workspace_id,
            kind,
            lane=card.channel_id,
            payload=payload or {},
            card_id=card.card_id,
            dedupe_key=dedupe_key,
        )

    async def _store(
        self,
        tx: Transaction,
        workspace_id: str,
        kind: str,
        *,
        lane: str,
        payload: Mapping[str, Any],
        card_id: str | None = None,
        dedupe_key: str | None = None,
    ) -> None:
        message = OutboxRow(
            outbox_id=self._new_id(),
            workspace_id=workspace_id,
            lane=f"{workspace_id}:{lane}",
            kind=kind,
            card_id=card_id,
            payload=payload,
            dedupe_key=dedupe_key,
            created_at=self._clock.now(),
        )
        if await self._messages.add_message(tx, message):
            await self._engine.enqueue(tx, Job(DELIVER, {"outbox_id": message.outbox_id}, key=message.lane))
