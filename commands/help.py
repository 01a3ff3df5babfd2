"""Show what can be typed, by topic, derived from the list of commands."""

from __future__ import annotations

import commands
from bot.context import Context
from bot.errors import Suggestion
from bot.slack import replies
from bot.slack.blocks import message
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Typed

OVERVIEW = ("start", "preset", "status", "log", "abort", "subscribe", "stats", "settings")
"""The verbs whose first line is in the overview."""


async def show_help(ctx: Context, typed: Typed) -> Message:
    """List the usages of a verb or a topic; without one, the most used ones with a button for each topic."""
    command = ctx.settings.command
    named = typed.words.words[0].text.lower() if typed.words else ""
    about = [each for each in commands.COMMANDS if named and named in (each.name, *each.aliases)]
    about += [each for each in commands.COMMANDS if named and named == each.topic.lower() and each not in about]
    if about:
        lines = [describe(entry, command) for each in about for entry in each.help]
        return with_topics(replies.reply_lines([*lines, f"`{command} help` shows all topics."]))
    by_name = {each.name: each for each in commands.COMMANDS if each.help}
    lines = [describe(by_name[name].help[0], command) for name in OVERVIEW]
    return with_topics(replies.reply_lines(lines))


def describe(entry: Help, command: str) -> str:
    return f"`{f'{command} {entry.usage}'.strip()}`  {entry.does.format(command=command)}"


def with_topics(text: Message) -> Message:
    topics = dict.fromkeys(each.topic for each in commands.COMMANDS if each.topic)
    return text + message("", replies.suggestion_buttons([Suggestion(each, f"help {each.lower()}") for each in topics]))


COMMAND = Command(
    "help",
    run=show_help,
    topic="Admin",
    help=(Help("help", "show the most used commands, with a button for each topic"),),
)
