"""A build as people are shown it: with its app's title, its link, and how long it usually takes."""

from __future__ import annotations

from collections.abc import Sequence

from bot.context import Context
from bot.domain.builds import Outcome
from bot.domain.eta import MAX_READ, Eta, estimate
from bot.slack.build_text import BuildView
from storage import apps as app_rows
from storage import builds as build_rows
from storage import results as result_rows
from storage.builds import BuildRow


async def load_view(ctx: Context, build: BuildRow) -> BuildView:
    app = await app_rows.find_app(ctx.db, build.workspace_id, build.app_slug)
    eta = None if build.is_finished else await load_eta(ctx, build)
    title = app.title if app else build.app_slug
    name = build.triggered_by_name if build.requested_by else None
    return BuildView(
        build=build,
        app_title=title,
        url=build_url(ctx, build),
        eta=eta,
        requester_name=name,
        is_installable=await _is_installable(ctx, build),
    )


async def _is_installable(ctx: Context, build: BuildRow) -> bool:
    if build.outcome != Outcome.SUCCEEDED:
        return False
    finding = await result_rows.find_result(ctx.db, build.workspace_id, build.build_slug)
    return finding is not None and bool(finding.installs)


async def load_views(ctx: Context, builds: Sequence[BuildRow]) -> list[BuildView]:
    return [await load_view(ctx, build) for build in builds]


async def load_eta(ctx: Context, build: BuildRow) -> Eta | None:
    """What the last successes of the same app and workflow took; None until there are a few."""
    return estimate(await build_rows.list_durations(ctx.db, build, limit=MAX_READ), build.machine_type)


def build_url(ctx: Context, build: BuildRow) -> str:
    if build.is_pipeline:
        return f"{ctx.settings.bitrise_site_url.rstrip('/')}/app/{build.app_slug}/pipelines/{build.build_slug}"
    return f"{ctx.settings.bitrise_site_url.rstrip('/')}/build/{build.build_slug}"
