"""List the recent builds of an app, filtered, in pages."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from bot import apps, connection
from bot.apps import AppNames
from bot.builds import queries, views
from bot.builds.queries import NEWEST, ListQuery
from bot.builds.start import command_text
from bot.context import Context
from bot.domain.builds import Cause, State
from bot.errors import InvalidInput, Suggestion
from bot.fuzzy import nearest
from bot.permissions import Actor
from bot.slack import build_lists, ids
from bot.slack.text import Message, escape, isolate
from commands.command import Command, Help
from commands.grammar import CAUSES, RESULTS, Grammar, choice, one_name
from commands.interaction import Action, Typed, run_in_background
from commands.tokenizer import ArgumentsUnclear, Words, quote_input
from storage.apps import AppRow

EVENTS = {Cause.PUSH: "push", Cause.PULL_REQUEST: "pull-request", Cause.TAG: "tag"}
MAX_PAGE = 1_000


def read_page_number(value: str) -> int:
    page = int(value) if re.fullmatch(r"[0-9]{1,4}", value) else 0
    if not 1 <= page <= MAX_PAGE:
        raise ArgumentsUnclear(f"{quote_input(value)} isn't a page number.", f"Use 1 to {MAX_PAGE:,}.")
    return page


def read_bare_result(word: str) -> tuple[str, Any] | None:
    result = RESULTS.get(word.lower())
    return ("outcome", result) if result else None


GRAMMAR = Grammar(
    positional=("app", "workflow", "branch"),
    keys={
        "app": str,
        "workflow w": one_name,
        "branch b": one_name,
        "outcome state status": choice("outcome", RESULTS),
        "cause": choice("cause", CAUSES),
        "by": str,
        "page": read_page_number,
    },
    bare=read_bare_result,
    example="workflow:deploy branch:main outcome:failed",
)


def read_list(words: Words) -> dict[str, Any]:
    """Return the options of ``shop failed branch:main by:@ana page:2`` by name; a state isn't an outcome."""
    return {"state" if isinstance(part.value, State) else part.name: part.value for part in GRAMMAR.parts(words)}


async def show_list(ctx: Context, typed: Typed) -> None:
    options = read_list(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if options.get("state") in (State.RUNNING, State.QUEUED):
        raise InvalidInput(f"Run `{ctx.settings.command} status` to see running and queued builds.")
    event = EVENTS.get(options["cause"]) if "cause" in options else None
    if "by" in options or ("cause" in options and event is None):
        raise InvalidInput(
            "Bitrise lists builds by workflow, branch, outcome, and the causes push, pull-request and tag only."
        )
    if options.get("page", 1) > 1:
        raise InvalidInput("Lists have no page numbers. Use the button *Older* below the list.")
    query = ListQuery(options.get("app"), options.get("workflow"), options.get("branch"), options.get("outcome"), event)
    unnamed = {part.name for part in GRAMMAR.parts(typed.words) if not part.key}
    run_in_background(ctx, typed, load_typed(ctx, typed.actor, query, unnamed), name="list")


async def load_typed(ctx: Context, actor: Actor, query: ListQuery, unnamed: Collection[str]) -> Message:
    """Load the first page. Words without a key have to be a workflow or branch of the app. Raises `InvalidInput`."""
    app = await queries.require_app(ctx, actor, query.app)
    workflow, branch = await place_names(ctx, app, query.workflow, query.branch, unnamed, verb="list")
    return await load_page(ctx, actor, replace(query, app=app.app_slug, workflow=workflow, branch=branch))


async def place_names(
    ctx: Context, app: AppRow, workflow: str | None, branch: str | None, unnamed: Collection[str], *, verb: str
) -> tuple[str | None, str | None]:
    """Return the workflow and branch of an app that were typed. Raises `InvalidInput` with the nearest name.

    A word without a key (``unnamed``) has to be a name that exists; a workflow's name matches in any case.
    """
    names = await apps.fetch_names(ctx, app.workspace_id, app.app_slug)
    if workflow and (target := names.find_target(workflow)):
        workflow = target
    elif "workflow" in unnamed and workflow in names.branches and branch is None:
        workflow, branch = None, workflow
    targets = (*names.workflows, *names.pipelines)
    pairs = (("workflow", workflow, targets), ("branch", branch, names.branches))
    word = next((word for name, word, known in pairs if name in unnamed and word and word not in known), None)
    if word is None or names == AppNames():
        return workflow, branch
    near = nearest(word, [*targets, *names.branches])
    meant = (near, None) if near in targets else (None, near)
    text = f"{verb} {command_text(app=app.app_slug, workflow=meant[0], branch=meant[1])}"
    raise InvalidInput(
        f"{quote_input(word)} isn't a known workflow or branch of {app.title}."
        + (f" Did you mean {quote_input(near)}?" if near else ""),
        suggestions=(Suggestion(f"{verb.capitalize()} {near}", escape(text)),) if near else (),
    )


async def load_page(ctx: Context, actor: Actor, query: ListQuery) -> Message:
    page = await queries.list_builds(ctx, actor, query)
    return build_lists.build_list(
        " · ".join([f"Builds of {isolate(page.app.title)}", *query.filters.values()]),
        await views.load_views(ctx, page.builds),
        {"app": page.app.app_slug} | query.filters,
        newer=" ".join(query.starts[:-1]) or None,
        older=" ".join((*query.starts, page.next)) if page.next else None,
    )


async def turn_page(ctx: Context, action: Action) -> None:
    """Replace the list with the page of the button."""
    filters, start = build_lists.read_page(action.value)
    kept = {name: filters.get(name) for name in ("app", "workflow", "branch", "outcome", "event")}
    query = ListQuery(**kept, starts=tuple(start.split()) or (NEWEST,))
    run_in_background(ctx, action, load_page(ctx, action.actor, query), name="turn page", replace=True)


COMMAND = Command(
    "list",
    run=show_list,
    topic="Track",
    help=(
        Help("list shop", "list recent builds, newest first"),
        Help(
            "list shop workflow:deploy branch:main outcome:failed",
            "filter the list; also cause:push, pull-request or tag",
        ),
    ),
    actions={ids.any_number(ids.BUILD_LIST_PAGE): turn_page},
)
