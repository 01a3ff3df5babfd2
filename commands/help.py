"""What can be typed: gathered from the modules, so that it lists what there really is."""

from __future__ import annotations

from bot.context import Context
from bot.slack import replies
from bot.slack.text import Message
from commands import abort, artifacts, connect, digest, doctor, log, settings, start, stats, status, subscribe
from commands import history_import as imports
from commands import list_builds as listing
from commands import preferences as me
from commands import rebuild as again
from commands import skip_step as skip
from commands.interaction import Help, Typed

HELP = (Help("help", "this list"),)
MODULES = (
    start, status, listing, abort, again, log, artifacts, subscribe, stats, digest, imports, me, settings,
    connect, skip, doctor,
)  # fmt: skip


async def show_help(typed: Typed, ctx: Context) -> Message | None:
    return replies.reply_lines(help_lines(ctx.settings.command))


def help_lines(command: str) -> list[str]:
    entries = [entry for module in MODULES for entry in module.HELP] + list(HELP)
    return [f"`{f'{command} {entry.usage}'.strip()}`  {entry.does.format(command=command)}" for entry in entries]
