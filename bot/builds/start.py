"""Accept starts: resolve what was typed, look for an identical build, store one request and one job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import apps, connection, requests
from bot.builds.parameters import StartParameters, StartRequest
from bot.context import Context
from bot.engine import Job
from bot.errors import AppNotFound, InvalidInput, MissingArgument, Suggestion
from bot.permissions import Actor
from storage import CommitUnknown, Transaction
from storage import builds as build_rows
from storage import requests as request_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.requests import RequestRow
from storage.workspaces import ChannelContext

START = "start"


@dataclass(frozen=True, slots=True)
class Started:
    """An accepted start.

    ``is_held``: an identical build runs (``identical``) or is being requested, so the person is asked first.
    """

    request_id: str
    app: AppRow
    parameters: StartParameters
    is_held: bool = False
    identical: BuildRow | None = None


async def request_start(
    ctx: Context,
    actor: Actor,
    wanted: StartRequest,
    *,
    unique_key: str,
    start_anyway: bool = False,
    channel: ChannelContext | None = None,
) -> Started:
    """Store a start under ``unique_key``; a second one under the same key changes nothing.

    ``channel`` is passed where it has just been read.
    Raises `NotAllowed`, `NotConnected`, `TokenRejected`, `AppNotFound`, `MissingArgument`, `InvalidInput`.
    """
    await ctx.permissions.check_may_act(actor)
    channel = channel or await connection.find_channel_context(ctx, actor.workspace_id, actor.channel_id or "")
    channel = connection.check_connected(ctx, channel)
    app, parameters = await _resolve(ctx, actor, wanted, channel)
    request = requests.new(
        ctx,
        actor,
        kind=START,
        unique_key=unique_key,
        parameters=parameters.fields(),
        app_slug=parameters.app_slug,
        workflow=parameters.target,
        branch=parameters.branch,
        parameters_hash=parameters.digest,
    )
    state = await ctx.start_batch.submit((request, not start_anyway))
    if state is None:
        existing = await request_rows.find_by_key(ctx.db, actor.workspace_id, unique_key)
        assert existing is not None
        return Started(existing.request_id, app, parameters, is_held=existing.state == "awaiting_confirmation")
    if state != "awaiting_confirmation":
        return Started(request.request_id, app, parameters)
    identical = await build_rows.list_identical_running(ctx.db, actor.workspace_id, app.app_slug, parameters.digest)
    return Started(request.request_id, app, parameters, is_held=True, identical=identical[0] if identical else None)


async def store_starts(ctx: Context, starts: Sequence[tuple[RequestRow, bool]]) -> list[str | None]:
    """Store requests that come at the same time in one transaction, each accepted one with its job.

    A start that asks first (True) is held while an identical build runs. Returns the state of each, see
    `storage.requests.add_starts`.
    """

    async def store(tx: Transaction) -> list[str | None]:
        states = await request_rows.add_starts(tx, starts)
        accepted = [request for (request, _), state in zip(starts, states, strict=True) if state == "accepted"]
        await ctx.engine.enqueue(tx, *(Job(START, {"request_id": request.request_id}) for request in accepted))
        return states

    try:
        return await ctx.db.transaction(store, is_quick=True)
    except CommitUnknown:  # a second try finds what the first one stored, and stores nothing twice
        return await ctx.db.transaction(store, is_quick=True)


async def confirm_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """Start a held build anyway; return False if the question was answered before."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id:
            return False
        if not await request_rows.confirm_request(tx, request_id, now=ctx.clock.now()):
            return False
        await ctx.engine.enqueue(tx, Job(START, {"request_id": request_id}))
        return True

    return await ctx.db.transaction(store)


async def cancel_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """Drop a held start, because the person follows the running build; return False if it was answered before."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id or request.state != "awaiting_confirmation":
            return False
        return await request_rows.complete_request(
            tx, request_id, state="refused", result="joined", now=ctx.clock.now()
        )

    return await ctx.db.transaction(store)


async def _resolve(
    ctx: Context, actor: Actor, wanted: StartRequest, channel: ChannelContext
) -> tuple[AppRow, StartParameters]:
    """Place the unnamed words, then fill gaps from the channel's settings and from the last start here."""
    app, words = await _resolve_app(ctx, actor, wanted, channel)
    if wanted.quoted_at is not None:
        wanted = await _place_quoted(ctx, app, wanted, words)
    named = {"workflow": wanted.workflow or wanted.pipeline, "branch": wanted.branch}
    open_places = [place for place, name in named.items() if not name]
    if len(words) > len(open_places):
        raise InvalidInput(
            f"I read app, workflow and branch, and then “{words[len(open_places)]}”, which I can't place. "
            f'A message goes in quotes: {ctx.settings.command} {app.repo_slug or app.title} deploy main "try the login"'
        )
    placed = dict(zip(open_places, words, strict=False))
    workflow, branch = placed.get("workflow", wanted.workflow), placed.get("branch", wanted.branch)
    defaults = channel if channel.app_slug == app.app_slug else None
    asks_target = workflow is None and wanted.pipeline is None
    asks_code = branch is None and wanted.tag is None and wanted.commit is None
    last = None
    if asks_target or asks_code:
        channel_id = actor.channel_id or ""
        last = await request_rows.find_last_start(ctx.db, actor.workspace_id, channel_id, app.app_slug)
    if asks_target:
        workflow = (defaults and defaults.workflow) or (last and last.workflow) or None
    if asks_code:
        branch = (defaults and defaults.branch) or (last and last.branch) or None
    pipeline = wanted.pipeline
    if workflow and not pipeline and await apps.is_pipeline(ctx, actor.workspace_id, app.app_slug, workflow):
        workflow, pipeline = None, workflow
    if not (workflow or pipeline or branch or wanted.tag or wanted.commit):
        raise MissingArgument(
            f"Which workflow or branch of {app.title}? For example: "
            f"{ctx.settings.command} {app.repo_slug or app.app_slug} deploy main. The form helps to choose.",
            suggestions=(Suggestion("Open the form", f"form {app.app_slug}"),),
        )
    parameters = StartParameters(
        app.app_slug,
        workflow,
        pipeline,
        branch,
        wanted.tag,
        wanted.commit,
        wanted.environment,
        wanted.message,
        wanted.expanded,
        wanted.others,
    )
    return app, parameters


async def _place_quoted(ctx: Context, app: AppRow, wanted: StartRequest, words: tuple[str, ...]) -> StartRequest:
    """Read a message in quotes as the workflow or branch that has exactly this name, if that place is free."""
    name, workspace_id, app_slug = wanted.message or "", app.workspace_id, app.app_slug
    words_before = (wanted.quoted_at or 0) - (len(wanted.words) - len(words))
    has_target = wanted.workflow is not None or wanted.pipeline is not None
    if not has_target and words_before <= 0:
        is_workflow = name in await apps.list_workflows(ctx, workspace_id, app_slug)
        if is_workflow or await apps.is_pipeline(ctx, workspace_id, app_slug, name):
            return replace(wanted, workflow=name, message=None)
    has_code = wanted.branch is not None or wanted.tag is not None or wanted.commit is not None
    if not has_code and len(words) <= (0 if has_target else 1):
        if name in await apps.list_branches(ctx, workspace_id, app_slug):
            return replace(wanted, branch=name, message=None)
    return wanted


async def _resolve_app(
    ctx: Context, actor: Actor, wanted: StartRequest, channel: ChannelContext
) -> tuple[AppRow, tuple[str, ...]]:
    """Return the app and the words left. Without a name, the app of the channel is meant."""
    version = channel.names_version
    if wanted.app:
        return await apps.get_app(ctx, actor.workspace_id, wanted.app, version=version), wanted.words
    chosen = await apps.find_app(ctx, actor.workspace_id, channel.app_slug) if channel.app_slug else None
    if not wanted.words:
        if chosen is None:
            raise MissingArgument(
                f"Which app? For example: {ctx.settings.command} shop deploy main. "
                f"A default for this channel can be set with {ctx.settings.command} settings.",
                suggestions=(Suggestion("Open the form", "form"),),
            )
        return chosen, ()
    first, *rest = wanted.words
    if chosen is not None and not await apps.has_app_named(ctx, actor.workspace_id, first):
        if first in await apps.list_workflows(ctx, chosen.workspace_id, chosen.app_slug):
            return chosen, wanted.words
        if await apps.is_pipeline(ctx, chosen.workspace_id, chosen.app_slug, first):
            return chosen, wanted.words
    try:
        return await apps.get_app(ctx, actor.workspace_id, first, version=version), tuple(rest)
    except AppNotFound as error:
        if chosen is None or rest or not (wanted.workflow or wanted.pipeline):
            raise
        way_out = f" If you mean a branch of {chosen.title}, write branch:{first}."
        raise AppNotFound(error.sentence + way_out, query=error.query, suggestions=error.suggestions) from None
