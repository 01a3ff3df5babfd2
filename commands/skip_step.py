"""Set up build steps that skip their own build: the script to paste at Bitrise, new secrets, switching off."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from bot.builds import queries, skip
from bot.context import Context
from bot.slack import replies
from bot.slack.blocks import message, preformatted, section
from bot.slack.text import Message, code, escape, quoted
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Typed

EXAMPLE_URL = "https://buildbell.example.com/ci/skip"
VARIABLE = "BUILDBELL_SKIP_SECRET"


async def show_step(ctx: Context, typed: Typed) -> Message:
    """Show how to set up an app, or run ``rotate`` or ``off``; an app of such a name goes in quotes."""
    words, command = typed.words.words, ctx.settings.command
    only = words[0].text.lower() if len(words) == 1 and not words[0].quoted else ""
    if only == "rotate":
        await skip.rotate_secret(ctx, typed.actor)
        return replies.reply(
            "Done: the secrets of all apps are new, and the ones before are worth nothing. "
            f"{escape(command)} skip-step shop shows an app's."
        )
    if only == "off":
        if await skip.disable(ctx, typed.actor):
            return replies.reply("Done: no step of a build can have anything stopped any more; those that ask go on.")
        return replies.reply("It is off already: no step of a build can have anything stopped.")
    await ctx.permissions.check_may_connect(typed.actor)
    reference, _ = read_build(typed.words)  # a bare slug may be an app's as well as a build's
    app = await queries.require_app(ctx, typed.actor, reference.app or reference.slug)
    step = await skip.prepare_step(ctx, typed.actor, app.app_slug)
    return setup_message(app.title, url=step.url, secret=step.secret, reasons=step.reasons, command=command)


def setup_message(app_title: str, *, url: str, secret: str, reasons: Sequence[str], command: str) -> Message:
    """Explain the setup, privately because of the secret."""
    text = f"A step of a build of {quoted(app_title, 100)} can have its build stopped when nothing has changed for it."
    store = (
        f"1. At Bitrise, in the app's *Workflow Editor* under *Secrets*, add {code(VARIABLE)}. Not in the yml. "
        "*Expose for pull requests* lets builds of pull requests skip themselves, and lets their code read it: for "
        f"repositories whose contributors you trust.\n{code(secret, 200)}"
    )
    paste = (
        "2. Behind *Git Clone*, add a step *Script* with this, and put your own test in front. "
        f"Reasons a step may give here: {', '.join(map(code, reasons)) or 'none'}; only {code('no-changes')} is "
        f"reported green. {code(f'{command} skip-step rotate')} makes new secrets for all apps, "
        f"{code(f'{command} skip-step off')} ends it."
    )
    return message(
        f"{text} See the message for the secret and the script.",
        section(text), section(store), section(paste), preformatted(script(url)),
    )  # fmt: skip


def script(url: str) -> str:
    """Return the content of a *Script* step for the bot at that URL."""
    return resources.files("commands").joinpath("skip_step.sh").read_text(encoding="utf-8").replace(EXAMPLE_URL, url)


COMMAND = Command(
    "skip-step",
    run=show_step,
    help=(
        Help("skip-step shop", "a step for mono-repos that skips its own build when nothing has changed (admins)"),
        Help("skip-step rotate", "new secrets for such steps; skip-step off ends it (admins)"),
    ),
)
