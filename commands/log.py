"""Show why a build failed: the failed step, the failed tests and the relevant lines of the log."""

from __future__ import annotations

from bot.builds import views
from bot.context import Context
from bot.domain.builds import Outcome
from bot.results import analysis
from bot.results.messages import log_message
from bot.slack import ids
from bot.slack.text import Message
from commands.command import Command, Help
from commands.interaction import Action, Typed
from commands.status import answer_about_build
from storage.builds import BuildRow


async def show_log(ctx: Context, interaction: Typed | Action) -> None:
    await ctx.permissions.check_may_act(interaction.actor)
    await answer_about_build(ctx, interaction, explain_failure, is_meant=lambda build: build.outcome == Outcome.FAILED)


async def explain_failure(ctx: Context, build: BuildRow) -> Message:
    failure = await analysis.explain(ctx, build)
    return log_message(await views.load_view(ctx, build), failure)


COMMAND = Command(
    "log",
    run=show_log,
    topic="Track",
    help=(
        Help("log", "show why the last failed build in this channel failed"),
        Help("log shop #812", "show why a build failed: the step, the tests, the log lines"),
    ),
    actions={ids.BUILD_LOG: show_log},
)
