"""Stop a build: the button, the reason, the submission."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import connection
from bot.builds import abort, queries, views
from bot.builds.bulk_abort import BulkFilter
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.forms import Payload as View
from bot.slack.forms import notice
from bot.slack.text import Message
from commands.abort_form import FORM, abort_form, build_finished
from commands.build_reference import read_build
from commands.bulk_abort import ask_about_matches
from commands.command import Command, Help
from commands.grammar import OPTION, Grammar, one_name, unknown, without_value
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    later,
    pressed_value,
)
from commands.status import running
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage.builds import BuildRow

CATEGORIES = {
    text.casefold().replace("-", " "): reason for reason in REASONS_TO_CHOOSE for text in (reason.value, reason.label)
}
OLDER = "older"
TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<note>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AbortArguments:
    """One build, or the filters that pick running builds of an app, and the reason.

    ``category`` is None when nothing typed names one; ``sentence`` is the reason in the person's own words.
    """

    build: BuildRef = field(default_factory=BuildRef)
    filters: BulkFilter = field(default_factory=BulkFilter)
    category: Reason | None = None
    sentence: str = ""


async def ask_to_abort(typed: Typed, ctx: Context) -> Message | None:
    """Typed: the form for a build that is named, the one for all that fit a filter, else a list to choose from."""
    arguments = read_abort(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if not arguments.build.names_build:
        if arguments.filters.is_narrowed:
            await ask_about_matches(typed, arguments.filters, ctx, arguments.category, arguments.sentence)
            return None
        listed = running(typed.actor, arguments.build.app, ctx, may_stop_all=True)
        later(ctx, typed.actor, listed, name="abort list", typed=typed)
        return None
    slack = ctx.slack(typed.actor.workspace_id)
    # Looking may take longer than a trigger lives: the modal comes first, what it shows when it is known.
    view_id = await slack.open_view(typed.trigger_id, notice("Stop a build", "⏳ Looking for that build…"))
    later(ctx, typed.actor, fill_form(typed.actor, view_id, arguments, ctx), name="abort form", typed=typed)
    return None


async def fill_form(actor: Actor, view_id: str, arguments: AbortArguments, ctx: Context) -> None:
    slack = ctx.slack(actor.workspace_id)
    try:
        build = await queries.get_build(ctx, actor, arguments.build)
    except Exception:
        await slack.update_view(view_id, notice("Stop a build", "I can't show that build; my message says why."))
        raise
    await slack.update_view(view_id, await form_for(actor, build, ctx, arguments))


async def ask_abort_reason(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        build = await queries.get_stored_build(ctx, actor, pressed_value(action))
        view = await form_for(actor, build, ctx)
        await ctx.slack(actor.workspace_id).open_view(body["trigger_id"], view)


async def form_for(actor: Actor, build: BuildRow, ctx: Context, arguments: AbortArguments | None = None) -> View:
    """The stop form, or how the build has ended already."""
    shown = await views.load_view(ctx, build)
    if build.is_finished:
        return build_finished(shown)
    return abort_form(
        shown,
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=arguments.category if arguments else None,
        sentence=arguments.sentence if arguments else "",
    )


async def abort_build(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        await abort.request_abort(ctx, actor_of_press(body), FORM.read(view))
        await ack()


# The text.


def read_pull_request(text: str) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise ArgumentsUnclear(f"{quote_input(text)} is no number of a pull request.", "Write it as in `pr:123`.")
    return int(match[1])


def find_category(text: str) -> Reason | None:
    return CATEGORIES.get(text.casefold().replace("-", " ").strip(" .!"))


def read_category(text: str) -> Reason:
    if category := find_category(text):
        return category
    raise unknown("reason", text, [reason.value for reason in REASONS_TO_CHOOSE])


GRAMMAR = Grammar(
    keys={"branch b": one_name, "workflow w": one_name, "pr pull-request": read_pull_request, "reason": read_category}
)


def read_abort(words: Words) -> AbortArguments:
    """``shop #812 wrong branch``, ``shop branch:main reason:stuck``. Raises ArgumentsUnclear.

    What follows the build and the filters is the reason, however it looks.
    """
    build, (options, words) = BuildRef(), read_leading_options(words)
    if not options or names_app_or_build(words):
        build, words = read_build(words)
        more, words = read_leading_options(words, names_build=build.names_build)
        options |= more
    if not build.names_build:
        check_filter(words, is_picked=bool(options.keys() - {"reason"}))
    filters = BulkFilter(
        app=build.app,
        branch=options.get("branch"),
        workflow=options.get("workflow"),
        pull_request_id=options.get("pr"),
        is_older=OLDER in options,
    )
    if "reason" in options:
        return AbortArguments(build, filters, options["reason"], words.tail())
    return AbortArguments(build, filters, *read_reason(words.tail()))


def read_leading_options(words: Words, *, names_build: bool = False) -> tuple[dict[str, Any], Words]:
    """Read the options at the beginning. After a build, only a category is one; filters are a part of the reason."""
    options: dict[str, Any] = {}
    for count, word in enumerate(words.words):
        match = None if word.quoted else OPTION.fullmatch(word.text)
        name = GRAMMAR.names.get(match["key"].lower()) if match and match["value"] else None
        if not names_build and not word.quoted and word.text.lower() == OLDER:
            options[OLDER] = True
        elif match is None or name is None or (names_build and name != "reason"):
            return options, words.after(count)
        else:
            options[name] = GRAMMAR.readers[name](match["value"])
    return options, words.after(len(words.words))


def check_filter(words: Words, *, is_picked: bool) -> None:
    """Refuse a misspelt filter: taken for a reason, it would stop other builds than those that are meant."""
    match = OPTION.fullmatch(words.words[0].text) if words and not words.words[0].quoted else None
    if match is None or match["value"].startswith("//"):
        return
    if match["key"].lower() in GRAMMAR.names:
        raise without_value(match["key"])
    if not is_picked:
        raise unknown("filter", f"{match['key']}:", GRAMMAR.names)


def names_app_or_build(words: Words) -> bool:
    """Whether an app or a build follows the filters: only what is plainly one; anything else begins the reason."""
    return bool(words) and not words.words[0].quoted and bool(re.match(r"app:.|#[0-9]", words.words[0].text))


def read_reason(text: str) -> tuple[Reason | None, str]:
    """Return the category that a text is, or has as ``[tag]`` in front, and the rest of it."""
    if (match := TAGGED.fullmatch(text)) and (category := find_category(match["tag"])):
        return category, match["note"]
    category = find_category(text)
    return category, "" if category else text


COMMAND = Command(
    "abort",
    run=ask_to_abort,
    aliases=("stop", "cancel"),
    help=(
        Help(
            "abort shop #812 wrong branch", "asks for the reason and what to report, then stops; also {command}-abort"
        ),
        Help("abort shop", "what runs in an app, each with a button to stop it, and one to choose several"),
        Help("abort shop branch:feature/x workflow:deploy", "what fits, to be stopped together; also pr:123"),
        Help(
            "abort shop older", "what a newer build of the same branch or pull request replaces, to be stopped together"
        ),
    ),
    actions={ids.BUILD_STOP: ask_abort_reason},
    views={ids.BUILD_ABORT: abort_build},
)
