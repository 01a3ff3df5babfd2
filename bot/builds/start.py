"""Accept a start: resolve what was typed, look for an identical build, store one request and one job."""

from __future__ import annotations

from dataclasses import dataclass

from bot import apps, connection, requests
from bot.builds import start_batch
from bot.builds.parameters import Parameters, Wanted
from bot.builds.start_batch import START, Start
from bot.context import Context
from bot.engine import Job
from bot.errors import AppNotFound, InvalidInput, MissingArgument, Suggestion
from bot.permissions import Actor
from storage import Transaction
from storage import builds as build_rows
from storage import requests as request_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.requests import RequestRow
from storage.workspaces import ChannelContext


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of a request to start.

    ``is_held``: something equal runs already (``equal``, or a request not answered yet) and the person is asked.
    """

    request_id: str
    app: AppRow
    parameters: Parameters
    is_held: bool = False
    equal: BuildRow | None = None


async def request_start(
    ctx: Context, actor: Actor, wanted: Wanted, *, unique_key: str, start_anyway: bool = False
) -> Asked:
    """Store a start under ``unique_key``; asking again under the same key changes nothing.

    Raises `NotAllowed`, `NotConnected`, `TokenRejected`, `AppNotFound`, `MissingArgument`.
    """
    ctx.permissions.check_member(actor)
    place = await connection.get_channel_context(ctx, actor.workspace_id, actor.channel_id or "")
    app, parameters = await _resolve(ctx, actor, wanted, place)
    request = _request(ctx, actor, parameters, unique_key)

    state = await start_batch.add(ctx, Start(request, asks_first=not start_anyway))
    if state is None:
        known = await request_rows.find_by_key(ctx.db, actor.workspace_id, unique_key)
        assert known is not None
        return Asked(known.request_id, app, parameters, is_held=known.state == "awaiting_confirmation")
    if state != "awaiting_confirmation":
        return Asked(request.request_id, app, parameters)
    equal = await build_rows.list_identical_running(ctx.db, actor.workspace_id, app.app_slug, parameters.digest)
    return Asked(request.request_id, app, parameters, is_held=True, equal=equal[0] if equal else None)


async def confirm_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """The person said "start anyway"; False when that was pressed before."""
    ctx.permissions.check_member(actor)

    async def release(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id:
            return False
        moved = await request_rows.confirm_request(tx, request_id, now=ctx.clock.now())
        if moved:
            await ctx.engine.enqueue(tx, Job(START, {"request_id": request_id}))
        return moved

    return await ctx.db.transaction(release)


async def cancel_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """The person joins what runs instead; False when the question was answered before."""
    ctx.permissions.check_member(actor)

    async def drop(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id or request.state != "awaiting_confirmation":
            return False
        return await request_rows.complete_request(
            tx, request_id, state="refused", result="joined", now=ctx.clock.now()
        )

    return await ctx.db.transaction(drop)


async def _resolve(ctx: Context, actor: Actor, wanted: Wanted, place: ChannelContext) -> tuple[AppRow, Parameters]:
    """Put names to what was typed, the channel's defaults and then the last start here in place of what was not."""
    app, words = await _resolve_app(ctx, actor, wanted, place)
    named = {"workflow": wanted.workflow or wanted.pipeline, "branch": wanted.branch}
    places = [place for place, name in named.items() if not name]
    if len(words) > len(places):
        raise InvalidInput(
            f"I read app, workflow and branch, and then “{words[len(places)]}”, which I can't place. "
            f'A message goes in quotes: {ctx.settings.command} {app.repo_slug or app.title} deploy main "try the login"'
        )
    placed = dict(zip(places, words, strict=False))
    workflow, branch = placed.get("workflow", wanted.workflow), placed.get("branch", wanted.branch)
    defaults = place if place.app_slug == app.app_slug else None
    asks_target = workflow is None and wanted.pipeline is None
    asks_code = branch is None and wanted.tag is None and wanted.commit is None
    last = await _last_here(ctx, actor, app) if asks_target or asks_code else None
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
    parameters = Parameters(
        app.app_slug, workflow, pipeline, branch, wanted.tag, wanted.commit, wanted.environment, wanted.message
    )
    return app, parameters


async def _last_here(ctx: Context, actor: Actor, app: AppRow) -> RequestRow | None:
    return await request_rows.find_last_start(ctx.db, actor.workspace_id, actor.channel_id or "", app.app_slug)


async def _resolve_app(
    ctx: Context, actor: Actor, wanted: Wanted, place: ChannelContext
) -> tuple[AppRow, tuple[str, ...]]:
    """The app, and the words that are left. Without a name for it, the channel's app is meant."""
    version = place.names_version
    if wanted.app:
        return await apps.get_app(ctx, actor.workspace_id, wanted.app, version=version), wanted.words
    chosen = await apps.find_app(ctx, actor.workspace_id, place.app_slug) if place.app_slug else None
    if not wanted.words:
        if chosen is None:
            raise MissingArgument(
                f"Which app? For example: {ctx.settings.command} shop deploy main. "
                f"A default for this channel can be set with {ctx.settings.command} settings.",
                suggestions=(Suggestion("Open the form", "form"),),
            )
        return chosen, ()
    first, *rest = wanted.words
    if chosen is not None and not await apps.is_called(ctx, actor.workspace_id, first):
        if await _is_target(ctx, chosen, first):
            return chosen, wanted.words
    try:
        return await apps.get_app(ctx, actor.workspace_id, first, version=version), tuple(rest)
    except AppNotFound as error:
        if chosen is None or rest or not (wanted.workflow or wanted.pipeline):
            raise
        way_out = f" If you mean a branch of {chosen.title}, write branch:{first}."
        raise AppNotFound(error.sentence + way_out, query=error.query, suggestions=error.suggestions) from None


async def _is_target(ctx: Context, app: AppRow, name: str) -> bool:
    """Whether a workflow or pipeline of the app is called so, as far as is known."""
    if name in await apps.list_workflows(ctx, app.workspace_id, app.app_slug):
        return True
    return await apps.is_pipeline(ctx, app.workspace_id, app.app_slug, name)


def _request(ctx: Context, actor: Actor, parameters: Parameters, unique_key: str) -> RequestRow:
    return requests.new(
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
