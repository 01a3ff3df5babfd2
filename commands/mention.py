"""Reply to a mention of the bot with how to use the slash command.

https://docs.slack.dev/reference/events/app_mention
"""

from __future__ import annotations

from datetime import timedelta

from bot import outbox
from bot.context import Context
from bot.slack import replies
from commands.command import Command
from commands.interaction import Event
from storage import Transaction
from storage import apps as app_rows

PAUSE = timedelta(hours=1)
"""Between two replies in a channel."""


async def reply_to_mention(ctx: Context, event: Event) -> None:
    """Reply to the person, at most once per channel and hour. Bots and people of other workspaces get no reply."""
    message, now = event.event, ctx.clock.now()
    if message.get("bot_id") or message.get("subtype") or not message.get("user") or not message.get("channel"):
        return
    actor, command = event.actor, ctx.settings.command
    if not ctx.permissions.is_member(actor):
        return
    text = (
        f"Use `{command}` to talk to Buildbell:\n• `{command}` opens a form to start a build.\n"
        f"• `{command} shop deploy main` starts one.\n• `{command} help` shows all commands."
    )

    async def store(tx: Transaction) -> None:
        if await app_rows.claim_introduction(tx, actor.workspace_id, message["channel"], now=now, before=now - PAUSE):
            await outbox.reply_privately(ctx, tx, actor, replies.reply(text))

    await ctx.db.transaction(store)


COMMAND = Command(events={"app_mention": reply_to_mention})
