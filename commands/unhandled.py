"""Acknowledge what has no handler: other events, and buttons, forms and menus of another version."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot import outbox
from bot.context import Context
from bot.slack import ids, replies
from bot.slack.fields import Option
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from commands.command import Command
from commands.interaction import Action, Event, OptionQuery, Submission

ANYTHING = re.compile(r".*", re.DOTALL)


async def ignore_link(ctx: Context, action: Action) -> None:
    """Slack delivers an action for a link button, too."""


async def ignore_event(ctx: Context, event: Event) -> None:
    """Slack switches events off for an app that acknowledges fewer than 5% of them within an hour.

    https://docs.slack.dev/apis/events-api/#failure-limits
    """


async def explain_old_action(ctx: Context, action: Action) -> None:
    """Answer a button, menu or shortcut of another version, so that it doesn't look broken."""
    ctx.permissions.check_member(action.actor)
    text = f"This button is from an older version. `{ctx.settings.command} status` shows what is running."
    await outbox.answer_privately(ctx, action.actor, replies.reply(text))


async def close_old_form(ctx: Context, submission: Submission) -> View:
    """Replace a form of another version by a sentence: nothing that was entered can be used."""
    text = f"This form is from an older version and wasn't saved. Run `{ctx.settings.command}` to open a new one."
    return notice("Form expired", text)


async def offer_nothing(ctx: Context, query: OptionQuery) -> Sequence[Option]:
    return ()


COMMAND = Command(
    actions={ids.BUILD_OPEN: ignore_link, ANYTHING: explain_old_action},
    shortcuts={ANYTHING: explain_old_action},
    views={ANYTHING: close_old_form},
    options={ANYTHING: offer_nothing},
    events={ANYTHING: ignore_event},
)
