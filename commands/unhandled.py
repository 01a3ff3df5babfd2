"""Acknowledge what has no handler: other events, and buttons, forms and menus of another version."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncAck

from bot import outbox
from bot.context import Context
from bot.slack import replies
from bot.slack.forms import notice
from commands.command import Command
from commands.interaction import Payload, actor_of_press, answering

ANYTHING = re.compile(r".*", re.DOTALL)


async def ack_event(ack: AsyncAck) -> None:
    """Slack switches events off for an app that acknowledges fewer than 5% of them within an hour.

    https://docs.slack.dev/apis/events-api/#failure-limits
    """
    await ack()


async def explain_old_action(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    """Answer a button, menu or shortcut of another version, so that it doesn't look broken."""
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        text = f"This button is from an older version. `{ctx.settings.command} status` shows what is running."
        await outbox.answer_privately(ctx, actor, replies.reply(text))


async def close_old_form(ack: AsyncAck, ctx: Context) -> None:
    """Replace a form of another version by a sentence: nothing that was entered can be used."""
    text = f"This form is from an older version and wasn't saved. Run `{ctx.settings.command}` to open a new one."
    await ack(response_action="update", view=notice("Form expired", text))


async def offer_nothing(ack: AsyncAck) -> None:
    await ack(options=[])


COMMAND = Command(
    actions={ANYTHING: explain_old_action},
    views={ANYTHING: close_old_form},
    closed_views={ANYTHING: ack_event},
    options={ANYTHING: offer_nothing},
    shortcuts={ANYTHING: explain_old_action},
    events={ANYTHING: ack_event},
)
