"""What a build left: install pages first, a QR code behind a button, the other files by name."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.errors import BuildNotFound, ViewExpired
from bot.permissions import Asker
from bot.results.install_links import InstallLink
from bot.results.messages import artifacts_message, qr_png, qr_view
from bot.slack import ids
from bot.slack.errors import SlackFailed, SlackRefused
from bot.slack.forms import notice
from bot.slack.text import Message, link
from commands.about_build import tell_of_pressed, tell_of_typed
from commands.interaction import Help, Payload, Typed, answering, asker_of_press, later, pressed_value
from storage.builds import BuildRow

HELP = (Help("artifacts shop #812", "install pages, one per platform, with QR codes; and the other files"),)
NO_SCOPE = "I may not show pictures here: the optional scope files:write was declined."


def register(app: AsyncApp) -> None:
    app.action(ids.BUILD_INSTALL)(press_install)
    app.action(ids.any_number(ids.ARTIFACT_QR))(show_qr)


async def show_artifacts(typed: Typed, services: Services) -> Message | None:
    await tell_of_typed(typed, services, leftovers)
    return None


async def press_install(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    await tell_of_pressed(action, body, services, leftovers)


async def leftovers(build: BuildRow, services: Services) -> Message:
    return artifacts_message(await services.showing.shown(build), await services.findings.leftovers(build))


async def show_qr(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        build_slug, _, platform = pressed_value(action).partition(" ")
        if not platform:
            raise ViewExpired("That button is from an older message. Ask again.")
        slack = services.slack(asker.workspace_id)
        view_id = await slack.open_view(body["trigger_id"], notice("QR code", "⏳ Drawing…"))
        later(services, asker, draw(asker, view_id, build_slug, platform, services), name="qr")


async def draw(asker: Asker, view_id: str, build_slug: str, platform: str, services: Services) -> None:
    build = await services.builds.get_known(asker, build_slug)
    left = await services.findings.leftovers(build)
    install = next((each for each in left.installs if each.platform == platform and each.page_url), None)
    if install is None:
        raise BuildNotFound("That install page is not there any more, or has been switched off.")
    slack = services.slack(asker.workspace_id)
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
