"""List the artifacts of a build: install pages first, each with a QR code behind a button, then the other files."""

from __future__ import annotations

from bot.builds import queries, views
from bot.context import Context
from bot.domain.builds import Outcome
from bot.errors import BuildNotFound, ViewExpired
from bot.results import analysis
from bot.results.messages import artifacts_message, qr_png, qr_view
from bot.slack import ids
from bot.slack.errors import SlackFailed, SlackRefused
from bot.slack.forms import notice
from bot.slack.text import Message, link
from commands.command import Command, Help
from commands.interaction import Action, Typed, open_view, run_in_background
from commands.status import answer_about_build
from storage.builds import BuildRow


async def show_artifacts(ctx: Context, interaction: Typed | Action) -> None:
    await answer_about_build(
        ctx, interaction, list_artifacts, is_meant=lambda build: build.outcome == Outcome.SUCCEEDED
    )


async def list_artifacts(ctx: Context, build: BuildRow) -> Message:
    return artifacts_message(await views.load_view(ctx, build), await analysis.list_files(ctx, build))


async def show_qr_code(ctx: Context, action: Action) -> None:
    build_slug, _, platform = action.value.partition(" ")
    if not platform:
        raise ViewExpired("That button is from an older message. Ask again.")
    view_id = await open_view(ctx, action, notice("QR code", "⏳ Drawing…"))
    run_in_background(ctx, action, draw_qr_code(ctx, action, view_id, build_slug, platform), name="qr")


async def draw_qr_code(ctx: Context, action: Action, view_id: str, build_slug: str, platform: str) -> None:
    """Show the QR code of an install page in the open modal, or its address if Slack refuses the picture."""
    build = await queries.get_stored_build(ctx, action.actor, build_slug)
    files = await analysis.list_files(ctx, build)
    install = next((each for each in files.installs if each.platform == platform and each.page_url), None)
    if install is None:
        raise BuildNotFound("That install page no longer exists or was turned off.")
    slack, url = ctx.slack(action.actor.workspace_id), install.page_url or ""
    try:
        file_id = await slack.upload("install.png", qr_png(url), title="Install page")
        await slack.update_view(view_id, qr_view(install, file_id))
    except SlackFailed as error:
        why = "Slack couldn't show the image."
        if isinstance(error, SlackRefused) and error.error == "missing_scope":
            why = "Buildbell can't show images: the optional scope files:write was declined."
        await slack.update_view(view_id, notice("QR code", why, f"Install page: {link(url, url)}"))


COMMAND = Command(
    "artifacts",
    run=show_artifacts,
    topic="Track",
    help=(
        Help("artifacts", "show the files of the last successful build in this channel"),
        Help("artifacts shop #812", "show install pages with QR codes, and other files"),
    ),
    actions={
        ids.BUILD_INSTALL: show_artifacts,
        ids.any_number(ids.ARTIFACT_QR): show_qr_code,
    },
)
