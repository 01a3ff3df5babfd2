"""Send a stored start to Bitrise exactly once: look for a lost answer before sending again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot import apps, connection, outbox, requests, sync_schedule
from bot.bitrise.models import (
    MESSAGE_VARIABLE,
    REQUEST_VARIABLE,
    Build,
    TriggerParams,
    TriggerResult,
)
from bot.builds.start import START, StartParameters, describe_start, explain_refusal
from bot.builds.start_lookup import (
    GIVE_UP_AFTER,
    LOOK_AFTER,
    await_approval,
    claim_build,
    find_started,
    new_row,
    waits_for_approval,
    with_variables,
)
from bot.context import Context
from bot.domain.builds import triggered_by_text
from bot.engine import Job, JobKind, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
)
from bot.notifications import events
from bot.slack.replies import error as error_reply
from bot.slack.replies import reply, starting
from bot.sync import updates
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage.builds import BuildRow
from storage.messages import MessageRow
from storage.requests import RequestRow

log = logging.getLogger(__name__)
CONFIRM = "confirm-start"
CONFIRM_AFTER = timedelta(seconds=2)
"""A card that comes sooner is the answer to a start."""
RETRY_AFTER = timedelta(seconds=3)
UNANSWERED = (
    "Bitrise hasn't responded for a day, so it's unknown whether your build started. "
    "Check Bitrise before you start it again."
)
BROKEN = (
    "Something went wrong in Buildbell, so it's unknown whether your build started. "
    "Check Bitrise before you start it again."
)


async def perform_start(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Take one step of a start. It runs again after a crash and after every answer that left the result open."""
    request = await requests.find_open(ctx, arguments)
    if request is None:
        return
    parameters = StartParameters.read(requests.parameters(ctx, request))
    try:
        if request.state == "sent" and await _adopt(ctx, request, parameters):
            return
        await _send(ctx, request, parameters)
    except (BitriseUnavailable, BitriseBusy) as error:
        await _retry(ctx, request, error)
    except BuildbellError as error:
        await _refuse(ctx, request, await explain_refusal(ctx, request.workspace_id, parameters, error))


async def _adopt(ctx: Context, request: RequestRow, parameters: StartParameters) -> bool:
    """Adopt builds that carry our request id: the answer was lost, or the process died before it was stored.

    Returns False only if there is certainly none; until then the job is retried.
    """
    if builds := await find_started(ctx, request, parameters):
        await _complete(ctx, request, parameters, found=builds)
        return True
    now = ctx.clock.now()
    if request.result == request_rows.ACCEPTED or await waits_for_approval(ctx, request, parameters):
        await await_approval(ctx, request, parameters)
    look_until = (request.sent_at or request.created_at) + timedelta(seconds=ctx.settings.look_back_seconds)
    if now < look_until:
        raise RetryAt(min(look_until, now + RETRY_AFTER))
    if now > _deadline(ctx, request):
        raise BitriseRefused("Bitrise didn't respond in time, and no build appeared. Try again.")
    return False


def _deadline(ctx: Context, request: RequestRow) -> datetime:
    """Return until when a start is sent. Later it is only looked for."""
    return request.created_at + timedelta(seconds=ctx.settings.start_deadline_seconds)


async def _send(ctx: Context, request: RequestRow, parameters: StartParameters) -> None:
    now = ctx.clock.now()
    if now > _deadline(ctx, request):
        raise BitriseRefused("Couldn't reach Bitrise in time. Try again.")

    async def store(tx: Transaction) -> bool:
        if request.sent_at is None:
            due_at = request.created_at + CONFIRM_AFTER
            await ctx.engine.enqueue(tx, Job(CONFIRM, {"request_id": request.request_id}, due_at=due_at))
        return await request_rows.mark_sent(tx, request.request_id, now=now)

    if not await ctx.db.transaction(store):
        return
    try:
        async with connection.client(ctx, request.workspace_id) as bitrise:
            answer = await bitrise.trigger_build(trigger_params(request, parameters))
    except BitriseBusy:
        # The one refusal that is certain and passes: nothing was started, so the next try needn't look first.
        await ctx.db.transaction(lambda tx: request_rows.mark_unsent(tx, request.request_id))
        raise
    if not answer.builds:
        await await_approval(ctx, request, parameters)
    await _complete(ctx, request, parameters, answer=answer)


def trigger_params(request: RequestRow, parameters: StartParameters) -> TriggerParams:
    """Return what is sent: the parameters with our request id, by which a lost start is found again."""
    environment = [*parameters.environment, (REQUEST_VARIABLE, request.request_id)]
    if parameters.message:
        environment.append((MESSAGE_VARIABLE, parameters.message))
    return TriggerParams(
        app_slug=parameters.app_slug,
        workflow=parameters.workflow,
        pipeline=parameters.pipeline,
        branch=parameters.branch,
        tag=parameters.tag,
        commit=parameters.commit,
        environment=tuple(environment),
        expanded=frozenset(parameters.expanded),
        others=parameters.others,
        triggered_by=triggered_by_text(request.user_name, request.request_id),
    )


async def _complete(
    ctx: Context,
    request: RequestRow,
    parameters: StartParameters,
    *,
    answer: TriggerResult | None = None,
    found: list[Build] | None = None,
) -> None:
    """Store the builds of Bitrise's answer, or those found later, with their card, all at once."""

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        rows = []
        for item in answer.builds if answer else ():
            rows.append(with_variables(ctx, new_row(request, parameters, item, now=now), parameters))
        for build in await updates.apply_builds(ctx, tx, request.workspace_id, found or [], notify=False):
            rows.append(claim_build(build, request, parameters))
            await build_rows.save_build(tx, rows[-1], expected_state=build.state)
            await updates.on_start_confirmed(ctx, tx, rows[-1])
        slugs = [row.build_slug for row in rows]
        if not await request_rows.complete_request(
            tx, request.request_id, state="done", result=" ".join(slugs), now=now, build_slug=slugs[0]
        ):
            return
        for row in rows if answer else ():
            await _save_build(ctx, tx, row, request, parameters)
        await _post_card(ctx, tx, request, slugs)
        await events.notify(ctx, tx, request.workspace_id)
        for refusal in answer.refusals if answer else ():
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), reply(f"Bitrise said: {refusal}"))
        await _audit(ctx, tx, request, f"started {' '.join(slugs)}")

    await ctx.db.transaction(store)
    log.info("build started", extra={"request": request.request_id, "app": parameters.app_slug})


async def _save_build(
    ctx: Context, tx: Transaction, row: BuildRow, request: RequestRow, parameters: StartParameters
) -> None:
    """Store a build of the answer, or claim its row if a sync was quicker than the answer."""
    if not await build_rows.add_build(tx, row):
        existing = await build_rows.find_build(tx, row.workspace_id, row.build_slug)
        row = claim_build(existing or row, request, parameters)
        await build_rows.save_build(tx, row, expected_state=row.state)
    await updates.on_start_confirmed(ctx, tx, row)


async def _post_card(ctx: Context, tx: Transaction, request: RequestRow, slugs: list[str]) -> None:
    now = ctx.clock.now()
    card = MessageRow(
        message_id=request.request_id,
        workspace_id=request.workspace_id,
        channel_id=request.channel_id or request.user_id,
        requested_by=request.user_id,
        request_id=request.request_id,
        created_at=now,
    )
    await message_rows.add_message(tx, card, slugs)
    await outbox.update_card(ctx, tx, card)
    if not await message_rows.count_unfinished(tx, card.message_id):  # found late: it has finished by now
        await message_rows.claim_announcement(tx, card.message_id, now=now)
        await outbox.announce_result(ctx, tx, card)
    await sync_schedule.schedule_now(ctx, tx, request.workspace_id, at=now)


async def confirm_start(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Say that a build is starting, if neither its card nor another answer has been sent by then."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is None or request.state not in ("sent", "accepted", "done"):
        return
    if request.notified_at is not None or request.result == request_rows.ACCEPTED:
        return
    card = await message_rows.find_message(ctx.db, request.request_id)
    if card is not None and (card.ts is not None or card.is_deleted):
        return
    parameters = StartParameters.read(requests.parameters(ctx, request))
    title = await apps.find_title(ctx, request.workspace_id, parameters.app_slug) or parameters.app_slug
    message = starting(describe_start(title, parameters))
    await outbox.answer_privately(ctx, requests.actor_of(ctx, request), message)


async def _retry(ctx: Context, request: RequestRow, error: BitriseUnavailable | BitriseBusy) -> None:
    """Try again later, telling the person once. Raises `RetryAt` until a day has passed."""
    now = ctx.clock.now()
    if now > request.created_at + GIVE_UP_AFTER:
        await _mark_unknown(ctx, request, UNANSWERED)
        return
    minutes = max(1, round(ctx.settings.start_deadline_seconds / 60))
    message = reply(
        f"Bitrise hasn't responded yet ({error.sentence.rstrip('.')}). "
        f"Retrying for up to {minutes} min. Your build won't start twice."
    )
    actor = requests.actor_of(ctx, request)
    await requests.notify_once(ctx, request, lambda tx: outbox.reply_privately(ctx, tx, actor, message))
    wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_AFTER
    raise RetryAt(now + (max(wait, LOOK_AFTER) if now > _deadline(ctx, request) else wait))


async def _refuse(ctx: Context, request: RequestRow, error: BuildbellError) -> None:
    """Close the request and explain why nothing was started."""

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        if await request_rows.complete_request(tx, request.request_id, state="refused", result=error.sentence, now=now):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), error_reply(error))
            await _audit(ctx, tx, request, f"refused: {error.sentence}")

    await ctx.db.transaction(store)


async def give_up(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """After a bug that repeats: tell the person."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is not None:
        await _mark_unknown(ctx, request, BROKEN)


async def _mark_unknown(ctx: Context, request: RequestRow, text: str) -> None:
    """Close a request of which nobody knows whether it started a build."""

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        if await request_rows.complete_request(tx, request.request_id, state="unknown", result=text, now=now):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), reply(text))
            await _audit(ctx, tx, request, "unknown")

    await ctx.db.transaction(store)


async def _audit(ctx: Context, tx: Transaction, request: RequestRow, result: str) -> None:
    subject = " ".join(filter(None, (request.workflow, request.branch)))
    await requests.record_audit(
        ctx, tx, request.workspace_id, request.user_id,
        action=START, subject=subject, result=result, app_slug=request.app_slug,
    )  # fmt: skip


JOBS = (
    JobKind(START, perform_start, concurrency=16, on_exhausted=give_up, is_urgent=True),
    JobKind(CONFIRM, confirm_start, concurrency=4),
)
