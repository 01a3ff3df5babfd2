"""A step that has its own build skipped: what to paste at Bitrise, new secrets, and the end of it."""

from __future__ import annotations

from bot.builds import queries, skip
from bot.context import Context
from bot.slack import replies
from bot.slack import skip_step as skip_message
from bot.slack.text import Message
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Typed


async def show_step(typed: Typed, ctx: Context) -> Message | None:
    """``rotate`` and ``off`` are no apps; one that is called so goes in quotes."""
    words = typed.words.words
    only = words[0].text.lower() if len(words) == 1 and not words[0].quoted else ""
    if only == "rotate":
        await skip.rotate_secret(ctx, typed.actor)
        return replies.reply(skip_message.rotated(ctx.settings.command))
    if only == "off":
        return replies.reply(skip_message.switched_off(was_on=await skip.disable(ctx, typed.actor)))
    await ctx.permissions.check_may_connect(typed.actor)
    reference, _ = read_build(typed.words)  # a bare slug may be an app's as well as a build's
    app = await queries.resolve_app(ctx, typed.actor, reference.app or reference.slug)
    step = await skip.prepare_step(ctx, typed.actor, app.app_slug)
    return skip_message.to_paste(
        app.title, url=step.url, secret=step.secret, reasons=step.reasons, command=ctx.settings.command
    )


COMMAND = Command(
    "skip-step",
    run=show_step,
    help=(
        Help("skip-step shop", "a step for mono-repos that skips its own build when nothing has changed (admins)"),
        Help("skip-step rotate", "new secrets for such steps; skip-step off ends it (admins)"),
    ),
)
