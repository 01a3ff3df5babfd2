"""Send a stored start to Bitrise, once: and look for what was lost on the way before sending again."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.apps import Apps
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, BuildFilters, TriggerResult
from bot.builds.parameters import Parameters
from bot.builds.start_batch import START
from bot.builds.start_rows import carries, claimed, row_from_answer, trigger_params
from bot.clock import Clock
from bot.connection import Connections
from bot.engine import Engine, RetryAt
from bot.errors import BitriseBusy, BitriseError, BitriseNotFound, BitriseRefused, BitriseUnavailable, BuildbellError
from bot.outbox import Outbox
from bot.requests import Requests
from bot.slack.replies import reply
from bot.sync.updates import Observer
from bot.sync_schedule import Sweeps
from storage import Database, Transaction
from storage.audit import AuditRow, AuditStore
from storage.builds import BuildRow, BuildStore
from storage.messages import CardRow, CardStore
from storage.requests import RequestRow, RequestStore

log = logging.getLogger(__name__)
CLOCK_SKEW = timedelta(minutes=5)
RETRY_EVERY = timedelta(seconds=3)
LOOK_EVERY = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=24)
MOST_PAGES = 40
"""Of one branch since the start: more are no list, but one that repeats itself."""
UNANSWERED = "Bitrise has not answered for a day, so I can't tell whether your build was started. Please look there."
BROKEN = "Something broke on my side, so I can't tell whether your build was started. Please look at Bitrise."


class Sending:
    """``look_back``: how long a lost start is looked for before it is sent again; ``deadline``: how long it tries."""

    def __init__(
        self,
        *,
        database: Database,
        requests: RequestStore,
        builds: BuildStore,
        cards: CardStore,
        audit: AuditStore,
        apps: Apps,
        connections: Connections,
        observer: Observer,
        outbox: Outbox,
        sweeps: Sweeps,
        engine: Engine,
        made: Requests,
        clock: Clock,
        new_id: Callable[[], str],
        look_back: timedelta,
        deadline: timedelta,
    ) -> None:
        self._db, self._requests, self._builds, self._cards = database, requests, builds, cards
        self._audit, self._apps, self._connections, self._observer = audit, apps, connections, observer
        self._outbox, self._sweeps, self._made = outbox, sweeps, made
        self._clock, self._new_id, self._look_back, self._deadline = clock, new_id, look_back, deadline
        engine.register(START, self.perform_start, concurrency=16, give_up=self.give_up, is_urgent=True)

    async def perform_start(self, arguments: Mapping[str, Any]) -> None:
        """One step of a start. Runs again after a crash, and after every answer that left it open."""
        request = await self._requests.find_request(arguments["request_id"])
        if request is None or request.state not in ("accepted", "sent"):
            return
        parameters = Parameters.read(self._made.parameters_of(request))
        try:
            if request.state == "sent" and await self._adopt(request, parameters):
                return
            await self._send(request, parameters)
        except (BitriseUnavailable, BitriseBusy) as error:
            await self._try_later(request, error)
        except BuildbellError as error:
            await self._refuse(request, error)

    async def _adopt(self, request: RequestRow, parameters: Parameters) -> bool:
        """Look for builds that carry our request id: the answer was lost, or we died before we could store it.

        False only when there is certainly none; until then the job comes back.
        """
        sent_at = request.sent_at or request.created_at
        found = await self._find_builds(request, parameters)
        if found:
            await self._finish(request, parameters, found_builds=found)
            return True
        if self._clock.now() < sent_at + self._look_back:
            raise RetryAt(min(sent_at + self._look_back, self._clock.now() + RETRY_EVERY))
        if self._clock.now() > request.created_at + self._deadline:
            raise BitriseRefused(
                "Bitrise did not answer in time and no build appeared, so nothing was started. Please try again."
            )
        return False

    async def _find_builds(self, request: RequestRow, parameters: Parameters) -> list[Build]:
        """What carries our request id. Raises `BitriseUnavailable` whenever that cannot be said for certain."""
        since = request.created_at - CLOCK_SKEW
        try:
            async with self._connections.bitrise(request.workspace_id) as client:
                if parameters.pipeline:
                    return await find_pipelines(client, request, since)
                found = await find_builds(client, request, BuildFilters(after=since, branch=parameters.branch))
                if not found and not parameters.workflow:  # the trigger map may have chosen a pipeline
                    found = await find_pipelines(client, request, since)
                return found
        except (BitriseUnavailable, BitriseBusy):
            raise
        except BuildbellError as error:  # a token that died meanwhile must not make "lost" into "not started"
            raise BitriseUnavailable(error.sentence) from error

    async def _send(self, request: RequestRow, parameters: Parameters) -> None:
        now = self._clock.now()
        if now > request.created_at + self._deadline:
            raise BitriseRefused("Bitrise could not be reached in time; nothing was started. Please try again.")
        if not await self._db.transaction(lambda tx: self._requests.mark_sent(tx, request.request_id, now=now)):
            return
        try:
            async with self._connections.bitrise(request.workspace_id) as client:
                answer = await client.trigger_build(trigger_params(request, parameters))
        except BitriseBusy:
            # The one refusal that is certain and passes: nothing was started, so the next try need not look first.
            await self._db.transaction(lambda tx: self._requests.mark_unsent(tx, request.request_id))
            raise
        await self._finish(request, parameters, answer=answer)

    async def _finish(
        self,
        request: RequestRow,
        parameters: Parameters,
        *,
        answer: TriggerResult | None = None,
        found_builds: list[Build] | None = None,
    ) -> None:
        """The builds are there: rows, a card, and a sweep, all at once."""
        now = self._clock.now()
        refused = answer.refusals if answer else ()

        async def finish(tx: Transaction) -> None:
            rows = [row_from_answer(request, parameters, item, now=now) for item in answer.builds] if answer else []
            for build in await self._observer.observe(tx, request.workspace_id, found_builds or [], tells=False):
                rows.append(claimed(build, request, parameters))
                await self._builds.save_build(tx, rows[-1], seen_state=build.state)
                await self._observer.welcome(tx, rows[-1])
            slugs = [row.build_slug for row in rows]
            if not await self._requests.settle_request(
                tx, request.request_id, state="done", result=" ".join(slugs), now=now, build_slug=slugs[0]
            ):
                return
            for row in rows if answer else ():
                await self._keep(tx, row, request, parameters)
            await self._show(tx, request, slugs, now)
            await self._observer.tell(tx, request.workspace_id)
            for message in refused:
                await self._outbox.whisper(tx, self._made.asker_of(request), reply(f"Bitrise said: {message}"))
            await self._note(tx, request, f"started {' '.join(slugs)}")

        await self._db.transaction(finish)
        log.info("build started", extra={"request": request.request_id, "app": parameters.app_slug})

    async def _keep(self, tx: Transaction, row: BuildRow, request: RequestRow, parameters: Parameters) -> None:
        """A build that the answer names; or the row of it, when a sweep was quicker than the answer."""
        if not await self._builds.add_build(tx, row):
            known = await self._builds.find_build(row.workspace_id, row.build_slug, on=tx)
            row = claimed(known or row, request, parameters)
            await self._builds.save_build(tx, row, seen_state=row.state)
        await self._observer.welcome(tx, row)

    async def _show(self, tx: Transaction, request: RequestRow, slugs: list[str], now: datetime) -> None:
        card = CardRow(
            card_id=request.request_id,
            workspace_id=request.workspace_id,
            channel_id=request.channel_id or request.user_id,
            requester=request.user_id,
            request_id=request.request_id,
            created_at=now,
        )
        await self._cards.add_card(tx, card, slugs)
        await self._outbox.show_card(tx, card)
        if not await self._cards.count_unfinished(card.card_id, on=tx):  # found late: it has ended by now
            await self._cards.claim_announcement(tx, card.card_id, now=now)
            await self._outbox.announce(tx, card)
        await self._sweeps.make_due(tx, request.workspace_id, at=now)

    async def _try_later(self, request: RequestRow, error: BitriseUnavailable | BitriseBusy) -> None:
        """Bitrise is slow, busy or away. Say so once."""
        now = self._clock.now()
        if now > request.created_at + GIVE_UP_AFTER:
            await self._lose(request, UNANSWERED)
            return
        wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_EVERY
        if now > request.created_at + self._deadline:
            wait = max(wait, LOOK_EVERY)  # nothing is sent any more; only looked for
        minutes = max(1, round(self._deadline.total_seconds() / 60))
        message = reply(
            f"Bitrise hasn't answered yet ({error.sentence}). I keep trying for {minutes} min "
            "and will not start it twice."
        )

        async def note(tx: Transaction) -> None:
            if await self._requests.claim_telling(tx, request.request_id, now=now):
                await self._outbox.whisper(tx, self._made.asker_of(request), message)

        await self._db.transaction(note)
        raise RetryAt(now + wait)

    async def give_up(self, arguments: Mapping[str, Any]) -> None:
        """The job broke again and again: a bug, but the person is not left waiting."""
        request = await self._requests.find_request(arguments["request_id"])
        if request is not None:
            await self._lose(request, BROKEN)

    async def _lose(self, request: RequestRow, text: str) -> None:
        """Say that we do not know."""

        async def lose(tx: Transaction) -> None:
            now = self._clock.now()
            if await self._requests.settle_request(tx, request.request_id, state="unknown", result=text, now=now):
                await self._outbox.whisper(tx, self._made.asker_of(request), reply(text))
                await self._note(tx, request, "unknown")

        await self._db.transaction(lose)

    async def _refuse(self, request: RequestRow, error: BuildbellError) -> None:
        message = reply(f"Not started: {error.sentence}{await self._hint(request, error)}")

        async def refuse(tx: Transaction) -> None:
            now = self._clock.now()
            if await self._requests.settle_request(
                tx, request.request_id, state="refused", result=error.sentence, now=now
            ):
                await self._outbox.whisper(tx, self._made.asker_of(request), message)
                await self._note(tx, request, f"refused: {error.sentence}")

        await self._db.transaction(refuse)

    async def _hint(self, request: RequestRow, error: BuildbellError) -> str:
        """What may be behind a bare refusal; after an unknown workflow, those that ran, and pipelines."""
        if isinstance(error, BitriseNotFound):
            return (
                ". Either the app is gone, or the stored token's role in it is too low: "
                "starting builds takes the role Developer."
            )
        if not isinstance(error, BitriseError) or "workflow" not in error.sentence or not request.app_slug:
            return ""
        known = await self._apps.list_workflows(request.workspace_id, request.app_slug)
        ran = f"\nWorkflows that have run: {', '.join(f'`{name}`' for name in known[:10])}" if known else ""
        return f"{ran}\nA pipeline that I have not seen run is named as one: `pipeline:{request.workflow}`"

    async def _note(self, tx: Transaction, request: RequestRow, result: str) -> None:
        subject = f"{request.app_slug} {request.workflow or ''} {request.branch or ''}"
        await self._audit.add_entry(
            tx,
            AuditRow(self._new_id(), request.workspace_id, self._clock.now(), request.user_id, START, subject, result),
        )


async def find_builds(client: BitriseClient, request: RequestRow, filters: BuildFilters) -> list[Build]:
    """Builds that carry the request, page by page; they come from one start, so one page has them all.

    Raises `BitriseUnavailable` when the list has no end: what was not read may hold them.
    """
    for _ in range(MOST_PAGES):
        page = await client.list_builds(request.app_slug or "", filters)
        found = [build for build in page.items if carries(build, request)]
        if found or page.next is None:
            return found
        if page.next == filters.next:
            break
        filters = dataclasses.replace(filters, next=page.next)
    raise BitriseUnavailable("Bitrise's list of builds has no end.")


async def find_pipelines(client: BitriseClient, request: RequestRow, since: datetime) -> list[Build]:
    """The same for pipelines, which have a list of their own."""
    app_slug = request.app_slug or ""
    listed = await client.list_pipelines(app_slug, after=since)
    return [await client.get_pipeline(app_slug, run.slug) for run in listed if carries(run, request)]
