"""Stop builds: store the request, send it to Bitrise once, report what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from bot import connection, outbox, requests, sync_schedule
from bot.bitrise.client import BitriseClient
from bot.context import Context
from bot.domain.abort_reasons import Reason, abort_reason_text
from bot.domain.builds import STOPPED, Outcome, format_duration
from bot.engine import Job, JobKind, RetryAt
from bot.errors import (
    BitriseBusy,
    BitriseError,
    BitriseNotFound,
    BitriseRefused,
    BitriseUnavailable,
    BuildbellError,
    BuildFinished,
    BuildNotFound,
)
from bot.permissions import BUILD_STEP, Actor
from bot.slack.replies import reply
from bot.sync import updates
from storage import Transaction
from storage import builds as build_rows
from storage import messages as message_rows
from storage import requests as request_rows
from storage.builds import BuildRow
from storage.requests import RequestRow

ABORT = "abort"
RETRY_AFTER = timedelta(seconds=3)
GIVE_UP_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class AbortParameters:
    """How to stop a build. ``report`` is what the pull request shows: failed, green or nothing.

    ``message_id`` is the message of a bulk stop, which shows the progress instead of replies. ``within_seconds``
    limits the tries: a stop that comes later than its build step waits would hit a build that has gone on.
    """

    build_slug: str
    category: Reason
    sentence: str = ""
    report: str = "failed"
    skip_notifications: bool = False
    message_id: str | None = None
    within_seconds: int | None = None

    @property
    def deadline(self) -> timedelta:
        return GIVE_UP_AFTER if self.within_seconds is None else timedelta(seconds=self.within_seconds)


async def request_abort(ctx: Context, actor: Actor, parameters: AbortParameters) -> BuildRow:
    """Store an abort request with its job and return the build as last synced.

    Raises `NotAllowed`, `NotConnected`, `BuildNotFound`, and `BuildFinished` if the build has finished or is already
    being stopped.
    """
    await check_may_stop(ctx, actor, parameters.report)
    build = await build_rows.find_build(ctx.db, actor.workspace_id, parameters.build_slug)
    if build is None:
        raise BuildNotFound("That build is no longer available.")
    request = new_request(ctx, actor, parameters, build)
    if not await ctx.db.transaction(lambda tx: store_request(ctx, tx, request, build)):
        raise BuildFinished(await explain_too_late(ctx, build))
    return build


async def check_may_stop(ctx: Context, actor: Actor, report: str) -> None:
    """Raise `NotAllowed`, `NotConnected` or `TokenRejected` if this person can't stop builds like that."""
    await ctx.permissions.check_may_act(actor)
    if report == "green":
        ctx.permissions.check_may_report_green(actor)
    await connection.require(ctx, actor.workspace_id)


def is_stoppable(build: BuildRow) -> bool:
    """Whether a stop can be requested. Bitrise stops the builds of a pipeline only with their pipeline."""
    return not build.is_finished and build.abort_requested_by is None and build.pipeline_workflow_id is None


def new_request(ctx: Context, actor: Actor, parameters: AbortParameters, build: BuildRow) -> RequestRow:
    """Return the request, not stored yet. Its key allows one stop of a build at a time."""
    return requests.new(
        ctx,
        actor,
        kind=ABORT,
        unique_key=f"abort:{build.build_slug}",
        parameters=asdict(parameters),
        app_slug=build.app_slug,
        build_slug=build.build_slug,
        workflow=build.target,
        branch=build.branch,
    )


async def store_request(ctx: Context, tx: Transaction, request: RequestRow, build: BuildRow) -> bool:
    """Claim the build and store the request with its job; return False if it is too late."""
    now = ctx.clock.now()
    if not await build_rows.claim_abort(tx, build.workspace_id, build.build_slug, by=request.user_id, now=now):
        return False
    if not await request_rows.add_request(tx, request):
        return False
    await ctx.engine.enqueue(tx, Job(ABORT, {"request_id": request.request_id}))
    await outbox.update_cards(ctx, tx, build)
    return True


async def explain_too_late(ctx: Context, build: BuildRow) -> str:
    """Return why a build can't be stopped any longer: who was first, or how it finished."""
    current = await build_rows.find_build(ctx.db, build.workspace_id, build.build_slug) or build
    if current.is_finished or not current.abort_requested_by:
        return finished_text(current)
    request = await request_rows.find_by_key(ctx.db, build.workspace_id, f"abort:{build.build_slug}")
    who = "Somebody"
    if request is not None:
        is_step = request.user_id == BUILD_STEP
        who = "A step of the build" if is_step else f"@{request.user_name}"
    return f"{who} already stopped {label(current)}. It is shutting down."


async def perform_abort(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """Send one abort request to Bitrise. After a crash, look at the build first: a second abort is an error there."""
    request = await requests.find_open(ctx, arguments)
    if request is None:
        return
    parameters = _parameters(ctx, request)
    build = await build_rows.find_build(ctx.db, request.workspace_id, parameters.build_slug)
    if build is None:
        return
    deadline = request.created_at + parameters.deadline
    if parameters.within_seconds is not None and ctx.clock.now() > deadline:
        await _refuse(ctx, request, build, BuildbellError("It came too late: the build has gone on."))
        return
    try:
        await _send(ctx, request, parameters, build)
    except (BitriseUnavailable, BitriseBusy) as error:
        if ctx.clock.now() > deadline:
            within = format_duration(parameters.deadline.total_seconds())
            text = (
                f"Bitrise didn't confirm the stop within {within}. The build may still be running; its card stays up "
                "to date."
            )
            await _refuse(ctx, request, build, BuildbellError(text))
            return
        text = f"Bitrise hasn't confirmed the stop of {label(build)} yet ({error.sentence.rstrip('.')}). Retrying."
        await requests.notify_once(ctx, request, lambda tx: _notify(ctx, tx, request, text))
        wait = timedelta(seconds=error.retry_after) if isinstance(error, BitriseBusy) else RETRY_AFTER
        raise RetryAt(ctx.clock.now() + wait) from error
    except BuildbellError as error:
        await _refuse(ctx, request, build, error)


async def _send(ctx: Context, request: RequestRow, parameters: AbortParameters, build: BuildRow) -> None:
    was_sent = request.state == "sent"
    async with connection.client(ctx, request.workspace_id) as bitrise:
        if was_sent and (current := await _refresh(ctx, bitrise, build, is_ours=True)).is_finished:
            await _complete(ctx, request, parameters, current)
            return
        now = ctx.clock.now()
        if not await ctx.db.transaction(lambda tx: request_rows.mark_sent(tx, request.request_id, now=now)):
            return
        try:
            await _call_bitrise(bitrise, request, parameters, build)
        except BitriseError as error:
            if isinstance(error, BitriseUnavailable | BitriseBusy) or error.status == 401:
                raise
            # "Already finished" has several wordings at Bitrise; the build itself is the authority.
            if not (build := await _refresh(ctx, bitrise, build, is_ours=was_sent)).is_finished:
                if was_sent and isinstance(error, BitriseRefused):
                    # An earlier call may have arrived and only its answer got lost: then the build is ending now.
                    raise BitriseUnavailable(error.sentence) from error
                raise
    await _complete(ctx, request, parameters, build)


async def _call_bitrise(
    bitrise: BitriseClient, request: RequestRow, parameters: AbortParameters, build: BuildRow
) -> None:
    """Send the abort. The person is named in the reason, because Bitrise knows only the token's owner."""
    name, handle = (request.user_name, "") if request.user_id == BUILD_STEP else ("", request.user_name)
    await bitrise.abort_build(
        build.app_slug,
        build.build_slug,
        reason=abort_reason_text(parameters.category, parameters.sentence, name, handle),
        is_pipeline=build.is_pipeline,
        with_success=parameters.report == "green",
        skip_notifications=parameters.skip_notifications,
        skip_git_status=parameters.report == "nothing",
    )


async def _refresh(ctx: Context, bitrise: BitriseClient, build: BuildRow, *, is_ours: bool) -> BuildRow:
    """Fetch and store the build as it is at Bitrise now. Unless ``is_ours``, somebody else stopped it."""
    fetched = await bitrise.get_build(build.app_slug, build.build_slug, is_pipeline=build.is_pipeline)

    async def store(tx: Transaction) -> BuildRow:
        if not is_ours:
            await build_rows.release_abort(tx, build.workspace_id, build.build_slug, even_finished=True)
            await outbox.update_cards(ctx, tx, build)
        return (await updates.apply_builds(ctx, tx, build.workspace_id, [fetched]))[0]

    return await ctx.db.transaction(store)


async def _complete(ctx: Context, request: RequestRow, parameters: AbortParameters, build: BuildRow) -> None:
    """Close the request; the card shows how the build finished. Say so if it was finished before."""
    is_stopped = build.outcome in STOPPED and build.abort_requested_by is not None
    missed = finished_text(build) if build.is_finished and not is_stopped else None
    result = missed or f"stopped: {parameters.category}"

    async def store(tx: Transaction) -> None:
        now = ctx.clock.now()
        if not await request_rows.complete_request(tx, request.request_id, state="done", result=result, now=now):
            return
        await _notify(ctx, tx, request, missed)
        await sync_schedule.schedule_now(ctx, tx, request.workspace_id, at=now)
        await _audit(ctx, tx, request, build, f"{result} (report {parameters.report})")

    await ctx.db.transaction(store)


async def _refuse(ctx: Context, request: RequestRow, build: BuildRow, error: BuildbellError) -> None:
    """Close the request, give the Stop button back and explain why."""
    why = error.sentence
    if isinstance(error, BitriseNotFound):
        why += ". Stopping builds needs the Developer role."

    async def store(tx: Transaction) -> None:
        if not await request_rows.complete_request(
            tx, request.request_id, state="refused", result=why, now=ctx.clock.now(), frees_key=True
        ):
            return
        await build_rows.release_abort(tx, build.workspace_id, build.build_slug)
        await outbox.update_cards(ctx, tx, build)
        await _notify(ctx, tx, request, f"{label(build)} was not stopped: {why}")
        await _audit(ctx, tx, request, build, f"refused: {error.sentence}")

    await ctx.db.transaction(store)


async def give_up(ctx: Context, arguments: Mapping[str, Any]) -> None:
    """After a bug that repeats: tell the person and give the button back."""
    request = await request_rows.find_request(ctx.db, arguments["request_id"])
    build = await build_rows.find_build(ctx.db, request.workspace_id, request.build_slug or "") if request else None
    if request is not None and build is not None:
        await _refuse(ctx, request, build, BuildbellError("Unexpected error."))


def _parameters(ctx: Context, request: RequestRow) -> AbortParameters:
    fields = requests.parameters(ctx, request)
    return AbortParameters(**fields | {"category": Reason(fields["category"])})


async def _notify(ctx: Context, tx: Transaction, request: RequestRow, text: str | None) -> None:
    """Report on the card of a bulk stop; otherwise privately, and only what is unexpected."""
    message_id = _parameters(ctx, request).message_id
    card = await message_rows.find_message(tx, message_id) if message_id else None
    if card is not None and not card.is_deleted:
        await outbox.update_card(ctx, tx, card)
    elif text and (actor := requests.actor_of(ctx, request)).is_person:
        await outbox.reply_privately(ctx, tx, actor, reply(text))


async def _audit(ctx: Context, tx: Transaction, request: RequestRow, build: BuildRow, result: str) -> None:
    subject = f"{label(build)} {build.build_slug}"
    await requests.record_audit(
        ctx, tx, request.workspace_id, request.user_id,
        action=ABORT, subject=subject, result=result, app_slug=build.app_slug,
    )  # fmt: skip


def label(build: BuildRow) -> str:
    """Return a build's name within a sentence."""
    number = f"#{build.number}" if build.number is not None else "the pipeline"
    return f"{number} ({build.target or 'build'})"


def finished_text(build: BuildRow) -> str:
    """Say that a build has finished, and how."""
    outcome = Outcome(build.outcome).label.lower() if build.outcome else "ended, Bitrise no longer shows how"
    took = ""
    if build.started_at and build.finished_at:
        took = f" after {format_duration((build.finished_at - build.started_at).total_seconds())}"
    return f"{label(build)} has already finished ({outcome}{took}), so there is nothing to stop."


JOBS = (JobKind(ABORT, perform_abort, concurrency=16, on_exhausted=give_up, is_urgent=True),)
