"""A message as Slack can read it: where blocks are refused, plainer ones, and at last plain text."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.slack.charts import without_new_blocks
from bot.slack.errors import SlackRefused
from bot.slack.refusals import UNREADABLE
from bot.slack.text import Message

log = logging.getLogger(__name__)
T = TypeVar("T")


async def readable(send: Callable[[Message], Awaitable[T]], drawn: Message) -> T:
    """Blocks that Slack cannot read: new ones give way to their text, and at last the person hears in plain text."""
    try:
        return await send(drawn)
    except SlackRefused as error:
        if error.error not in UNREADABLE or not drawn.blocks:
            raise
        if plainer := without_new_blocks(drawn):
            log.warning("Slack does not take tables or charts here", extra={"remarks": error.messages})
            return await readable(send, plainer)
        log.error("Slack cannot read our blocks", extra={"error": error.error, "remarks": error.messages})
        return await send(Message(drawn.text))
