"""Find the builds of a start that Bitrise's answer didn't name, by the request id that Bitrise stored with them.

The answer was lost, or somebody has to approve the build first. The builds of both become rows.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from typing import Any

from bot import apps, connection, outbox, requests
from bot.bitrise.client import BitriseClient
from bot.bitrise.mapping import hash_variables
from bot.bitrise.models import Build, BuildFilters, TriggeredBuild
from bot.builds.start import StartParameters
from bot.context import Context
from bot.domain.builds import Cause
from bot.engine import RetryAt
from bot.errors import BitriseBusy, BitriseNotFound, BitriseRefused, BitriseUnavailable, BuildbellError
from bot.slack.replies import reply
from bot.slack.text import quoted
from bot.sync import updates
from storage import Transaction
from storage import requests as request_rows
from storage.builds import BuildRow
from storage.requests import RequestRow

CLOCK_SKEW = timedelta(minutes=5)
LOOK_AFTER = timedelta(seconds=30)
"""Once it is too late to send again, only look."""
GIVE_UP_AFTER = timedelta(hours=24)
MOST_PAGES = 40
"""Of one branch since the start. A longer list repeats itself."""


async def find_started(ctx: Context, request: RequestRow, parameters: StartParameters) -> list[Build]:
    """Return the builds that carry our request id. Raises `BitriseUnavailable` whenever that isn't certain."""
    since = request.created_at - CLOCK_SKEW
    try:
        async with connection.client(ctx, request.workspace_id) as bitrise:
            if parameters.pipeline:
                return await find_pipelines(bitrise, request, since)
            builds = await find_builds(bitrise, request, BuildFilters(after=since, branch=parameters.branch))
            if not builds and not parameters.workflow:  # the trigger map may have chosen a pipeline
                builds = await find_pipelines(bitrise, request, since)
            return builds
    except (BitriseUnavailable, BitriseBusy):
        raise
    except BuildbellError as error:  # a token rejected meanwhile must not turn "lost" into "not started"
        raise BitriseUnavailable(error.sentence) from error


async def find_builds(bitrise: BitriseClient, request: RequestRow, filters: BuildFilters) -> list[Build]:
    """Return the builds of a request. They come from one start, so one page has them all.

    Raises `BitriseUnavailable` if the list has no end: the pages that weren't read may hold them.
    """
    for _ in range(MOST_PAGES):
        page = await bitrise.list_builds(request.app_slug or "", filters)
        builds = [build for build in page.items if is_ours(build, request)]
        if builds or page.next is None:
            return builds
        if page.next == filters.next:
            break
        filters = dataclasses.replace(filters, next=page.next)
    raise BitriseUnavailable("Bitrise lists more builds than Buildbell reads.")


async def find_pipelines(bitrise: BitriseClient, request: RequestRow, since: datetime) -> list[Build]:
    """Return the pipelines of a request, which have a list of their own."""
    app_slug = request.app_slug or ""
    listed = await bitrise.list_pipelines(app_slug, after=since)
    return [await bitrise.get_pipeline(app_slug, each.slug) for each in listed if is_ours(each, request)]


def is_ours(build: Build, request: RequestRow) -> bool:
    """Whether a build comes from this request, and not from somebody's rebuild of it."""
    by_environment = build.requested is not None and build.requested.request_id == request.request_id
    by_name = (build.triggered_by or "").endswith(f"-{request.request_id}")
    return by_name or (by_environment and not build.triggered_by)


async def waits_for_approval(ctx: Context, request: RequestRow, parameters: StartParameters) -> bool:
    """Whether a start is among those that somebody has to approve at Bitrise: builds of forks' pull requests."""
    if "branch_dest" not in parameters.others:
        return False
    try:
        async with connection.client(ctx, request.workspace_id) as bitrise:
            waiting = await bitrise.list_build_requests(parameters.app_slug)
    except (BitriseNotFound, BitriseRefused):  # the token's role may be too low
        return False
    return any(requested.request_id == request.request_id for requested in waiting)


async def await_approval(ctx: Context, request: RequestRow, parameters: StartParameters) -> None:
    """Remember that Bitrise has the start, and tell the person once. Raises `RetryAt` until a day has passed."""
    now = ctx.clock.now()
    if now > request.created_at + GIVE_UP_AFTER:
        raise BitriseRefused("nobody approved the build in Bitrise within a day")
    title = await apps.find_title(ctx, request.workspace_id, parameters.app_slug) or parameters.app_slug
    message = reply(
        f"Bitrise accepted your build of {quoted(title, 100)} but hasn't started it. Builds of pull requests from "
        "forks wait until somebody approves them in Bitrise. The card will appear once it starts."
    )

    async def store(tx: Transaction) -> None:
        if await request_rows.mark_accepted(tx, request.request_id):
            await outbox.reply_privately(ctx, tx, requests.actor_of(ctx, request), message)

    await ctx.db.transaction(store)
    raise RetryAt(now + LOOK_AFTER)


# Builds as rows.


def claim_build(build: BuildRow, request: RequestRow, parameters: StartParameters) -> BuildRow:
    """Mark a build as started from Slack, with who started it and the message."""
    return dataclasses.replace(
        build,
        request_id=request.request_id,
        requested_by=request.user_id,
        build_message=parameters.message,
        cause=Cause.SLACK,
        triggered_by_name=request.user_name,
        parameters_hash=parameters.digest,
    )


def new_row(request: RequestRow, parameters: StartParameters, item: TriggeredBuild, *, now: datetime) -> BuildRow:
    """Return a build as far as the trigger's answer describes it. The next sync adds the rest."""
    pipeline = item.pipeline or parameters.pipeline
    required = (field.name for field in dataclasses.fields(BuildRow) if field.default is dataclasses.MISSING)
    columns: dict[str, Any] = dict.fromkeys(required) | {
        "workspace_id": request.workspace_id,
        "build_slug": item.slug,
        "app_slug": parameters.app_slug,
        "number": item.number,
        "is_pipeline": pipeline is not None,
        "workflow": None if pipeline else item.workflow or parameters.workflow,
        "pipeline": pipeline,
        "branch": parameters.branch,
        "tag": parameters.tag,
        "commit_hash": parameters.commit,
        "state": "queued",
        "triggered_at": now,
        "last_synced_at": now,
    }
    return claim_build(BuildRow(**columns), request, parameters)


def with_variables(ctx: Context, build: BuildRow, parameters: StartParameters) -> BuildRow:
    """Return the build with the variables that were typed, sealed."""
    if not parameters.environment:
        return build
    sealed = updates.seal_variables(ctx, build.build_slug, parameters.environment)
    return dataclasses.replace(build, variables_sealed=sealed, variables_hash=hash_variables(parameters.environment))
