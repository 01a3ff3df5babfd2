"""Rebuild: the parameters of an earlier build, and whether its branch has a newer commit."""

from __future__ import annotations

from dataclasses import replace

from bot import connection, requests
from bot.bitrise.models import RESERVED_PREFIX, BuildFilters
from bot.builds import queries
from bot.builds.parameters import StartParameters, StartRequest
from bot.context import Context
from bot.permissions import Actor
from bot.sync import updates
from storage import requests as request_rows
from storage.builds import BuildRow


async def load_parameters(ctx: Context, actor: Actor, build: BuildRow) -> StartRequest:
    """Return the parameters that a build was started with, without our own variables, which identify that start.

    Bitrise knows them; without its answer they are put together from the row and our own request.
    """
    ctx.permissions.check_member(actor)
    current = await queries.refresh_build(ctx, build)
    if current is not None and (requested := current.requested) is not None:
        variables = ((item.key, item.value) for item in requested.environments)
        return StartRequest(
            app=build.app_slug,
            workflow=requested.workflow_id or (None if requested.pipeline_id else build.workflow),
            pipeline=requested.pipeline_id,
            branch=requested.branch or build.branch,
            tag=requested.tag,
            commit=requested.commit_hash,
            environment=tuple((key, value) for key, value in variables if not key.startswith(RESERVED_PREFIX)),
            message=build.build_message,
        )
    stored = StartRequest(
        app=build.app_slug,
        workflow=build.workflow,
        pipeline=build.pipeline,
        branch=build.branch,
        tag=build.tag,
        message=build.build_message,
    )
    request = await request_rows.find_request(ctx.db, build.request_id) if build.request_id else None
    if request is None or request.workspace_id != build.workspace_id:
        return stored
    ours = StartParameters.read(requests.parameters(ctx, request))
    return replace(stored, commit=ours.commit, environment=ours.environment, message=ours.message)


async def find_newer_commit(ctx: Context, actor: Actor, build: BuildRow) -> str | None:
    """Return the commit that the branch has now, if it is another one and Bitrise has built it."""
    if not build.commit_hash or not build.branch or build.tag:
        return None
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(build.app_slug, BuildFilters(branch=build.branch, limit=1))
    newest = await updates.save_builds(ctx, actor.workspace_id, page.items)
    commit = newest[0].commit_hash if newest else None
    return commit if commit and commit != build.commit_hash else None


def at_commit_of(parameters: StartRequest, build: BuildRow) -> StartRequest:
    """Return the parameters for the same commit as the build's."""
    return replace(parameters, commit=build.commit_hash, branch=parameters.branch or build.branch)
