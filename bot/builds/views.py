"""Load what messages show of a build besides its row: the app's title, the link, the usual duration, installability."""

from __future__ import annotations

from collections.abc import Sequence

from bot.context import Context
from bot.domain.builds import Outcome
from bot.domain.eta import MAX_READ, estimate
from bot.errors import SealBroken
from bot.slack.build_text import BuildView
from bot.sync.updates import variables_context
from storage import apps as app_rows
from storage import builds as build_rows
from storage import results as result_rows
from storage.builds import BuildRow


async def load_views(ctx: Context, builds: Sequence[BuildRow]) -> list[BuildView]:
    return [await load_view(ctx, build) for build in builds]


async def load_view(ctx: Context, build: BuildRow) -> BuildView:
    app = await app_rows.find_app(ctx.db, build.workspace_id, build.app_slug)
    eta, is_installable = None, False
    if not build.is_finished:  # estimated from the last successes of the same app and workflow
        eta = estimate(await build_rows.list_durations(ctx.db, build, limit=MAX_READ), build.machine_type)
    elif build.outcome == Outcome.SUCCEEDED:
        result = await result_rows.find_result(ctx.db, build.workspace_id, build.build_slug)
        is_installable = result is not None and bool(result.installs)
    path = f"app/{build.app_slug}/pipelines" if build.is_pipeline else "build"
    return BuildView(
        build=build,
        app_title=app.title if app else build.app_slug,
        url=f"{ctx.settings.bitrise_site_url.rstrip('/')}/{path}/{build.build_slug}",
        eta=eta,
        requester_name=build.triggered_by_name if build.requested_by else None,
        is_installable=is_installable,
        variables=open_variables(ctx, build),
    )


def open_variables(ctx: Context, build: BuildRow) -> tuple[str, ...]:
    """Return the variables of a build as ``KEY=value``; none if their key is gone."""
    if build.variables_sealed is None:
        return ()
    try:
        opened = ctx.vault.open(build.variables_sealed, context=variables_context(build.build_slug))
    except SealBroken:
        return ()
    return tuple(opened.reveal().split("\n"))
