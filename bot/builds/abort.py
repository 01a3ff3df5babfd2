"""Stop a build, once, and remember who asked and why."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from bot.bitrise.client import BitriseClient
from bot.builds.abort_request import Stop, abort_key, ask, ended_sentence, hint_at, limit_of, name_of, spoken_asker
from bot.clock import Clock
from bot.connection import Connections
from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, format_duration
from bot.engine import Engine, Job, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
    BuildFinished,
    BuildNotFound,
)
from bot.outbox import Outbox
from bot.permissions import Access, Asker
from bot.requests import Requests
from bot.slack.replies import reply
from bot.sync.updates import Observer
from bot.sync_schedule import Sweeps
from storage import Database, Transaction
from storage.audit import AuditRow, AuditStore
from storage.builds import BuildRow, BuildStore
from storage.messages import CardStore
from storage.requests import RequestRow, RequestStore

log = logging.getLogger(__name__)
ABORT = "abort"
RETRY_EVERY = timedelta(seconds=3)


class Aborts:
    def __init__(
        self,
        *,
        database: Database,
        requests: RequestStore,
        builds: BuildStore,
        cards: CardStore,
        audit: AuditStore,
        connections: Connections,
        observer: Observer,
        access: Access,
        outbox: Outbox,
        sweeps: Sweeps,
        engine: Engine,
        made: Requests,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._db, self._requests, self._builds, self._cards = database, requests, builds, cards
        self._audit, self._connections, self._observer = audit, connections, observer
        self._access, self._outbox, self._sweeps = access, outbox, sweeps
        self._engine, self._made, self._clock, self._new_id = engine, made, clock, new_id
        engine.register(ABORT, self.perform_abort, concurrency=16, give_up=self.give_up, is_urgent=True)

    async def request_abort(self, asker: Asker, stop: Stop) -> BuildRow:
        """Store the wish to stop a build; returns the build as it is now known.

        Raises `NotAllowed`, `BuildNotFound`, and `BuildFinished` when there is nothing to stop any more or somebody
        else has asked already.
        """
        await self.check_may_stop(asker, stop.report)
        build = await self._builds.find_build(asker.workspace_id, stop.build_slug)
        if build is None:
            raise BuildNotFound("I don't know that build any more.")
        request = self.request_of(asker, stop, build)
        if not await self._db.transaction(lambda tx: self.store(tx, request, build)):
            raise BuildFinished(await self.true_state(build))
        return build

    async def check_may_stop(self, asker: Asker, report: str) -> None:
        """Raises `NotAllowed`, `NotConnected`, `TokenRejected`."""
        self._access.check_member(asker)
        if report == "green":
            self._access.check_may_report_green(asker)
        await self._connections.get_connected(asker.workspace_id)

    async def store(self, tx: Transaction, request: RequestRow, build: BuildRow) -> bool:
        """The wish, once per build, and the job that fulfils it; False when there is nothing to stop any more."""
        now = self._clock.now()
        workspace_id, build_slug = build.workspace_id, build.build_slug
        if not await self._builds.claim_abort(tx, workspace_id, build_slug, by=request.user_id, now=now):
            return False
        if not await self._requests.add_request(tx, request):
            return False
        await self._engine.enqueue(tx, Job(ABORT, {"request_id": request.request_id}))
        await self._show(tx, build)
        return True

    async def true_state(self, build: BuildRow) -> str:
        """What to say to a press that came too late."""
        now = await self._builds.find_build(build.workspace_id, build.build_slug) or build
        if not now.is_finished and now.abort_requested_by:
            asked = await self._requests.find_by_key(build.workspace_id, abort_key(build))
            who = "Somebody" if asked is None else spoken_asker(self._made.asker_of(asked))
            return f"{who} has asked to stop {name_of(now)} already; it is being stopped."
        return ended_sentence(now)

    def request_of(self, asker: Asker, stop: Stop, build: BuildRow) -> RequestRow:
        """The wish as a row; it is not stored yet."""
        return self._made.make(
            asker,
            kind=ABORT,
            unique_key=abort_key(build),
            parameters=dataclasses.asdict(stop),
            app_slug=build.app_slug,
            build_slug=build.build_slug,
            workflow=build.target,
            branch=build.branch,
        )

    # Doing.

    async def perform_abort(self, arguments: Mapping[str, Any]) -> None:
        """One step of a stop. Runs again after a crash; looks before it asks again, since asking twice is an error."""
        request = await self._requests.find_request(arguments["request_id"])
        if request is None or request.state not in ("accepted", "sent"):
            return
        stop = self._stop_of(request)
        build = await self._builds.find_build(request.workspace_id, stop.build_slug)
        if build is None:
            return
        if stop.within_seconds is not None and self._is_late(request, stop):
            await self._refuse(request, build, BuildbellError("It came too late: the build has gone on."))
            return
        try:
            await self._step(request, stop, build)
        except (BitriseUnavailable, BitriseBusy) as error:
            await self._try_later(request, build, error)
        except BuildbellError as error:
            await self._refuse(request, build, error)

    async def give_up(self, arguments: Mapping[str, Any]) -> None:
        """The job broke again and again: a bug, but the person is not left waiting and the button comes back."""
        request = await self._requests.find_request(arguments["request_id"])
        build = await self._builds.find_build(request.workspace_id, request.build_slug or "") if request else None
        if request is not None and build is not None:
            await self._refuse(request, build, BuildbellError("Something broke on my side."))

    def _is_late(self, request: RequestRow, stop: Stop) -> bool:
        return self._clock.now() - request.created_at > limit_of(stop)

    def _stop_of(self, request: RequestRow) -> Stop:
        fields = self._made.parameters_of(request)
        return Stop(**fields | {"category": Reason(fields["category"])})

    async def _step(self, request: RequestRow, stop: Stop, build: BuildRow) -> None:
        async with self._connections.bitrise(request.workspace_id) as client:
            if request.state == "sent" and (ended := await self._look(client, build)).is_finished:
                await self._finish(request, stop, ended)
                return
            now = self._clock.now()
            if not await self._db.transaction(lambda tx: self._requests.mark_sent(tx, request.request_id, now=now)):
                return
            try:
                await ask(client, request, stop, build)
            except BitriseError as error:
                if isinstance(error, BitriseUnavailable | BitriseBusy) or error.status == 401:
                    raise
                # Already finished is an error at Bitrise, worded in several ways: the build itself tells.
                if not (build := await self._look(client, build, is_ours=request.state == "sent")).is_finished:
                    if request.state == "sent" and isinstance(error, BitriseRefused):
                        # An earlier call may have been taken, and only its answer lost: then it is ending now.
                        raise BitriseUnavailable(error.sentence) from error
                    raise
        await self._finish(request, stop, build)

    async def _look(self, client: BitriseClient, build: BuildRow, *, is_ours: bool = True) -> BuildRow:
        """The build as it is at Bitrise now, observed on the way; unless ``is_ours``, others have ended it."""
        seen = await client.get_build(build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)

        async def observe(tx: Transaction) -> BuildRow:
            if not is_ours:
                await self._builds.forget_abort(tx, build.workspace_id, build.build_slug)
                await self._show(tx, build)
            return (await self._observer.observe(tx, build.workspace_id, [seen]))[0]

        return await self._db.transaction(observe)

    async def _finish(self, request: RequestRow, stop: Stop, build: BuildRow) -> None:
        """Bitrise took it, or the build has ended by itself or by somebody else: the card will show which."""
        now = self._clock.now()
        is_stopped = build.outcome in STOPPED and build.abort_requested_by is not None
        missed = build.is_finished and not is_stopped
        result = ended_sentence(build) if missed else f"stopped: {stop.category}"

        async def finish(tx: Transaction) -> None:
            if not await self._requests.settle_request(tx, request.request_id, state="done", result=result, now=now):
                return
            await self._tell(tx, request, ended_sentence(build) if missed else None)
            await self._sweeps.make_due(tx, request.workspace_id, at=now)
            await self._note(tx, request, build, f"{result} (report {stop.report})")

        await self._db.transaction(finish)

    async def _try_later(self, request: RequestRow, build: BuildRow, error: BitriseUnavailable | BitriseBusy) -> None:
        now, stop = self._clock.now(), self._stop_of(request)
        if self._is_late(request, stop):
            within = format_duration(limit_of(stop).total_seconds())
            text = f"Bitrise did not take it within {within}, so I have given up. The card shows how it goes on."
            await self._refuse(request, build, BuildbellError(text))
            return
        wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_EVERY
        text = f"Bitrise hasn't taken the stop of {name_of(build)} yet ({error.sentence}). I keep trying."

        async def note(tx: Transaction) -> None:
            if await self._requests.claim_telling(tx, request.request_id, now=now):
                await self._tell(tx, request, text)

        await self._db.transaction(note)
        raise RetryAt(now + wait)

    async def _refuse(self, request: RequestRow, build: BuildRow, error: BuildbellError) -> None:
        why = f"{error.sentence}{hint_at(error)}"

        async def refuse(tx: Transaction) -> None:
            now = self._clock.now()
            if not await self._requests.settle_request(
                tx, request.request_id, state="refused", result=why, now=now, frees_key=True
            ):
                return
            await self._builds.release_abort(tx, build.workspace_id, build.build_slug)
            await self._show(tx, build)
            await self._tell(tx, request, f"{name_of(build)} was not stopped: {why}")
            await self._note(tx, request, build, f"refused: {error.sentence}")

        await self._db.transaction(refuse)

    async def _tell(self, tx: Transaction, request: RequestRow, text: str | None) -> None:
        """How a stop goes: on the card of all that are stopped together, else privately and only what is unexpected."""
        card_id = self._stop_of(request).card_id
        card = await self._cards.find_card(card_id, on=tx) if card_id else None
        if card is not None and not card.is_gone:
            await self._outbox.show_card(tx, card)
        elif text and (asker := self._made.asker_of(request)).is_person:
            await self._outbox.whisper(tx, asker, reply(text))

    async def _show(self, tx: Transaction, build: BuildRow) -> None:
        for card in await self._cards.list_of_build(build.workspace_id, build.build_slug, on=tx):
            await self._outbox.show_card(tx, card)

    async def _note(self, tx: Transaction, request: RequestRow, build: BuildRow, result: str) -> None:
        entry = AuditRow(
            audit_id=self._new_id(),
            workspace_id=request.workspace_id,
            at=self._clock.now(),
            user_id=request.user_id,
            verb=ABORT,
            subject=f"{build.app_slug} {build.build_slug}",
            result=result,
        )
        await self._audit.add_entry(tx, entry)
