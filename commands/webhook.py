"""Have Bitrise call when something happens: the button that asks for it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps
from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids
from bot.slack import setup as webhook_message
from bot.slack.text import Message
from bot.sync import webhooks
from commands.command import Command
from commands.interaction import Payload, actor_of_press, answering, later, pressed_value


async def ask_bitrise_to_call(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        await ctx.permissions.check_may_connect(actor)
        later(ctx, actor, ask(actor, pressed_value(action), ctx), name="webhook")


async def ask(actor: Actor, app_slug: str, ctx: Context) -> Message:
    paste = await webhooks.register(ctx, actor, app_slug)
    app = await apps.find_app(ctx, actor.workspace_id, app_slug)
    title = app.title if app else app_slug
    if paste is None:
        return webhook_message.asked(title)
    return webhook_message.to_paste(title, url=paste.url, header=paste.header, secret=paste.secret)


COMMAND = Command(actions={ids.WEBHOOK_ASK: ask_bitrise_to_call})
