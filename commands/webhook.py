"""Register a webhook at Bitrise: the offer, its button, and the values to paste if the token may not register it."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps
from bot.context import Context
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.blocks import actions, button, message, section
from bot.slack.text import Message, code, quoted
from bot.sync import webhooks
from commands.command import Command
from commands.interaction import Payload, actor_of_press, answering, later, pressed_value

EVENTS = "Build triggered, Build finished"


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
        return registered(title)
    return values_to_paste(title, url=paste.url, header=paste.header, secret=paste.secret)


def offer(app_slug: str, app_title: str) -> Message:
    """Shown below a reply about a subscription."""
    text = (
        f"Until Bitrise calls me, I look every minute, and more often while something of {quoted(app_title, 100)} runs."
    )
    label = f"Register a webhook for {app_title}"
    return message(
        "", section(text), actions(button(ids.WEBHOOK_ASK, "Let Bitrise call me", value=app_slug, label=label))
    )


def registered(app_title: str) -> Message:
    text = f"Done: Bitrise calls me at once when something happens to {quoted(app_title, 100)}."
    return message(text, section(text))


def values_to_paste(app_title: str, *, url: str, header: str, secret: str) -> Message:
    """For an admin of the app at Bitrise; private, because it holds the secret."""
    text = (
        f"The stored token may not change webhooks of {quoted(app_title, 100)} (that takes the role Admin). "
        "Somebody who may can do it by hand at Bitrise, in the app's settings under *Integrations*, *Webhooks*, "
        "*Outgoing webhooks*:"
    )
    values = (
        f"URL: {code(url, 400)}\nEvents: {EVENTS}\nSecret: {code(secret)}\nHeader {code(header)} with the same secret."
    )
    return message(f"{text} see the message for the address and the secret.", section(text), section(values))


COMMAND = Command(actions={ids.WEBHOOK_ASK: ask_bitrise_to_call})
