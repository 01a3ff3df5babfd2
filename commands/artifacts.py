"""What a build left: install pages first, a QR code behind a button, the other files by name."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot.builds import queries, views
from bot.context import Context
from bot.errors import BuildNotFound, ViewExpired
from bot.permissions import Actor
from bot.results import analysis
from bot.results.install_links import InstallLink
from bot.results.messages import artifacts_message, qr_png, qr_view
from bot.slack import ids
from bot.slack.errors import SlackFailed, SlackRefused
from bot.slack.forms import notice
from bot.slack.text import Message, link
from commands.about_build import tell_of_pressed, tell_of_typed
from commands.command import Command, Help
from commands.interaction import Payload, Typed, actor_of_press, answering, later, pressed_value
from storage.builds import BuildRow

NO_SCOPE = "I may not show pictures here: the optional scope files:write was declined."


async def show_artifacts(typed: Typed, ctx: Context) -> Message | None:
    await tell_of_typed(typed, ctx, leftovers)
    return None


async def press_install(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    await tell_of_pressed(action, body, ctx, leftovers)


async def leftovers(build: BuildRow, ctx: Context) -> Message:
    return artifacts_message(await views.load_view(ctx, build), await analysis.list_files(ctx, build))


async def show_qr(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        build_slug, _, platform = pressed_value(action).partition(" ")
        if not platform:
            raise ViewExpired("That button is from an older message. Ask again.")
        slack = ctx.slack(actor.workspace_id)
        view_id = await slack.open_view(body["trigger_id"], notice("QR code", "⏳ Drawing…"))
        later(ctx, actor, draw(actor, view_id, build_slug, platform, ctx), name="qr")


async def draw(actor: Actor, view_id: str, build_slug: str, platform: str, ctx: Context) -> None:
    build = await queries.get_stored_build(ctx, actor, build_slug)
    files = await analysis.list_files(ctx, build)
    install = next((each for each in files.installs if each.platform == platform and each.page_url), None)
    if install is None:
        raise BuildNotFound("That install page is not there any more, or has been switched off.")
    slack = ctx.slack(actor.workspace_id)
    try:
        file_id = await slack.upload("install.png", qr_png(install.page_url or ""), title="Install page")
        await slack.update_view(view_id, qr_view(install, file_id))
    except SlackFailed as failed:
        await slack.update_view(view_id, notice("QR code", why_not(failed), address(install)))


def why_not(failed: SlackFailed) -> str:
    is_declined = isinstance(failed, SlackRefused) and failed.error == "missing_scope"
    return NO_SCOPE if is_declined else "Slack would not show the picture."


def address(install: InstallLink) -> str:
    return f"The page itself: {link(install.page_url or '', install.page_url or '')}"


COMMAND = Command(
    "artifacts",
    run=show_artifacts,
    help=(Help("artifacts shop #812", "install pages, one per platform, with QR codes; and the other files"),),
    actions={
        ids.BUILD_INSTALL: press_install,
        ids.any_number(ids.ARTIFACT_QR): show_qr,
    },
)
