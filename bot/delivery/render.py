"""How each message looks: what its row says it is, drawn from the builds as they are at the moment of sending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bot.builds.abort_request import may_be_stopped
from bot.builds.views import Showing
from bot.clock import Clock
from bot.notifications import messages as notifications
from bot.results.trends import Changes
from bot.slack import bulk_abort as bulk
from bot.slack import cards as drawing
from bot.slack.build_text import BuildView, is_stopping
from bot.slack.text import Message
from bot.statistics import digest_messages as digest_message
from bot.statistics.queries import Statistics, StatsWanted
from bot.sync import import_messages as import_message
from storage.apps import AppStore
from storage.build_history import HistoryStore
from storage.builds import BuildRow, BuildStore
from storage.digests import DigestStore
from storage.imports import ImportStore
from storage.messages import BRANCH, BULK, CARD, CHANGE, DIGEST, FOLD, IMPORT, LINE, STARTED, UNFURL, CardRow, CardStore
from storage.requests import RequestStore
from storage.results import FindingStore

REROUTED = (
    "This is here because I can't write where you asked for it. Invite me there to have the next one in the channel."
)


class Pictures:
    def __init__(
        self,
        *,
        builds: BuildStore,
        cards: CardStore,
        apps: AppStore,
        findings: FindingStore,
        requests: RequestStore,
        history: HistoryStore,
        imports: ImportStore,
        digests: DigestStore,
        statistics: Statistics,
        showing: Showing,
        changes: Changes,
        clock: Clock,
        command: str,
    ) -> None:
        self._builds, self._cards, self._apps, self._findings = builds, cards, apps, findings
        self._requests, self._history, self._imports, self._command = requests, history, imports, command
        self._digests, self._statistics = digests, statistics
        self._showing, self._changes, self._clock = showing, changes, clock
        self._drawers: Mapping[str, Callable[[CardRow, list[BuildView]], Awaitable[Message]]] = {
            CARD: self._draw_card,
            LINE: self._draw_line,
            STARTED: self._draw_start,
            CHANGE: self._draw_change,
            FOLD: self._draw_fold,
            BRANCH: self._draw_branch,
            BULK: self._draw_bulk,
            UNFURL: self._draw_card,
            IMPORT: self._draw_import,
            DIGEST: self._draw_digest,
        }

    async def draw(self, card: CardRow) -> Message:
        return await self._drawers[card.style](card, await self._shown(card))

    async def announcement(self, card: CardRow) -> Message:
        return drawing.announcement(await self._shown(card), mention_user=card.requester)

    async def explanation(self, card: CardRow, build_slug: str) -> Message | None:
        """Why one of a card's builds failed; None when nothing is known that helps."""
        build = await self._builds.find_build(card.workspace_id, build_slug)
        if build is None:
            return None
        finding = await self._findings.find_finding(card.workspace_id, build_slug)
        is_told = card.style == CHANGE  # the message itself says what is new
        new = None if is_told else await self._changes.whats_new(build)
        app = await self._apps.find_app(card.workspace_id, build.app_slug)
        return notifications.explanation(await self._showing.shown(build), finding, new, app)

    async def builds_of(self, card: CardRow) -> list[BuildRow]:
        slugs = await self._cards.list_build_slugs(card.card_id)
        found = [await self._builds.find_build(card.workspace_id, slug) for slug in slugs]
        return [build for build in found if build is not None]

    async def _shown(self, card: CardRow) -> list[BuildView]:
        return await self._showing.shown_all(await self.builds_of(card))

    async def _draw_card(self, card: CardRow, shown: list[BuildView]) -> Message:
        notes = [REROUTED] if card.rerouted_from else []
        notes += notifications.notes(card.facts, shown)
        return drawing.card(shown, now=self._clock.now(), notes=notes, offer=await self._offer(shown))

    async def _offer(self, shown: list[BuildView]) -> drawing.Offer | None:
        """What older builds the card's still run and could be stopped; asked on every drawing, so that it is true."""
        on_card = {each.build.build_slug for each in shown}
        for newer in (each.build for each in shown):
            if newer.is_finished or is_stopping(newer) or newer.pipeline_workflow_id is not None:
                continue
            older = await self._history.list_unfinished_before(newer)
            count = sum(may_be_stopped(build) and build.build_slug not in on_card for build in older)
            if count:
                return drawing.Offer(newer.build_slug, count)
        return None

    async def _draw_line(self, card: CardRow, shown: list[BuildView]) -> Message:
        return notifications.line(shown, card.facts or {})

    async def _draw_start(self, card: CardRow, shown: list[BuildView]) -> Message:
        return notifications.started(shown)

    async def _draw_change(self, card: CardRow, shown: list[BuildView]) -> Message:
        build = shown[0].build
        app = await self._apps.find_app(card.workspace_id, build.app_slug)
        return notifications.change(shown[0], card.facts or {}, await self._changes.whats_new(build), app)

    async def _draw_fold(self, card: CardRow, shown: list[BuildView]) -> Message:
        return notifications.fold(shown, card.facts or {})

    async def _draw_branch(self, card: CardRow, shown: list[BuildView]) -> Message:
        return notifications.branch(shown)

    async def _draw_bulk(self, card: CardRow, shown: list[BuildView]) -> Message:
        facts = card.facts or {}
        request_ids = facts.get("requests", {})
        found = [await self._requests.find_request(request_ids.get(each.build.build_slug, "")) for each in shown]
        return bulk.progress([bulk.Asked(*pair) for pair in zip(shown, found, strict=True)], facts)

    async def _draw_import(self, card: CardRow, shown: list[BuildView]) -> Message:
        rows = await self._imports.list_of_card(card.card_id)
        return import_message.progress(rows, await self._apps.list_titles(card.workspace_id), command=self._command)

    async def _draw_digest(self, card: CardRow, shown: list[BuildView]) -> Message:
        facts = card.facts or {}
        wanted, until = StatsWanted(facts["app"], facts["days"]), datetime.fromisoformat(facts["until"])
        figures = await self._statistics.compare(card.workspace_id, wanted, until=until)
        return digest_message.digest_message(
            figures,
            await self._digests.find_digest(facts["digest"]),
            await self._apps.list_titles(card.workspace_id),
            is_late=bool(facts.get("late")),
            command=self._command,
        )
