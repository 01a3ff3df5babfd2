"""What verbs about one build share: it is looked up as typed or pressed, and something is told of it privately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot import connection
from bot.builds import queries
from bot.context import Context
from bot.errors import MissingArgument
from bot.slack.text import Message
from commands.build_reference import read_build
from commands.interaction import Payload, Typed, actor_of_press, answering, later, pressed_value
from storage.builds import BuildRow

Tell = Callable[[BuildRow, Context], Awaitable[Message]]


async def tell_of_typed(typed: Typed, ctx: Context, tell: Tell) -> None:
    """``/build log shop #812``. Raises `MissingArgument` without a build."""
    reference, _ = read_build(typed.words)
    if not reference.names_build:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} {typed.verb} shop #812")
    await connection.require(ctx, typed.actor.workspace_id)

    async def find() -> Message:
        return await tell(await queries.get_build(ctx, typed.actor, reference), ctx)

    later(ctx, typed.actor, find(), name=typed.verb, typed=typed)


async def tell_of_pressed(action: Payload, body: Payload, ctx: Context, tell: Tell) -> None:
    """A button whose value is the build's slug."""
    actor = actor_of_press(body)

    async def find() -> Message:
        return await tell(await queries.get_stored_build(ctx, actor, build_slug), ctx)

    async with answering(ctx, actor):
        build_slug = pressed_value(action)
        later(ctx, actor, find(), name="about a build")
