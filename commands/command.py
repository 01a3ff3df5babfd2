"""A `Command`: a verb with its help, its handlers and its forms, as one object."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.context import Context
from bot.slack.text import Message
from commands.interaction import Typed

Verb = Callable[[Typed, Context], Awaitable[Message | None]]
Handler = Callable[..., Awaitable[Any]]
"""Takes any of ``ack``, ``body``, ``ctx`` and what was delivered (``action``, ``view``, ...), by name as in Bolt."""
Handlers = Mapping[str | re.Pattern[str], Handler]


@dataclass(frozen=True, slots=True)
class Help:
    """A line of ``help``: the usage after the command, and what it does. ``{command}`` is filled in."""

    usage: str
    does: str


@dataclass(frozen=True, slots=True)
class Command:
    """Everything that belongs to one verb. ``name`` is empty where nothing can be typed.

    The mappings go from ids (or patterns of numbered ids), event types and callback ids to handlers.
    """

    name: str = ""
    run: Verb | None = None
    aliases: tuple[str, ...] = ()
    help: tuple[Help, ...] = ()
    actions: Handlers = field(default_factory=dict)
    views: Handlers = field(default_factory=dict)
    closed_views: Handlers = field(default_factory=dict)
    options: Handlers = field(default_factory=dict)
    shortcuts: Handlers = field(default_factory=dict)
    events: Handlers = field(default_factory=dict)

    def list_handlers(self) -> Iterator[tuple[str, str | re.Pattern[str], Handler]]:
        """Yield Bolt's name of the listener, the id and the handler."""
        for listener, handlers in (
            ("action", self.actions),
            ("view", self.views),
            ("view_closed", self.closed_views),
            ("options", self.options),
            ("shortcut", self.shortcuts),
            ("event", self.events),
        ):
            for name, handler in handlers.items():
                yield listener, name, handler
