"""Skip a build at the request of one of its steps, and set up the secrets that let steps do so."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot import apps, connection, requests
from bot.builds import abort
from bot.builds.abort import AbortParameters, finished_text, label
from bot.builds.skip_token import SkipRequest, app_secret, matches, parse_skip, verify
from bot.context import Context
from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED, State
from bot.errors import BitriseBusy, BitriseNotFound, BuildbellError, SealBroken
from bot.permissions import BUILD_STEP, Actor
from bot.rate_limits import Bucket
from bot.sync import updates
from storage import Transaction, audit
from storage import builds as build_rows
from storage import workspaces as workspace_rows
from storage.builds import BuildRow
from storage.workspaces import WorkspaceRow

log = logging.getLogger(__name__)
PATH: Final = "/ci/skip"
AUDIT_ACTION: Final = "skip-step"
WITHIN_SECONDS = 90
"""The step waits for two minutes and then goes on: a later stop would hit work that has begun."""
SkipLimits = dict[tuple[str, str], Bucket]
"""By workspace and app."""
MAX_LIMITS = 10_000
BURST, PER_SECOND = 30, 1.0
"""Every workflow of a mono-repo may ask in the same moment; each costs one request to Bitrise."""


@dataclass(frozen=True, slots=True)
class SkipResponse:
    """An HTTP status and a sentence, which the step prints into the build's log."""

    status: int
    sentence: str
    retry_after_seconds: int | None = None


NOT_FOUND = SkipResponse(404, "Not found.")
"""The response to every request that fails authentication or isn't about the step's own build."""


@dataclass(frozen=True, slots=True)
class SkipStep:
    """The parameters of a step's script. ``reasons`` are those that are accepted."""

    url: str
    reasons: tuple[str, ...]
    secret: str = field(repr=False)


# Requests of steps.


async def receive_skip(ctx: Context, raw: bytes, headers: Mapping[str, str]) -> SkipResponse:
    """Stop the build of a step. Bitrise is asked only for senders that have the app's secret."""
    skip = parse_skip(raw, headers)
    workspace = await workspace_rows.find_by_key(ctx.db, "skip", skip.key) if skip else None
    if skip is None or workspace is None:
        return NOT_FOUND
    try:
        if not verify(skip, open_secret(ctx, workspace)):
            return NOT_FOUND
    except SealBroken:
        log.error("a skip secret can't be decrypted", extra={"workspace": workspace.workspace_id})
        return NOT_FOUND
    if wait := retry_after(ctx, workspace.workspace_id, skip.app_slug):
        return SkipResponse(429, "Too many requests for this app.", wait)
    reasons = ctx.settings.ci_reasons
    if skip.reason not in reasons:
        return SkipResponse(403, f"This reason isn't allowed. Allowed: {', '.join(reasons) or 'none'}.")
    try:
        return await stop_build(ctx, workspace.workspace_id, skip)
    except BitriseNotFound:
        return NOT_FOUND
    except BuildbellError as error:
        wait = math.ceil(error.retry_after) if isinstance(error, BitriseBusy) else None
        return SkipResponse(503, f"Couldn't check this build: {error.sentence}", wait)


def retry_after(ctx: Context, workspace_id: str, app_slug: str) -> int | None:
    """Take a token of the app's limit, or return the seconds until there is one."""
    now = ctx.clock.now()
    if len(ctx.skip_limits) > MAX_LIMITS:
        ctx.skip_limits.clear()
    bucket = ctx.skip_limits.setdefault((workspace_id, app_slug), Bucket(BURST, PER_SECOND, BURST, now))
    retry_at = bucket.take(now)
    return max(1, math.ceil((retry_at - now).total_seconds())) if retry_at else None


async def stop_build(ctx: Context, workspace_id: str, skip: SkipRequest) -> SkipResponse:
    """Store the stop of a build at the request of its step."""
    build = await find_build(ctx, workspace_id, skip)
    if build is None or not matches(skip, build):
        return NOT_FOUND
    if refusal := explain_refusal(build):
        return refusal
    reason = Reason(skip.reason)
    report = "green" if reason is Reason.NO_CHANGES else "failed"
    stop = AbortParameters(build.build_slug, reason, skip.sentence, report, within_seconds=WITHIN_SECONDS)
    step = Actor(workspace_id, workspace_id, BUILD_STEP, f"step of #{build.number}")
    request = abort.new_request(ctx, step, stop, build)

    async def store(tx: Transaction) -> bool:
        await workspace_rows.save_call(tx, workspace_id, "skip", now=request.created_at)
        return await abort.store_request(ctx, tx, request, build)

    if not await ctx.db.transaction(store):
        return SkipResponse(200, await abort.explain_too_late(ctx, build))
    log.info("a step skips its build", extra={"build_slug": build.build_slug, "reason": skip.reason})
    passed = " and reporting it as passed" if report == "green" else ""
    return SkipResponse(202, f"Stopping {label(build)}{passed} ({reason.label}).")


async def find_build(ctx: Context, workspace_id: str, skip: SkipRequest) -> BuildRow | None:
    """Return the build as it is at Bitrise now, or as stored if it has finished or is being stopped."""
    stored = await build_rows.find_build(ctx.db, workspace_id, skip.build_slug)
    if stored is not None:
        if stored.app_slug != skip.app_slug or stored.is_pipeline:
            return None
        if stored.is_finished or stored.abort_requested_by:
            return stored
    async with connection.client(ctx, workspace_id) as client:
        fetched = await client.get_build(skip.app_slug, skip.build_slug)
    return (await updates.save_builds(ctx, workspace_id, [fetched]))[0]


def explain_refusal(build: BuildRow) -> SkipResponse | None:
    """Return the response for a build that can't be stopped or needn't be, else None."""
    if build.is_finished:
        return SkipResponse(200 if build.outcome in STOPPED else 409, finished_text(build))
    if build.abort_requested_by:
        return SkipResponse(200, f"{label(build)} is already stopping.")
    if build.pipeline_workflow_id is not None:
        return SkipResponse(409, f"{label(build)} is part of a pipeline and can't be stopped alone.")
    if build.state != State.RUNNING:
        return SkipResponse(409, f"{label(build)} isn't running yet.")
    return None


# Secrets.


async def prepare_step(ctx: Context, actor: Actor, app_slug: str) -> SkipStep:
    """Return the parameters for the steps of an app; the first time, make the secret of the workspace.

    Raises `NotAllowed`, and `BuildbellError` if builds can't reach this process.
    """
    await ctx.permissions.check_may_connect(actor)
    if ctx.settings.public_url is None:
        raise BuildbellError(
            "Builds can't reach Buildbell yet. Ask your Buildbell operator to set `BUILDBELL_PUBLIC_URL` and to allow "
            f"requests to `{PATH}`."
        )

    async def store(tx: Transaction) -> WorkspaceRow | None:
        await claim_secret(ctx, tx, actor.workspace_id)
        await record_audit(ctx, tx, actor, "secret shown", app_slug)
        return await workspace_rows.find_workspace(tx, actor.workspace_id)

    workspace = await ctx.db.transaction(store)
    if workspace is None:
        raise BuildbellError("This Slack workspace is not installed.")
    secret = app_secret(workspace.skip_key or "", open_secret(ctx, workspace), app_slug)
    return SkipStep(ctx.settings.public_url + PATH, ctx.settings.ci_reasons, secret)


@dataclass(frozen=True, slots=True)
class SkipSecrets:
    """The current secrets: the titles of the apps that were shown theirs, and a fingerprint that reveals nothing."""

    apps: tuple[str, ...]
    fingerprint: str


async def find_secrets(ctx: Context, actor: Actor) -> SkipSecrets | None:
    """Return what a change would affect, or None if skip steps are off. Raises `NotAllowed`."""
    await ctx.permissions.check_may_connect(actor)
    workspace = await workspace_rows.find_workspace(ctx.db, actor.workspace_id)
    if workspace is None or workspace.skip_key is None:
        return None
    titles = await apps.list_titles(ctx, actor.workspace_id)
    slugs = await audit.list_apps_of(ctx.db, actor.workspace_id, AUDIT_ACTION)
    return SkipSecrets(tuple(titles.get(slug, slug) for slug in slugs), fingerprint(workspace.skip_key))


async def replace_secrets(ctx: Context, actor: Actor, expected: str, *, rotate: bool) -> bool:
    """Revoke the secrets of all apps, and create new ones if ``rotate``.

    Return False if they aren't those of the fingerprint ``expected`` anymore. Raises `NotAllowed`.
    """
    await ctx.permissions.check_may_connect(actor)

    async def store(tx: Transaction) -> bool:
        workspace = await workspace_rows.find_workspace(tx, actor.workspace_id)
        if workspace is None or workspace.skip_key is None or fingerprint(workspace.skip_key) != expected:
            return False
        await workspace_rows.delete_key(tx, actor.workspace_id, "skip")
        if rotate:
            await claim_secret(ctx, tx, actor.workspace_id)
        await record_audit(ctx, tx, actor, "secrets rotated" if rotate else "turned off")
        return True

    return await ctx.db.transaction(store)


def fingerprint(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


async def claim_secret(ctx: Context, tx: Transaction, workspace_id: str) -> None:
    """Store a new key and secret, unless the workspace has them already."""
    key, secret = ctx.new_id() + ctx.new_id(), "".join(ctx.new_id() for _ in range(4))
    sealed = ctx.vault.seal(secret, context=secret_context(workspace_id))
    await workspace_rows.claim_key(tx, workspace_id, "skip", key=key, sealed=sealed)


def open_secret(ctx: Context, workspace: WorkspaceRow) -> str:
    sealed = workspace.skip_secret_sealed or ""
    return ctx.vault.open(sealed, context=secret_context(workspace.workspace_id)).reveal()


def secret_context(workspace_id: str) -> str:
    return f"skip:{workspace_id}"


async def record_audit(ctx: Context, tx: Transaction, actor: Actor, result: str, app_slug: str | None = None) -> None:
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action=AUDIT_ACTION, subject="", result=result, app_slug=app_slug
    )
