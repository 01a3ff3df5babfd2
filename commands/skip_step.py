"""Set up build steps that skip their own build: show the script and the secret, rotate the secrets, turn it off."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from bot.builds import queries, skip
from bot.builds.skip import SkipSecrets
from bot.context import Context
from bot.slack import ids, replies
from bot.slack.blocks import actions, button, message, preformatted, section
from bot.slack.text import Message, code, escape, plural, quoted
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import Action, Typed

EXAMPLE_URL = "https://buildbell.example.com/ci/skip"
VARIABLE = "BUILDBELL_SKIP_SECRET"
APPS_NAMED = 10
CHANGED = "Nothing was changed: the skip secrets were changed since you ran the command."


async def show_step(ctx: Context, typed: Typed) -> Message:
    """Show how to set up an app, or ask to ``rotate`` or turn ``off``. An app of such a name goes in quotes."""
    words, command = typed.words.words, ctx.settings.command
    only = words[0].text.lower() if len(words) == 1 and not words[0].quoted else ""
    if only in ("rotate", "off"):
        secrets = await skip.find_secrets(ctx, typed.actor)
        if secrets is None:
            return replies.reply(f"Skip steps are already off. To set one up, run `{command} skip-step shop`.")
        return confirm_change(secrets, rotate=only == "rotate")
    await ctx.permissions.check_may_connect(typed.actor)
    reference, _ = read_build(typed.words)  # a bare slug may be an app's as well as a build's
    app = await queries.require_app(ctx, typed.actor, reference.app or reference.slug)
    step = await skip.prepare_step(ctx, typed.actor, app.app_slug)
    return setup_message(app.title, url=step.url, secret=step.secret, reasons=step.reasons, command=command)


def confirm_change(secrets: SkipSecrets, *, rotate: bool) -> Message:
    """Ask before all secrets change, and name the apps that were set up with them."""
    titles = ", ".join(quoted(title, 100) for title in secrets.apps[:APPS_NAMED])
    more = f" and {len(secrets.apps) - APPS_NAMED:,} more" if len(secrets.apps) > APPS_NAMED else ""
    where = f"{plural(len(secrets.apps), 'app')}{f' ({titles}{more})' if titles else ''}"
    if rotate:
        question = f"Rotate the skip secrets of {where}? The current secrets stop working immediately."
        confirm = button(ids.SKIP_STEP_ROTATE, "Rotate secrets", value=secrets.fingerprint, style="danger")
    else:
        question = f"Turn off skip steps for {where}? Their secrets stop working immediately, and builds run in full."
        confirm = button(ids.SKIP_STEP_DISABLE, "Turn off", value=secrets.fingerprint, style="danger")
    return message(question, section(question), actions(confirm))


async def rotate_secrets(ctx: Context, action: Action) -> Message:
    if not await skip.replace_secrets(ctx, action.actor, action.value, rotate=True):
        return replies.answered(CHANGED)
    show = f"{escape(ctx.settings.command)} skip-step shop"
    return replies.answered(f"Rotated all skip secrets. To show the new one of an app, run {code(show)}.")


async def turn_off(ctx: Context, action: Action) -> Message:
    if not await skip.replace_secrets(ctx, action.actor, action.value, rotate=False):
        return replies.answered(CHANGED)
    return replies.answered("Turned off skip steps. Builds with such a step run in full.")


def setup_message(app_title: str, *, url: str, secret: str, reasons: Sequence[str], command: str) -> Message:
    """Explain the setup, privately because of the secret."""
    text = f"Set up a step that skips a build of {quoted(app_title, 100)} when there is nothing to build."
    store = (
        f"1. In Bitrise, open the app's *Workflow Editor*. Under *Secrets*, add {code(VARIABLE)}, not in the yml. "
        "*Expose for pull requests* lets builds of pull requests skip themselves, but their code can then read the "
        f"secret. Turn it on only if you trust all contributors.\n{code(secret, 200)}"
    )
    paste = (
        "2. After *Git Clone*, add a *Script* step with this content, and put your own check first. "
        f"Allowed reasons: {', '.join(map(code, reasons)) or 'none'}. Only {code('no-changes')} is reported as "
        f"passed. To replace the secrets of all apps, run {code(f'{command} skip-step rotate')}. To turn this off, run "
        f"{code(f'{command} skip-step off')}."
    )
    return message(
        f"{text} The message contains the secret and the script.",
        section(text), section(store), section(paste), preformatted(script(url)),
    )  # fmt: skip


def script(url: str) -> str:
    """Return the content of a *Script* step for the bot at that URL."""
    return resources.files("commands").joinpath("skip_step.sh").read_text(encoding="utf-8").replace(EXAMPLE_URL, url)


COMMAND = Command(
    "skip-step",
    run=show_step,
    topic="Admin",
    help=(
        Help("skip-step shop", "set up a step that skips its build if nothing changed (admins)"),
        Help("skip-step rotate", "replace the secrets of all skip steps; off turns them off (admins)"),
    ),
    actions={ids.SKIP_STEP_ROTATE: rotate_secrets, ids.SKIP_STEP_DISABLE: turn_off},
)
