"""What verbs about one build share: it is looked up as typed or pressed, and something is told of it privately."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.context import Services
from bot.errors import MissingArgument
from bot.slack.text import Message
from commands.grammar import parse_build
from commands.interaction import Payload, Typed, answering, asker_of_press, later, pressed_value
from commands.status import named
from storage.builds import BuildRow

Tell = Callable[[BuildRow, Services], Awaitable[Message]]


async def tell_of_typed(typed: Typed, services: Services, tell: Tell) -> None:
    """``/build log shop #812``. Raises `MissingArgument` without a build."""
    arguments = parse_build(typed.words)
    if not arguments.names_build:
        raise MissingArgument(f"Which build? For example: {services.command} {typed.verb} shop #812")
    await services.connections.get_connected(typed.asker.workspace_id)

    async def find() -> Message:
        return await tell(await services.builds.get_build(typed.asker, named(arguments)), services)

    later(services, typed.asker, find(), name=typed.verb, typed=typed)


async def tell_of_pressed(action: Payload, body: Payload, services: Services, tell: Tell) -> None:
    """A button whose value is the build's slug."""
    asker = asker_of_press(body)

    async def find() -> Message:
        return await tell(await services.builds.get_known(asker, build_slug), services)

    async with answering(services, asker):
        build_slug = pressed_value(action)
        later(services, asker, find(), name="about a build")
