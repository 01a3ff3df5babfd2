"""Send a stored start to Bitrise, once: and look for what was lost on the way before sending again."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import apps, connection, outbox, requests, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.bitrise.models import Build, BuildFilters, TriggerResult
from bot.builds.parameters import Parameters
from bot.builds.start_batch import START
from bot.builds.start_rows import carries, claimed, row_from_answer, trigger_params
from bot.context import Context
from bot.engine import JobKind, RetryAt
from bot.errors import BitriseBusy, BitriseError, BitriseNotFound, BitriseRefused, BitriseUnavailable, BuildbellError
from bot.slack.replies import reply
from bot.sync import updates
from storage import Transaction, audit
from storage import builds as build_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage.audit import AuditRow
from storage.builds import BuildRow
from storage.messages import CardRow
from storage.requests import RequestRow

log = logging.getLogger(__name__)
CLOCK_SKEW = timedelta(minutes=5)
RETRY_EVERY = timedelta(seconds=3)
LOOK_EVERY = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(hours=24)
MOST_PAGES = 40
"""Of one branch since the start: more are no list, but one that repeats itself."""
UNANSWERED = "Bitrise has not answered for a day, so I can't tell whether your build was started. Please look there."
BROKEN = "Something broke on my side, so I can't tell whether your build was started. Please look at Bitrise."


async def perform_start(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """One step of a start. Runs again after a crash, and after every answer that left it open."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is None or request.state not in ("accepted", "sent"):
        return
    parameters = Parameters.read(requests.parameters(ctx, request))
    try:
        if request.state == "sent" and await _adopt(ctx, request, parameters):
            return
        await _send(ctx, request, parameters)
    except (BitriseUnavailable, BitriseBusy) as error:
        await _try_later(ctx, request, error)
    except BuildbellError as error:
        await _refuse(ctx, request, error)


async def _adopt(ctx: Context, request: RequestRow, parameters: Parameters) -> bool:
    """Look for builds that carry our request id: the answer was lost, or we died before we could store it.

    False only when there is certainly none; until then the job comes back.
    """
    sent_at = request.sent_at or request.created_at
    found = await _find_builds(ctx, request, parameters)
    if found:
        await _finish(ctx, request, parameters, found_builds=found)
        return True
    if ctx.clock.now() < sent_at + timedelta(seconds=ctx.settings.look_back_seconds):
        raise RetryAt(min(sent_at + timedelta(seconds=ctx.settings.look_back_seconds), ctx.clock.now() + RETRY_EVERY))
    if ctx.clock.now() > request.created_at + timedelta(seconds=ctx.settings.start_deadline_seconds):
        raise BitriseRefused(
            "Bitrise did not answer in time and no build appeared, so nothing was started. Please try again."
        )
    return False


async def _find_builds(ctx: Context, request: RequestRow, parameters: Parameters) -> list[Build]:
    """What carries our request id. Raises `BitriseUnavailable` whenever that cannot be said for certain."""
    since = request.created_at - CLOCK_SKEW
    try:
        async with connection.client(ctx, request.workspace_id) as client:
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


async def _send(ctx: Context, request: RequestRow, parameters: Parameters) -> None:
    now = ctx.clock.now()
    if now > request.created_at + timedelta(seconds=ctx.settings.start_deadline_seconds):
        raise BitriseRefused("Bitrise could not be reached in time; nothing was started. Please try again.")
    if not await ctx.db.transaction(lambda tx: request_rows.mark_sent(tx, request.request_id, now=now)):
        return
    try:
        async with connection.client(ctx, request.workspace_id) as client:
            answer = await client.trigger_build(trigger_params(request, parameters))
    except BitriseBusy:
        # The one refusal that is certain and passes: nothing was started, so the next try need not look first.
        await ctx.db.transaction(lambda tx: request_rows.mark_unsent(tx, request.request_id))
        raise
    await _finish(ctx, request, parameters, answer=answer)


async def _finish(
    ctx: Context,
    request: RequestRow,
    parameters: Parameters,
    *,
    answer: TriggerResult | None = None,
    found_builds: list[Build] | None = None,
) -> None:
    """The builds are there: rows, a card, and a sweep, all at once."""
    now = ctx.clock.now()
    refused = answer.refusals if answer else ()

    async def finish(tx: Transaction) -> None:
        rows = [row_from_answer(request, parameters, item, now=now) for item in answer.builds] if answer else []
        for build in await updates.apply_builds(ctx, tx, request.workspace_id, found_builds or [], tells=False):
            rows.append(claimed(build, request, parameters))
            await build_rows.save_build(tx, rows[-1], expected_state=build.state)
            await updates.on_start_confirmed(ctx, tx, rows[-1])
        slugs = [row.build_slug for row in rows]
        if not await request_rows.complete_request(
            tx, request.request_id, state="done", result=" ".join(slugs), now=now, build_slug=slugs[0]
        ):
            return
        for row in rows if answer else ():
            await _save_build(ctx, tx, row, request, parameters)
        await _post_card(ctx, tx, request, slugs, now)
        await updates.notify(ctx, tx, request.workspace_id)
        for message in refused:
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), reply(f"Bitrise said: {message}"))
        await _audit(ctx, tx, request, f"started {' '.join(slugs)}")

    await ctx.db.transaction(finish)
    log.info("build started", extra={"request": request.request_id, "app": parameters.app_slug})


async def _save_build(
    ctx: Context, tx: Transaction, row: BuildRow, request: RequestRow, parameters: Parameters
) -> None:
    """A build that the answer names; or the row of it, when a sweep was quicker than the answer."""
    if not await build_rows.add_build(tx, row):
        known = await build_rows.find_build(tx, row.workspace_id, row.build_slug)
        row = claimed(known or row, request, parameters)
        await build_rows.save_build(tx, row, expected_state=row.state)
    await updates.on_start_confirmed(ctx, tx, row)


async def _post_card(ctx: Context, tx: Transaction, request: RequestRow, slugs: list[str], now: datetime) -> None:
    card = CardRow(
        card_id=request.request_id,
        workspace_id=request.workspace_id,
        channel_id=request.channel_id or request.user_id,
        requested_by=request.user_id,
        request_id=request.request_id,
        created_at=now,
    )
    await message_rows.add_card(tx, card, slugs)
    await outbox.update_card(ctx, tx, card)
    if not await message_rows.count_unfinished(tx, card.card_id):  # found late: it has ended by now
        await message_rows.claim_announcement(tx, card.card_id, now=now)
        await outbox.announce_result(ctx, tx, card)
    await sync_schedule.schedule_now(ctx, tx, request.workspace_id, at=now)


async def _try_later(ctx: Context, request: RequestRow, error: BitriseUnavailable | BitriseBusy) -> None:
    """Bitrise is slow, busy or away. Say so once."""
    now = ctx.clock.now()
    if now > request.created_at + GIVE_UP_AFTER:
        await _mark_lost(ctx, request, UNANSWERED)
        return
    wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_EVERY
    if now > request.created_at + timedelta(seconds=ctx.settings.start_deadline_seconds):
        wait = max(wait, LOOK_EVERY)  # nothing is sent any more; only looked for
    minutes = max(1, round(timedelta(seconds=ctx.settings.start_deadline_seconds).total_seconds() / 60))
    message = reply(
        f"Bitrise hasn't answered yet ({error.sentence}). I keep trying for {minutes} min and will not start it twice."
    )

    async def note(tx: Transaction) -> None:
        if await request_rows.claim_notification(tx, request.request_id, now=now):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), message)

    await ctx.db.transaction(note)
    raise RetryAt(now + wait)


async def give_up(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """The job broke again and again: a bug, but the person is not left waiting."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is not None:
        await _mark_lost(ctx, request, BROKEN)


async def _mark_lost(ctx: Context, request: RequestRow, text: str) -> None:
    """Say that we do not know."""

    async def lose(tx: Transaction) -> None:
        now = ctx.clock.now()
        if await request_rows.complete_request(tx, request.request_id, state="unknown", result=text, now=now):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), reply(text))
            await _audit(ctx, tx, request, "unknown")

    await ctx.db.transaction(lose)


async def _refuse(ctx: Context, request: RequestRow, error: BuildbellError) -> None:
    message = reply(f"Not started: {error.sentence}{await _hint(ctx, request, error)}")

    async def refuse(tx: Transaction) -> None:
        now = ctx.clock.now()
        if await request_rows.complete_request(tx, request.request_id, state="refused", result=error.sentence, now=now):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), message)
            await _audit(ctx, tx, request, f"refused: {error.sentence}")

    await ctx.db.transaction(refuse)


async def _hint(ctx: Context, request: RequestRow, error: BuildbellError) -> str:
    """What may be behind a bare refusal; after an unknown workflow, those that ran, and pipelines."""
    if isinstance(error, BitriseNotFound):
        return (
            ". Either the app is gone, or the stored token's role in it is too low: "
            "starting builds takes the role Developer."
        )
    if not isinstance(error, BitriseError) or "workflow" not in error.sentence or not request.app_slug:
        return ""
    known = await apps.list_workflows(ctx, request.workspace_id, request.app_slug)
    ran = f"\nWorkflows that have run: {', '.join(f'`{name}`' for name in known[:10])}" if known else ""
    return f"{ran}\nA pipeline that I have not seen run is named as one: `pipeline:{request.workflow}`"


async def _audit(ctx: Context, tx: Transaction, request: RequestRow, result: str) -> None:
    subject = f"{request.app_slug} {request.workflow or ''} {request.branch or ''}"
    await audit.add_entry(
        tx,
        AuditRow(ctx.new_id(), request.workspace_id, ctx.clock.now(), request.user_id, START, subject, result),
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


JOBS = (JobKind(START, perform_start, concurrency=16, on_exhausted=give_up, is_urgent=True),)
