"""Stop a build, once, and remember who asked and why."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot import connection, outbox, requests, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.builds.abort_request import Stop, abort_key, ask, ended_sentence, hint_at, limit_of, name_of, spoken_actor
from bot.context import Context
from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, format_duration
from bot.engine import Job, JobKind, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
    BuildFinished,
    BuildNotFound,
)
from bot.permissions import Actor
from bot.slack.replies import reply
from bot.sync import updates
from storage import Transaction, audit
from storage import builds as build_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage.audit import AuditRow
from storage.builds import BuildRow
from storage.requests import RequestRow

log = logging.getLogger(__name__)
ABORT = "abort"
RETRY_EVERY = timedelta(seconds=3)


async def request_abort(ctx: Context, actor: Actor, stop: Stop) -> BuildRow:
    """Store the wish to stop a build; returns the build as it is now known.

    Raises `NotAllowed`, `BuildNotFound`, and `BuildFinished` when there is nothing to stop any more or somebody
    else has asked already.
    """
    await check_may_stop(ctx, actor, stop.report)
    build = await build_rows.find_build(ctx.db, actor.workspace_id, stop.build_slug)
    if build is None:
        raise BuildNotFound("I don't know that build any more.")
    request = new_request(ctx, actor, stop, build)
    if not await ctx.db.transaction(lambda tx: store_request(ctx, tx, request, build)):
        raise BuildFinished(await refresh_state(ctx, build))
    return build


async def check_may_stop(ctx: Context, actor: Actor, report: str) -> None:
    """Raises `NotAllowed`, `NotConnected`, `TokenRejected`."""
    ctx.permissions.check_member(actor)
    if report == "green":
        ctx.permissions.check_may_report_green(actor)
    await connection.require(ctx, actor.workspace_id)


async def store_request(ctx: Context, tx: Transaction, request: RequestRow, build: BuildRow) -> bool:
    """The wish, once per build, and the job that fulfils it; False when there is nothing to stop any more."""
    now = ctx.clock.now()
    workspace_id, build_slug = build.workspace_id, build.build_slug
    if not await build_rows.claim_abort(tx, workspace_id, build_slug, by=request.user_id, now=now):
        return False
    if not await request_rows.add_request(tx, request):
        return False
    await ctx.engine.enqueue(tx, Job(ABORT, {"request_id": request.request_id}))
    await _update_cards(ctx, tx, build)
    return True


async def refresh_state(ctx: Context, build: BuildRow) -> str:
    """What to say to a press that came too late."""
    now = await build_rows.find_build(ctx.db, build.workspace_id, build.build_slug) or build
    if not now.is_finished and now.abort_requested_by:
        asked = await request_rows.find_by_key(ctx.db, build.workspace_id, abort_key(build))
        who = "Somebody" if asked is None else spoken_actor(requests.actor_of(ctx, asked))
        return f"{who} has asked to stop {name_of(now)} already; it is being stopped."
    return ended_sentence(now)


def new_request(ctx: Context, actor: Actor, stop: Stop, build: BuildRow) -> RequestRow:
    """The wish as a row; it is not stored yet."""
    return requests.new(
        ctx,
        actor,
        kind=ABORT,
        unique_key=abort_key(build),
        parameters=dataclasses.asdict(stop),
        app_slug=build.app_slug,
        build_slug=build.build_slug,
        workflow=build.target,
        branch=build.branch,
    )


# Doing.


async def perform_abort(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """One step of a stop. Runs again after a crash; looks before it asks again, since asking twice is an error."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    if request is None or request.state not in ("accepted", "sent"):
        return
    stop = _stop_of(ctx, request)
    build = await build_rows.find_build(ctx.db, request.workspace_id, stop.build_slug)
    if build is None:
        return
    if stop.within_seconds is not None and _is_late(ctx, request, stop):
        await _refuse(ctx, request, build, BuildbellError("It came too late: the build has gone on."))
        return
    try:
        await _step(ctx, request, stop, build)
    except (BitriseUnavailable, BitriseBusy) as error:
        await _try_later(ctx, request, build, error)
    except BuildbellError as error:
        await _refuse(ctx, request, build, error)


async def give_up(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """The job broke again and again: a bug, but the person is not left waiting and the button comes back."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    build = await build_rows.find_build(ctx.db, request.workspace_id, request.build_slug or "") if request else None
    if request is not None and build is not None:
        await _refuse(ctx, request, build, BuildbellError("Something broke on my side."))


def _is_late(ctx: Context, request: RequestRow, stop: Stop) -> bool:
    return ctx.clock.now() - request.created_at > limit_of(stop)


def _stop_of(ctx: Context, request: RequestRow) -> Stop:
    fields = requests.parameters(ctx, request)
    return Stop(**fields | {"category": Reason(fields["category"])})


async def _step(ctx: Context, request: RequestRow, stop: Stop, build: BuildRow) -> None:
    async with connection.client(ctx, request.workspace_id) as client:
        if request.state == "sent" and (ended := await _look(ctx, client, build)).is_finished:
            await _finish(ctx, request, stop, ended)
            return
        now = ctx.clock.now()
        if not await ctx.db.transaction(lambda tx: request_rows.mark_sent(tx, request.request_id, now=now)):
            return
        try:
            await ask(client, request, stop, build)
        except BitriseError as error:
            if isinstance(error, BitriseUnavailable | BitriseBusy) or error.status == 401:
                raise
            # Already finished is an error at Bitrise, worded in several ways: the build itself tells.
            if not (build := await _look(ctx, client, build, is_ours=request.state == "sent")).is_finished:
                if request.state == "sent" and isinstance(error, BitriseRefused):
                    # An earlier call may have been taken, and only its answer lost: then it is ending now.
                    raise BitriseUnavailable(error.sentence) from error
                raise
    await _finish(ctx, request, stop, build)


async def _look(ctx: Context, client: BitriseClient, build: BuildRow, *, is_ours: bool = True) -> BuildRow:
    """The build as it is at Bitrise now, observed on the way; unless ``is_ours``, others have ended it."""
    seen = await client.get_build(build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)

    async def observe(tx: Transaction) -> BuildRow:
        if not is_ours:
            await build_rows.release_abort(tx, build.workspace_id, build.build_slug, even_finished=True)
            await _update_cards(ctx, tx, build)
        return (await updates.apply_builds(ctx, tx, build.workspace_id, [seen]))[0]

    return await ctx.db.transaction(observe)


async def _finish(ctx: Context, request: RequestRow, stop: Stop, build: BuildRow) -> None:
    """Bitrise took it, or the build has ended by itself or by somebody else: the card will show which."""
    now = ctx.clock.now()
    is_stopped = build.outcome in STOPPED and build.abort_requested_by is not None
    missed = build.is_finished and not is_stopped
    result = ended_sentence(build) if missed else f"stopped: {stop.category}"

    async def finish(tx: Transaction) -> None:
        if not await request_rows.complete_request(tx, request.request_id, state="done", result=result, now=now):
            return
        await _notify(ctx, tx, request, ended_sentence(build) if missed else None)
        await sync_schedule.schedule_now(ctx, tx, request.workspace_id, at=now)
        await _audit(ctx, tx, request, build, f"{result} (report {stop.report})")

    await ctx.db.transaction(finish)


async def _try_later(
    ctx: Context, request: RequestRow, build: BuildRow, error: BitriseUnavailable | BitriseBusy
) -> None:
    now, stop = ctx.clock.now(), _stop_of(ctx, request)
    if _is_late(ctx, request, stop):
        within = format_duration(limit_of(stop).total_seconds())
        text = f"Bitrise did not take it within {within}, so I have given up. The card shows how it goes on."
        await _refuse(ctx, request, build, BuildbellError(text))
        return
    wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_EVERY
    text = f"Bitrise hasn't taken the stop of {name_of(build)} yet ({error.sentence}). I keep trying."

    async def note(tx: Transaction) -> None:
        if await request_rows.claim_notification(tx, request.request_id, now=now):
            await _notify(ctx, tx, request, text)

    await ctx.db.transaction(note)
    raise RetryAt(now + wait)


async def _refuse(ctx: Context, request: RequestRow, build: BuildRow, error: BuildbellError) -> None:
    why = f"{error.sentence}{hint_at(error)}"

    async def refuse(tx: Transaction) -> None:
        now = ctx.clock.now()
        if not await request_rows.complete_request(
            tx, request.request_id, state="refused", result=why, now=now, frees_key=True
        ):
            return
        await build_rows.release_abort(tx, build.workspace_id, build.build_slug)
        await _update_cards(ctx, tx, build)
        await _notify(ctx, tx, request, f"{name_of(build)} was not stopped: {why}")
        await _audit(ctx, tx, request, build, f"refused: {error.sentence}")

    await ctx.db.transaction(refuse)


async def _notify(ctx: Context, tx: Transaction, request: RequestRow, text: str | None) -> None:
    """How a stop goes: on the card of all that are stopped together, else privately and only what is unexpected."""
    card_id = _stop_of(ctx, request).card_id
    card = await message_rows.find_card(tx, card_id) if card_id else None
    if card is not None and not card.is_gone:
        await outbox.update_card(ctx, tx, card)
    elif text and (actor := requests.actor_of(ctx, request)).is_person:
        await outbox.reply_privately(ctx, tx, actor, reply(text))


async def _update_cards(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    for card in await message_rows.list_of_build(tx, build.workspace_id, build.build_slug):
        await outbox.update_card(ctx, tx, card)


async def _audit(ctx: Context, tx: Transaction, request: RequestRow, build: BuildRow, result: str) -> None:
    entry = AuditRow(
        audit_id=ctx.new_id(),
        workspace_id=request.workspace_id,
        created_at=ctx.clock.now(),
        user_id=request.user_id,
        action=ABORT,
        subject=f"{build.app_slug} {build.build_slug}",
        result=result,
    )
    await audit.add_entry(tx, entry)


JOBS = (JobKind(ABORT, perform_abort, concurrency=16, on_exhausted=give_up, is_urgent=True),)
