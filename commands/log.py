"""Why a build failed: the step, the tests, the last lines that tell."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.access import Asker
from bot.errors import NothingNamed
from bot.services import Services
from bot.slack import ids
from bot.slack.log_message import log_message
from bot.slack.text import Message
from commands.arguments import parse_build
from commands.asking import Help, Payload, Typed, answering, asker_of_press, later, pressed_value
from commands.status import named
from storage.builds import BuildRow

HELP = (Help("log shop #812", "the failed step and its last telling lines, secrets masked"),)


def register(app: AsyncApp) -> None:
    app.action(ids.BUILD_LOG)(press_log)


async def show_log(typed: Typed, services: Services) -> Message | None:
    arguments = parse_build(typed.words)
    if not arguments.names_build:
        raise NothingNamed(f"Which build? For example: {services.command} log shop #812")
    await services.connections.get_connected(typed.asker.workspace_id)

    async def find() -> Message:
        return await told(await services.builds.get_build(typed.asker, named(arguments)), services)

    later(services, typed.asker, find(), name="log", typed=typed)
    return None


async def press_log(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        later(services, asker, of_known(asker, pressed_value(action), services), name="log")


async def of_known(asker: Asker, build_slug: str, services: Services) -> Message:
    return await told(await services.builds.get_known(asker, build_slug), services)


async def told(build: BuildRow, services: Services) -> Message:
    finding = await services.findings.explain(build)
    return log_message(await services.showing.shown(build), finding)
