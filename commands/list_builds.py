"""Recent builds of an app, filtered, a page at a time."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import connection
from bot.builds import queries, views
from bot.builds.queries import ListFilters
from bot.context import Context
from bot.domain.builds import Cause, State
from bot.errors import InvalidInput
from bot.permissions import Actor
from bot.slack import build_lists as lists
from bot.slack import ids
from bot.slack.text import Message
from commands.command import Command, Help
from commands.grammar import CAUSES, RESULTS, Grammar, choice, one_name
from commands.interaction import Payload, Typed, actor_of_press, answering, later, pressed_value, replace_question
from commands.tokenizer import ArgumentsUnclear, Words, quote_input

EVENTS = {Cause.PUSH: "push", Cause.PULL_REQUEST: "pull-request", Cause.TAG: "tag"}
NEWEST = "-"
MAX_PAGE = 1_000


def page_number(value: str) -> int:
    page = int(value) if re.fullmatch(r"[0-9]{1,4}", value) else 0
    if not 1 <= page <= MAX_PAGE:
        raise ArgumentsUnclear(f"{quote_input(value)} is no page.", f"Pages go from 1 to {MAX_PAGE:,}.")
    return page


def bare_result(word: str) -> tuple[str, Any] | None:
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
        "page": page_number,
    },
    bare=bare_result,
    example="workflow:deploy branch:main outcome:failed",
)


def read_list(words: Words) -> dict[str, Any]:
    """``shop failed branch:main by:@ana page:2``, by name; a state stands apart from an outcome."""
    return {"state" if isinstance(part.value, State) else part.name: part.value for part in GRAMMAR.parts(words)}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list. ``places`` are the builds at which this page and those before it begin, for the way back."""

    app: str | None
    filters: ListFilters
    places: tuple[str, ...] = (NEWEST,)


async def show_list(typed: Typed, ctx: Context) -> Message | None:
    options = read_list(typed.words)
    await connection.require(ctx, typed.actor.workspace_id)
    if options.get("state") in (State.RUNNING, State.QUEUED):
        raise InvalidInput(f"What runs now is shown by {ctx.settings.command} status.")
    later(ctx, typed.actor, page(typed.actor, page_of(options), ctx), name="list", typed=typed)
    return None


def page_of(options: Mapping[str, Any]) -> Page:
    event = EVENTS.get(options["cause"]) if "cause" in options else None
    if "by" in options or ("cause" in options and event is None):
        raise InvalidInput(
            "Bitrise can list by workflow, branch, outcome, and the causes push, pull-request and tag only."
        )
    if options.get("page", 1) > 1:
        raise InvalidInput("Bitrise knows no page numbers: ask for the list, then press Older.")
    filters = ListFilters(options.get("workflow"), options.get("branch"), options.get("outcome"), event)
    return Page(options.get("app"), filters)


async def turn_page(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        wanted = read(pressed_value(action))

        async def turn() -> Message | None:
            replace_question(ctx, actor, await page(actor, wanted, ctx))
            return None

        later(ctx, actor, turn(), name="turn page")


async def page(actor: Actor, wanted: Page, ctx: Context) -> Message:
    begins_at = wanted.places[-1]
    filters = dataclasses.replace(wanted.filters, next=None if begins_at == NEWEST else begins_at)
    listed = await queries.list_builds(ctx, actor, wanted.app, filters)
    narrowed = {key: text for key, text in dataclasses.asdict(wanted.filters).items() if text}
    return lists.build_list(
        lists.ListPage(
            heading=" · ".join([f"Builds of {listed.app.title}", *narrowed.values()]),
            builds=await views.load_views(ctx, listed.builds),
            filters={"app": listed.app.app_slug} | narrowed,
            newer=" ".join(wanted.places[:-1]) or None,
            older=" ".join((*wanted.places, listed.next)) if listed.next else None,
        )
    )


def read(value: str) -> Page:
    """The page a button leads to."""
    filters, start = lists.read_page(value)
    app = filters.pop("app", None)
    known = {field.name for field in dataclasses.fields(ListFilters)}
    kept = {key: text for key, text in filters.items() if key in known}
    return Page(app, ListFilters(**kept), tuple(start.split()) or (NEWEST,))


COMMAND = Command(
    "list",
    run=show_list,
    help=(
        Help("list shop", "the app's recent builds, newest first, with pages"),
        Help(
            "list shop workflow:deploy branch:main outcome:failed", "only those; also cause:push, pull-request or tag"
        ),
    ),
    actions={ids.any_number(ids.BUILD_LIST_PAGE): turn_page},
)
