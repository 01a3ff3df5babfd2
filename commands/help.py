"""Show what can be typed, derived from the list of commands."""

from __future__ import annotations

import commands
from bot.context import Context
from bot.slack import replies
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Typed


async def show_help(ctx: Context, typed: Typed) -> Message:
    """List the usages of the verb that was named, or of all in the order of the list."""
    command = ctx.settings.command
    topic = typed.words.words[0].text.lower() if typed.words else ""
    about = [each for each in commands.COMMANDS if topic and topic in (each.name, *each.aliases)]
    entries = [entry for each in about or commands.COMMANDS for entry in each.help]
    lines = [f"`{f'{command} {entry.usage}'.strip()}`  {entry.does.format(command=command)}" for entry in entries]
    if about:
        lines.append(f"`{command} help` lists everything you can type.")
    return replies.reply_lines(lines)


COMMAND = Command("help", run=show_help, help=(Help("help", "this list"),))
