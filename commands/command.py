"""A `Command`: a verb with its help, its handlers and its forms, as one object that Bolt can call."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import requests
from bot.context import Context
from bot.errors import BuildbellError, NotAllowed
from bot.slack.fields import Option, options_ack
from bot.slack.forms import FormRefused
from bot.slack.forms import Payload as View
from bot.slack.text import Message
from commands.interaction import (
    Action,
    Event,
    OptionQuery,
    Payload,
    Submission,
    Typed,
    error_view,
    read_actor,
    replace_message,
    report_errors,
)

Run = Callable[[Context, Typed], Awaitable[Message | None]]
"""Returns the private answer."""
OnAction = Callable[[Context, Action], Awaitable[Message | None]]
"""Returns the message that takes the place of the one with the button."""
OnSubmission = Callable[[Context, Submission], Awaitable[View | None]]
"""Returns the view that takes the place of the form; without one the form closes."""
OnQuery = Callable[[Context, OptionQuery], Awaitable[Sequence[Option | None]]]
OnEvent = Callable[[Context, Event], Awaitable[None]]
Id = str | re.Pattern[str]
Handler = Callable[..., Awaitable[None]]
"""Takes ``ack``, ``body`` and ``ctx`` by name, as in Bolt, and that of an event the ``event``, too."""


@dataclass(frozen=True, slots=True)
class Help:
    """A line of ``help``: the usage after the command, and what it does. ``{command}`` is filled in."""

    usage: str
    does: str


@dataclass(frozen=True, slots=True)
class Command:
    """Everything that belongs to one verb. ``name`` is empty where nothing can be typed, ``topic`` orders the help.

    The mappings go from ids (or patterns of numbered ids), callback ids and event types to handlers.
    """

    name: str = ""
    run: Run | None = None
    aliases: tuple[str, ...] = ()
    topic: str = ""
    help: tuple[Help, ...] = ()
    actions: Mapping[Id, OnAction] = field(default_factory=dict)
    shortcuts: Mapping[Id, OnAction] = field(default_factory=dict)
    views: Mapping[Id, OnSubmission] = field(default_factory=dict)
    options: Mapping[Id, OnQuery] = field(default_factory=dict)
    events: Mapping[Id, OnEvent] = field(default_factory=dict)

    def list_handlers(self) -> Iterator[tuple[str, Id, Handler]]:
        """Yield Bolt's name of the listener, the id and the handler."""
        listeners: tuple[tuple[str, Callable[[Any], Handler], Mapping[Id, Any]], ...] = (
            ("action", _take_action, self.actions),
            ("shortcut", _take_action, self.shortcuts),
            ("view", _take_submission, self.views),
            ("options", _take_query, self.options),
            ("event", _take_event, self.events),
        )
        for listener, adapt, handlers in listeners:
            for name, handler in handlers.items():
                yield listener, name, adapt(handler)


def _take_action(handler: OnAction) -> Handler:
    async def take_action(ack: AsyncAck, body: Payload, ctx: Context) -> None:
        await ack()
        actor = read_actor(body)
        async with report_errors(ctx, actor):
            message = await handler(ctx, Action(actor, body.get("trigger_id", ""), body))
            if message is not None:
                ctx.tasks.spawn(replace_message(ctx, actor, message), name="replace message")

    return take_action


def _take_submission(handler: OnSubmission) -> Handler:
    async def take_submission(ack: AsyncAck, body: Payload, ctx: Context) -> None:
        try:
            view = await handler(ctx, Submission(read_actor(body), body.get("trigger_id", ""), body["view"]))
        except FormRefused as refused:
            await ack(response_action="errors", errors=refused.errors)
        except BuildbellError as error:
            if isinstance(error, NotAllowed):
                await requests.audit_refusal(ctx, read_actor(body), error)
            await ack(response_action="update", view=error_view("Couldn't do that", error))
        else:
            await (ack(response_action="update", view=view) if view else ack())

    return take_submission


def _take_query(handler: OnQuery) -> Handler:
    async def take_query(ack: AsyncAck, body: Payload, ctx: Context) -> None:
        await ack(**options_ack(await handler(ctx, OptionQuery(body))))

    return take_query


def _take_event(handler: OnEvent) -> Handler:
    async def take_event(event: Payload, body: Payload, ctx: Context) -> None:
        await handler(ctx, Event(event, body))

    return take_event
