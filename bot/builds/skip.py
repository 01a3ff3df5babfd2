"""A step of a running build asks for its build to be stopped, because nothing has changed for it."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot import connection, requests
from bot.builds import abort
from bot.builds.abort import AbortParameters, finished_text, label
from bot.builds.skip_token import Claim, app_secret, fits, is_true, read_claim
from bot.context import Context
from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, State
from bot.errors import BitriseBusy, BitriseNotFound, BuildbellError, SealBroken
from bot.permissions import BUILD_STEP, Actor
from bot.rate_limits import Bucket
from bot.sync import updates
from storage import Transaction
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
PATH: Final = "/ci/skip"
WITHIN_SECONDS = 90
"""The step waits for two minutes and then goes on: a stop that comes later would hit work that has begun."""
APPS_KEPT = 10_000
SkipLimits = dict[tuple[str, str], Bucket]
"""By workspace and app."""
AT_ONCE, PER_SECOND = 30, 1.0
"""Every workflow of a mono-repo may ask in the same moment; each asks Bitrise once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP status and a sentence, which the step prints into the build's log."""

    status: int
    sentence: str
    retry_after_seconds: int | None = None


LIE = Answer(404, "Nothing here answers to that.")
"""One answer for all that is not so: a wrong secret, another's build, no such build."""


@dataclass(frozen=True, slots=True)
class SkipStep:
    """What a step needs. ``reasons`` are those that are taken."""

    url: str
    reasons: tuple[str, ...]
    secret: str = field(repr=False)


# A step asks.


async def receive_skip(ctx: Context, raw: bytes, headers: Mapping[str, str]) -> Answer:
    """Whoever does not hold the app's secret learns nothing, and Bitrise is not asked for them."""
    claim = read_claim(raw, headers)
    workspace = await workspace_rows.find_by_key(ctx.db, "skip", claim.key) if claim else None
    if claim is None or workspace is None or not _is_authentic(ctx, claim, workspace):
        return LIE
    if wait := _wait(ctx, workspace.workspace_id, claim.app_slug):
        return Answer(429, "Too many builds of this app ask at once.", wait)
    if claim.reason not in ctx.settings.ci_reasons:
        return Answer(
            403, f"A step may not give this reason; it may give: {', '.join(ctx.settings.ci_reasons) or 'none'}."
        )
    try:
        return await _stop(ctx, workspace.workspace_id, claim)
    except BitriseNotFound:
        return LIE
    except BuildbellError as error:
        wait = math.ceil(error.retry_after) if isinstance(error, BitriseBusy) else None
        return Answer(503, f"I can't look at this build now: {error.sentence}", wait)


def _is_authentic(ctx: Context, claim: Claim, workspace: WorkspaceRow) -> bool:
    try:
        return is_true(claim, _open(ctx, workspace))
    except SealBroken:
        log.error("a skip secret does not open", extra={"workspace": workspace.workspace_id})
        return False


def _wait(ctx: Context, workspace_id: str, app_slug: str) -> int | None:
    now = ctx.clock.now()
    if len(ctx.skip_limits) > APPS_KEPT:
        ctx.skip_limits.clear()
    bucket = ctx.skip_limits.setdefault((workspace_id, app_slug), Bucket(AT_ONCE, PER_SECOND, AT_ONCE, now))
    free_at = bucket.take(now)
    return max(1, math.ceil((free_at - now).total_seconds())) if free_at else None


async def _stop(ctx: Context, workspace_id: str, claim: Claim) -> Answer:
    build = await _look(ctx, workspace_id, claim)
    if build is None or not fits(claim, build):
        return LIE
    if refusal := why_not(build):
        return refusal
    now, stop = ctx.clock.now(), stop_of(claim)
    request = abort.new_request(ctx, step_of(build), stop, build)

    async def store(tx: Transaction) -> bool:
        await workspace_rows.save_call(tx, workspace_id, "skip", now=now)
        return await abort.store_request(ctx, tx, request, build)

    if not await ctx.db.transaction(store):
        return Answer(200, await abort.explain_too_late(ctx, build))
    log.info("a step asked for its build's stop", extra={"build_slug": build.build_slug, "reason": claim.reason})
    green = " and reported green" if stop.report == "green" else ""
    return Answer(202, f"{label(build)} is being stopped{green} ({stop.category.label}).")


async def _look(ctx: Context, workspace_id: str, claim: Claim) -> BuildRow | None:
    """The build as it is at Bitrise now; what has ended or is being stopped needs no look."""
    known = await build_rows.find_build(ctx.db, workspace_id, claim.build_slug)
    if known is not None and (known.app_slug != claim.app_slug or known.is_pipeline):
        return None
    if known is not None and (known.is_finished or known.abort_requested_by):
        return known
    async with connection.client(ctx, workspace_id) as client:
        seen = await client.get_build(claim.app_slug, claim.build_slug)
    rows = await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, workspace_id, [seen]))
    return rows[0]


# An admin asks.


async def prepare_step(ctx: Context, actor: Actor, app_slug: str) -> SkipStep:
    """What a step of that app needs; the workspace's secret is made the first time.

    Raises `NotAllowed`, and `BuildbellError` when builds cannot reach this process.
    """
    await ctx.permissions.check_may_connect(actor)
    if ctx.settings.public_url is None:
        raise BuildbellError(
            "Builds can't reach me: whoever runs Buildbell has to set BUILDBELL_PUBLIC_URL first, "
            f"and let {PATH} through from outside."
        )
    workspace = await _prepared(ctx, actor, app_slug)
    secret = app_secret(workspace.skip_key or "", _open(ctx, workspace), app_slug)
    return SkipStep(ctx.settings.public_url + PATH, ctx.settings.ci_reasons, secret)


async def disable(ctx: Context, actor: Actor) -> bool:
    """The secrets of all apps are worth nothing from now on; False when there were none. Raises `NotAllowed`."""
    await ctx.permissions.check_may_connect(actor)

    async def forget(tx: Transaction) -> bool:
        gone = await workspace_rows.delete_key(tx, actor.workspace_id, "skip")
        if gone:
            await _audit(ctx, tx, actor, "off", "done")
        return gone

    return await ctx.db.transaction(forget)


async def rotate_secret(ctx: Context, actor: Actor) -> None:
    """New secrets for all apps; the ones before stop working at once. Raises `NotAllowed`."""
    await ctx.permissions.check_may_connect(actor)

    async def renew(tx: Transaction) -> None:
        await workspace_rows.delete_key(tx, actor.workspace_id, "skip")
        await _claim_key(ctx, tx, actor.workspace_id)
        await _audit(ctx, tx, actor, "rotate", "done")

    await ctx.db.transaction(renew)


async def _prepared(ctx: Context, actor: Actor, app_slug: str) -> WorkspaceRow:
    """The workspace, with a secret of its own."""

    async def prepare(tx: Transaction) -> WorkspaceRow | None:
        await _claim_key(ctx, tx, actor.workspace_id)
        await _audit(ctx, tx, actor, app_slug, "shown")
        return await workspace_rows.find_workspace(tx, actor.workspace_id)

    workspace = await ctx.db.transaction(prepare)
    if workspace is None:
        raise BuildbellError("I don't know this Slack workspace.")
    return workspace


async def _claim_key(ctx: Context, tx: Transaction, workspace_id: str) -> None:
    key, secret = (ctx.new_id() + ctx.new_id(), "".join(ctx.new_id() for _ in range(4)))
    sealed = ctx.vault.seal(secret, context=secret_context(workspace_id))
    await workspace_rows.claim_key(tx, workspace_id, "skip", key=key, sealed=sealed)


async def _audit(ctx: Context, tx: Transaction, actor: Actor, subject: str, result: str) -> None:
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action="skip-step", subject=subject, result=result
    )


def _open(ctx: Context, workspace: WorkspaceRow) -> str:
    sealed = workspace.skip_secret_sealed or ""
    return ctx.vault.open(sealed, context=secret_context(workspace.workspace_id)).reveal()


def why_not(build: BuildRow) -> Answer | None:
    """What there is to say when a build cannot be stopped, or need not be any more."""
    if build.is_finished:
        return Answer(200 if build.outcome in STOPPED else 409, finished_text(build))
    if build.abort_requested_by:
        return Answer(200, f"{label(build)} is being stopped already.")
    if build.pipeline_workflow_id is not None:
        return Answer(409, f"{label(build)} is part of a pipeline, and a part can't be stopped alone.")
    if build.state != State.RUNNING:
        return Answer(409, f"{label(build)} does not run yet.")
    return None


def stop_of(claim: Claim) -> AbortParameters:
    category = Reason(claim.reason)
    report = "green" if category is Reason.NO_CHANGES else "failed"
    return AbortParameters(claim.build_slug, category, claim.sentence, report, within_seconds=WITHIN_SECONDS)


def step_of(build: BuildRow) -> Actor:
    """The build itself, where else a person asks."""
    return Actor(build.workspace_id, build.workspace_id, BUILD_STEP, f"step of #{build.number}")


def secret_context(workspace_id: str) -> str:
    return f"skip:{workspace_id}"
