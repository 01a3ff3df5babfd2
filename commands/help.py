"""Show what can be typed, derived from the list of commands."""

from __future__ import annotations

import commands
from bot.context import Context
from bot.slack import replies
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Typed


async def show_help(ctx: Context, typed: Typed) -> Message:
    """List one line per usage of every command, in the order of the list."""
    command = ctx.settings.command
    entries = [entry for each in commands.COMMANDS for entry in each.help]
    return replies.reply_lines(
        [f"`{f'{command} {entry.usage}'.strip()}`  {entry.does.format(command=command)}" for entry in entries]
    )


COMMAND = Command("help", run=show_help, help=(Help("help", "this list"),))
