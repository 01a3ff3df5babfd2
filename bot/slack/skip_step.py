"""The step that asks for a skip, ready to paste: the secret, where it goes, and the script."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from slack_sdk.models.blocks import RichTextBlock, RichTextElementParts, RichTextPreformattedElement

from bot.slack.blocks import message, section
from bot.slack.text import Message, code, escape, quoted

EXAMPLE_URL = "https://buildbell.example.com/ci/skip"
VARIABLE = "BUILDBELL_SKIP_SECRET"


def script(url: str) -> str:
    """What is pasted into a *Script* step, for the bot at that address."""
    return resources.files("bot.slack").joinpath("skip_step.sh").read_text(encoding="utf-8").replace(EXAMPLE_URL, url)


def to_paste(app_title: str, *, url: str, secret: str, reasons: Sequence[str], command: str) -> Message:
    """Told privately, for the secret is in it."""
    told = f"A step of a build of {quoted(app_title, 100)} can have its build stopped when nothing has changed for it."
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
    element = RichTextPreformattedElement(elements=[RichTextElementParts.Text(text=script(url))])
    text = f"{told} See the message for the secret and the script."
    return message(text, section(told), section(store), section(paste), RichTextBlock(elements=[element]))


def rotated(command: str) -> str:
    return (
        f"Done: the secrets of all apps are new, and the ones before are worth nothing. "
        f"{escape(command)} skip-step shop shows an app's."
    )


def switched_off(*, was_on: bool) -> str:
    if not was_on:
        return "It is off already: no step of a build can have anything stopped."
    return "Done: no step of a build can have anything stopped any more; those that ask go on."
