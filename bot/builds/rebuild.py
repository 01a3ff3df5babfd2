"""Run a build again: with which parameters, and on which commit when the branch has moved on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot import connection, requests
from bot.bitrise.models import RESERVED_PREFIX, BuildFilters, RequestedParams
from bot.builds import queries
from bot.builds.parameters import StartParameters, StartRequest
from bot.context import Context
from bot.permissions import Actor
from bot.sync import updates
from storage import requests as request_rows
from storage.builds import BuildRow


@dataclass(frozen=True, slots=True)
class Moved:
    """A build's commit, and the newer one its branch has now."""

    build: BuildRow
    newest: BuildRow


async def load_parameters(ctx: Context, actor: Actor, build: BuildRow) -> StartRequest:
    """The parameters a build was started with, without what identifies that start."""
    ctx.permissions.check_member(actor)
    seen = await queries.refresh_build(ctx, actor.workspace_id, build)
    if seen is not None and seen.requested is not None:
        return wanted_of_bitrise(build, seen.requested)
    return await _wanted_of_ours(ctx, build) or wanted_of_row(build)


async def _wanted_of_ours(ctx: Context, build: BuildRow) -> StartRequest | None:
    """What the person asked us for, when Bitrise does not say with what it started."""
    request = await request_rows.find_request(ctx.db, build.request_id) if build.request_id else None
    if request is None or request.workspace_id != build.workspace_id:
        return None
    asked = StartParameters.read(requests.parameters(ctx, request))
    return dataclasses.replace(
        wanted_of_row(build), commit=asked.commit, environment=asked.environment, message=asked.message
    )


async def find_newer_commit(ctx: Context, actor: Actor, build: BuildRow) -> Moved | None:
    """Whether the branch has a newer commit than the build had, as far as Bitrise has built it."""
    if not build.commit_hash or not build.branch or build.tag:
        return None
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(build.app_slug, BuildFilters(branch=build.branch, limit=1))
    rows = await ctx.db.transaction(lambda tx: updates.apply_builds(ctx, tx, actor.workspace_id, page.items))
    newest = rows[0] if rows else None
    if newest is None or not newest.commit_hash or newest.commit_hash == build.commit_hash:
        return None
    return Moved(build, newest)


def wanted_of_bitrise(build: BuildRow, requested: RequestedParams) -> StartRequest:
    kept = [(item.key, item.value) for item in requested.environments if not item.key.startswith(RESERVED_PREFIX)]
    return StartRequest(
        app=build.app_slug,
        workflow=requested.workflow_id or (None if requested.pipeline_id else build.workflow),
        pipeline=requested.pipeline_id,
        branch=requested.branch or build.branch,
        tag=requested.tag,
        commit=requested.commit_hash,
        environment=tuple(kept),
        message=build.build_message,
    )


def wanted_of_row(build: BuildRow) -> StartRequest:
    return StartRequest(
        app=build.app_slug,
        workflow=build.workflow,
        pipeline=build.pipeline,
        branch=build.branch,
        tag=build.tag,
        message=build.build_message,
    )


def same_commit(wanted: StartRequest, build: BuildRow) -> StartRequest:
    """Run again on the very commit of a build."""
    return dataclasses.replace(wanted, commit=build.commit_hash, branch=wanted.branch or build.branch)


def newest_commit(wanted: StartRequest) -> StartRequest:
    """Run again on whatever the branch has now."""
    return dataclasses.replace(wanted, commit=None)
