"""Stop a build: the typed command, the button, the form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

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
from commands.abort_form import FORM, abort_form, build_finished
from commands.build_reference import read_build
from commands.bulk_abort import ask_about_matches
from commands.command import Command, Help
from commands.grammar import OPTION, Grammar, one_name, unknown, without_value
from commands.interaction import Action, Submission, Typed, open_view, run_in_background
from commands.status import load_running
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage.builds import BuildRow

CATEGORIES = {
    text.casefold().replace("-", " "): reason for reason in REASONS_TO_CHOOSE for text in (reason.value, reason.label)
}
OLDER = "older"
TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<note>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AbortArguments:
    """One build or the filters for running builds of an app, and the reason: a category and the person's sentence."""

    build: BuildRef = field(default_factory=BuildRef)
    filters: BulkFilter = field(default_factory=BulkFilter)
    category: Reason | None = None
    sentence: str = ""


async def abort_typed(ctx: Context, typed: Typed) -> None:
    """Open the form for the build that was named or for all that match the filters; else list what is running."""
    await ctx.permissions.check_may_act(typed.actor)
    arguments = read_abort(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if arguments.build.names_build:
        # A trigger expires in 3 s, and Bitrise may take longer: open the modal first, fill it when the build is known.
        view_id = await open_view(ctx, typed, notice("Stop a build", "⏳ Looking for that build…"))
        run_in_background(ctx, typed, fill_form(ctx, typed.actor, view_id, arguments), name="abort form")
    elif arguments.filters.is_narrowed:
        await ask_about_matches(ctx, typed, arguments.filters, arguments.category, arguments.sentence)
    else:
        running = load_running(ctx, typed.actor, arguments.build.app, may_stop_all=True)
        run_in_background(ctx, typed, running, name="abort list")


async def fill_form(ctx: Context, actor: Actor, view_id: str, arguments: AbortArguments) -> None:
    slack = ctx.slack(actor.workspace_id)
    try:
        build = await queries.get_build(ctx, actor, arguments.build)
    except Exception:
        await slack.update_view(view_id, notice("Stop a build", "Couldn't open that build. See the message for why."))
        raise
    await slack.update_view(view_id, await load_form(ctx, actor, build, arguments))


async def open_form(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    build = await queries.get_stored_build(ctx, action.actor, action.value)
    await open_view(ctx, action, await load_form(ctx, action.actor, build, AbortArguments()))


async def load_form(ctx: Context, actor: Actor, build: BuildRow, arguments: AbortArguments) -> View:
    """Return the form for a build, or a notice with its result if it has finished."""
    view = await views.load_view(ctx, build)
    if build.is_finished:
        return build_finished(view)
    return abort_form(
        view,
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=arguments.category,
        sentence=arguments.sentence,
    )


async def submit_form(ctx: Context, submission: Submission) -> None:
    await abort.request_abort(ctx, submission.actor, FORM.read(submission.view))


# The text.


def read_pull_request(text: str) -> int:
    match = re.fullmatch(r"#?([0-9]{1,9})", text)
    if match is None:
        raise ArgumentsUnclear(f"{quote_input(text)} isn't a pull request number.", "Use `pr:123`.")
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
        check_filter(words, has_filter=bool(options.keys() - {"reason"}))
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


def check_filter(words: Words, *, has_filter: bool) -> None:
    """Refuse an unknown filter: read as the reason, it would stop the wrong builds."""
    match = OPTION.fullmatch(words.words[0].text) if words and not words.words[0].quoted else None
    if match is None or match["value"].startswith("//"):
        return
    if match["key"].lower() in GRAMMAR.names:
        raise without_value(match["key"])
    if not has_filter:
        raise unknown("filter", f"{match['key']}:", GRAMMAR.names)


def names_app_or_build(words: Words) -> bool:
    """Whether an app or a build follows the filters. Anything in doubt begins the reason."""
    return bool(words) and not words.words[0].quoted and bool(re.match(r"app:.|#[0-9]", words.words[0].text))


def read_reason(text: str) -> tuple[Reason | None, str]:
    """Return the category that a text is, or has as ``[tag]`` in front, and the text that is left."""
    if (match := TAGGED.fullmatch(text)) and (category := find_category(match["tag"])):
        return category, match["note"]
    category = find_category(text)
    return category, "" if category else text


COMMAND = Command(
    "abort",
    run=abort_typed,
    aliases=("stop", "cancel"),
    topic="Stop",
    help=(
        Help("abort shop #812 wrong branch", "stop a build with a reason; also {command}-abort"),
        Help("abort shop", "list running builds of an app, with buttons to stop them"),
        Help("abort shop branch:feature/x workflow:deploy", "stop several builds at once; also pr:123"),
        Help("abort shop older", "stop builds that a newer build supersedes"),
    ),
    actions={ids.BUILD_STOP: open_form},
    views={ids.BUILD_ABORT: submit_form},
)
