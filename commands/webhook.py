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


COMMAND = Command(actions={ids.WEBHOOK_ASK: register_webhook})
