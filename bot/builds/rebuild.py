"""Rebuild: the parameters of an earlier build, and whether its branch has a newer commit."""

from __future__ import annotations

from dataclasses import replace

from bot import connection, requests
from bot.bitrise.models import REPEATABLE, RESERVED_PREFIX, BuildFilters
from bot.builds import queries
from bot.builds.start import StartParameters
from bot.context import Context
from bot.permissions import Actor
from bot.sync import updates
from storage import requests as request_rows
from storage.builds import BuildRow

NEWEST_BUILDS = 20
"""Among which a branch is looked for: a fork's pull request may have a branch of the same name."""
IGNORED = frozenset(["build_request_slug", "triggered_by"])


async def load_parameters(ctx: Context, actor: Actor, build: BuildRow) -> tuple[StartParameters, tuple[str, ...]]:
    """Return the parameters that a build was started with, and the names of those that can't be sent again.

    Variables of Buildbell are left out, because they identify that start. Bitrise knows the parameters; without its
    answer they are put together from the row and our own request.
    """
    await ctx.permissions.check_may_act(actor)
    current = await queries.refresh_build(ctx, build)
    if current is not None and (requested := current.requested) is not None:
        variables = [item for item in requested.environments if not item.key.startswith(RESERVED_PREFIX)]
        pipeline = requested.pipeline_id or (build.pipeline if build.is_pipeline else None)
        parameters = StartParameters(
            build.app_slug,
            workflow=None if pipeline else requested.workflow_id or build.workflow,
            pipeline=pipeline,
            branch=requested.branch or build.branch,
            tag=requested.tag,
            commit=requested.commit_hash,
            environment=tuple((item.key, item.value) for item in variables),
            message=build.build_message,
            expanded=tuple(item.key for item in variables if item.is_expanded),
            others={name: value for name, value in requested.others.items() if name in REPEATABLE},
        )
        return parameters, tuple(name for name in requested.others if name not in REPEATABLE | IGNORED)
    stored = StartParameters(
        build.app_slug,
        workflow=build.workflow,
        pipeline=build.pipeline,
        branch=build.branch,
        tag=build.tag,
        message=build.build_message,
    )
    request = await request_rows.find_request(ctx.db, build.request_id) if build.request_id else None
    if request is None or request.workspace_id != build.workspace_id:
        return stored, (f"pull request #{build.pull_request_id}",) if build.pull_request_id else ()
    ours = StartParameters.read(requests.parameters(ctx, request))
    return replace(
        stored,
        commit=ours.commit,
        environment=ours.environment,
        message=ours.message,
        expanded=ours.expanded,
        others=ours.others,
    ), ()


async def find_newer_commit(ctx: Context, actor: Actor, build: BuildRow) -> str | None:
    """Return the commit that the branch has now, if it is another one and Bitrise has built it."""
    if not build.commit_hash or not build.branch or build.tag:
        return None
    async with connection.client(ctx, actor.workspace_id) as client:
        page = await client.list_builds(build.app_slug, BuildFilters(branch=build.branch, limit=NEWEST_BUILDS))
    rows = await updates.save_builds(ctx, actor.workspace_id, page.items)
    commit = next((row.commit_hash for row in rows if row.pull_request_id == build.pull_request_id), None)
    return commit if commit and commit != build.commit_hash else None


def at_newest_commit(parameters: StartParameters) -> StartParameters:
    """Return the parameters for the commit the branch has now, without what describes the old one."""
    others = {name: value for name, value in parameters.others.items() if not name.startswith("commit_")}
    return replace(parameters, commit=None, others=others)


def at_commit_of(parameters: StartParameters, build: BuildRow) -> StartParameters:
    """Return the parameters for the same commit as the build's."""
    return replace(parameters, commit=build.commit_hash, branch=parameters.branch or build.branch)
