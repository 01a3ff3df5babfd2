"""Why a build failed: the step, the tests, the last lines that tell."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot.builds import views
from bot.context import Context
from bot.results import analysis
from bot.results.messages import log_message
from bot.slack import ids
from bot.slack.text import Message
from commands.about_build import tell_of_pressed, tell_of_typed
from commands.command import Command, Help
from commands.interaction import Payload, Typed
from storage.builds import BuildRow


async def show_log(typed: Typed, ctx: Context) -> Message | None:
    await tell_of_typed(typed, ctx, why)
    return None


async def press_log(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    await tell_of_pressed(action, body, ctx, why)


async def why(build: BuildRow, ctx: Context) -> Message:
    finding = await analysis.explain(ctx, build)
    return log_message(await views.load_view(ctx, build), finding)


COMMAND = Command(
    "log",
    run=show_log,
    help=(Help("log shop #812", "the failed step and its last telling lines, secrets masked"),),
    actions={ids.BUILD_LOG: press_log},
)
