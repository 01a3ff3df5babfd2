"""Why a build failed: the step, the tests, the last lines that tell."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.results.messages import log_message
from bot.slack import ids
from bot.slack.text import Message
from commands.about_build import tell_of_pressed, tell_of_typed
from commands.interaction import Help, Payload, Typed
from storage.builds import BuildRow

HELP = (Help("log shop #812", "the failed step and its last telling lines, secrets masked"),)


def register(app: AsyncApp) -> None:
    app.action(ids.BUILD_LOG)(press_log)


async def show_log(typed: Typed, services: Services) -> Message | None:
    await tell_of_typed(typed, services, why)
    return None


async def press_log(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    await tell_of_pressed(action, body, services, why)


async def why(build: BuildRow, services: Services) -> Message:
    finding = await services.findings.explain(build)
    return log_message(await services.showing.shown(build), finding)
