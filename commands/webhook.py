"""Register a webhook at Bitrise: the offer, its button, and the values to paste if the token may not register it."""

from __future__ import annotations

from bot import apps
from bot.context import Context
from bot.slack import ids
from bot.slack.blocks import actions, button, message, section
from bot.slack.text import Message, code, quoted
from bot.sync import webhooks
from commands.command import Command
from commands.interaction import Action, run_in_background

EVENTS = "Build triggered, Build finished"


async def register_webhook(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_connect(action.actor)
    app_slug = action.value

    async def register() -> Message:
        values = await webhooks.register(ctx, action.actor, app_slug)
        app = await apps.find_app(ctx, action.actor.workspace_id, app_slug)
        title = app.title if app else app_slug
        if values is None:
            return registered(title)
        return values_to_paste(title, url=values.url, header=values.header, secret=values.secret)

    run_in_background(ctx, action, register(), name="webhook")


def offer(app_slug: str, app_title: str) -> Message:
    """Return the blocks that follow the confirmation of a subscription."""
    text = (
        f"Without a webhook, Buildbell checks {quoted(app_title, 100)} every minute, and every 10 seconds "
        "while a build is running."
    )
    label = f"Register a webhook for {app_title}"
    return message("", section(text), actions(button(ids.WEBHOOK_ASK, "Set up webhook", value=app_slug, label=label)))


def registered(app_title: str) -> Message:
    text = f"Webhook set up. Bitrise now notifies Buildbell about builds of {quoted(app_title, 100)} at once."
    return message(text, section(text))


def values_to_paste(app_title: str, *, url: str, header: str, secret: str) -> Message:
    """For an admin of the app at Bitrise; private, because it holds the secret."""
    text = (
        f"The connected token can't change webhooks of {quoted(app_title, 100)}: that needs the Admin role. An "
        "app admin can add it in Bitrise, under the app's *Integrations* > *Webhooks* > *Outgoing webhooks*:"
    )
    values = (
        f"URL: {code(url, 400)}\nEvents: {EVENTS}\nSecret: {code(secret)}\nHeader {code(header)} with the same secret."
    )
    return message(f"{text} see the message for the address and the secret.", section(text), section(values))


COMMAND = Command(actions={ids.WEBHOOK_ASK: register_webhook})
