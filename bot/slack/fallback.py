"""Send a message whose blocks Slack may refuse: without tables and charts, and at last as plain text."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.slack.blocks import section
from bot.slack.errors import SlackRefused
from bot.slack.refusals import Remedy, remedy_of
from bot.slack.text import Message, shorten

NEW_BLOCKS = frozenset({"table", "data_visualization"})
"""Not every workspace and client takes them."""
SAFE_LENGTH = 3000
"""Of a text that every method takes."""

log = logging.getLogger(__name__)
T = TypeVar("T")


async def with_fallback(send: Callable[[Message], Awaitable[T]], message: Message) -> T:
    try:
        return await send(message)
    except SlackRefused as error:
        is_plain = not message.blocks and len(message.text) <= SAFE_LENGTH
        if remedy_of(error.error) is not Remedy.CONTENT or is_plain:
            raise
        if plainer := without_new_blocks(message):
            log.warning("Slack rejected tables or charts", extra={"remarks": error.messages})
            return await with_fallback(send, plainer)
        log.error("Slack rejected the blocks of a message", extra={"error": error.error, "remarks": error.messages})
        return await send(Message(shorten(message.text, SAFE_LENGTH)))


def without_new_blocks(message: Message) -> Message | None:
    """Return the text and the buttons alone; None for a message without new blocks."""
    if not any(block["type"] in NEW_BLOCKS for block in message.blocks):
        return None
    buttons = [block for block in message.blocks if block["type"] == "actions"]
    return Message(message.text, (section(message.text), *buttons))
