"""Run a build again: the same parameters, asking first when the branch has moved on; or the form, filled in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot import apps, connection
from bot.builds import queries, rebuild, start, views
from bot.builds.parameters import StartRequest
from bot.builds.queries import BuildRef
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.fields import INPUT_LIMIT
from bot.slack.forms import notice
from bot.slack.text import Message, clean, length, quoted
from commands import start_form
from commands.build_reference import read_build
from commands.command import Command, Help
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    failed,
    later,
    pressed_value,
    replace_question,
)
from commands.start import answer_to
from commands.suggestions import Target, app_option, branch_option, target_option
from commands.tokenizer import quote_input
from storage.builds import BuildRow

LEFT_OUT_TOLD = 5

FORM = "form"


async def run_again(typed: Typed, ctx: Context) -> Message | None:
    reference, left = read_build(typed.words)
    if not reference.names_build:
        raise MissingArgument(f"Which build? For example: {ctx.settings.command} again shop #812")
    await connection.require(ctx, typed.actor.workspace_id)
    rest = left.tail().strip()
    if rest.lower() == FORM:
        view_id = await ctx.slack(typed.actor.workspace_id).open_view(
            typed.trigger_id, notice("Start a build", "⏳ Looking for that build…")
        )
        later(
            ctx, typed.actor, find_and_show_form(typed.actor, reference, view_id, ctx), name="again form", typed=typed
        )
        return None
    if rest:
        build = typed.words.as_typed().removesuffix(left.as_typed()).strip()
        raise InvalidInput(
            f"It starts with the same parameters, so {quote_input(rest)} has no place. "
            f"To change them, open the form: {quote_input(f'{ctx.settings.command} again {build} {FORM}')}"
        )

    async def work() -> Message | None:
        build = await queries.get_build(ctx, typed.actor, reference)
        return await start_again(typed.actor, build, typed.trigger_id, ctx)

    later(ctx, typed.actor, work(), name="again", typed=typed)
    return None


async def find_and_show_form(actor: Actor, reference: BuildRef, view_id: str, ctx: Context) -> None:
    async with telling_in_view(actor, view_id, ctx):
        build = await queries.get_build(ctx, actor, reference)
        await show_form(actor, build, view_id, ctx)


@asynccontextmanager
async def telling_in_view(actor: Actor, view_id: str, ctx: Context) -> AsyncIterator[None]:
    """What cannot be done is told in the modal that waits for it, and in a message when there are buttons to press."""
    try:
        yield
    except BuildbellError as error:
        await ctx.slack(actor.workspace_id).update_view(view_id, failed("Start a build", error))
        if error.suggestions:
            raise


async def press_again(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        build = await queries.get_stored_build(ctx, actor, pressed_value(action))
        later(ctx, actor, start_again(actor, build, body["trigger_id"], ctx), name="again")


async def press_again_form(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        build = await queries.get_stored_build(ctx, actor, pressed_value(action))
        view_id = await ctx.slack(actor.workspace_id).open_view(
            body["trigger_id"], notice("Start a build", "⏳ Asking Bitrise for its parameters…")
        )
        later(ctx, actor, fill_opened_form(actor, build, view_id, ctx), name="again form")


async def start_again(actor: Actor, build: BuildRow, trigger_id: str, ctx: Context) -> Message:
    wanted = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    if newer_commit is not None:
        ended = await views.load_view(ctx, build)
        # The question has an id of its own, so that its answer starts one build however often it is pressed.
        return replies.branch_moved(ended, request_id=trigger_id, newest_commit=newer_commit)
    asked = await start.request_start(ctx, actor, wanted, unique_key=f"again:{trigger_id}")
    return await answer_to(asked, ctx, not_repeated=wanted.not_repeated)


async def run_same_commit(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    await answer_moved(actor_of_press(body), action, ctx, is_same=True)


async def run_newest(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    await answer_moved(actor_of_press(body), action, ctx, is_same=False)


async def answer_moved(actor: Actor, action: Payload, ctx: Context, *, is_same: bool) -> None:
    async with answering(ctx, actor):
        question_id, build_slug = replies.read_answer(pressed_value(action))
        build = await queries.get_stored_build(ctx, actor, build_slug)

        async def start_chosen() -> Message | None:
            wanted = await rebuild.load_parameters(ctx, actor, build)
            chosen = rebuild.at_commit_of(wanted, build) if is_same else rebuild.at_newest_commit(wanted)
            asked = await start.request_start(ctx, actor, chosen, unique_key=f"again:{question_id}")
            replace_question(ctx, actor, await answer_to(asked, ctx))
            return None

        later(ctx, actor, start_chosen(), name="again")


async def fill_opened_form(actor: Actor, build: BuildRow, view_id: str, ctx: Context) -> None:
    async with telling_in_view(actor, view_id, ctx):
        await show_form(actor, build, view_id, ctx)


async def show_form(actor: Actor, build: BuildRow, view_id: str, ctx: Context) -> None:
    wanted = await rebuild.load_parameters(ctx, actor, build)
    newer_commit = await rebuild.find_newer_commit(ctx, actor, build)
    told = [left_out_note(wanted)]
    if newer_commit is not None:
        old, new = (build.commit_hash or "")[:7], newer_commit[:7]
        branch = clean(build.branch or "", 100)
        told.append(f"{branch} has moved from {old} to {new} since then. Without a commit the newest one is built.")
    app = await apps.find_app(ctx, actor.workspace_id, build.app_slug)
    view = start_form.FORM.view(
        channel_id=actor.channel_id,
        note=quoted(" ".join(filter(None, told)), 500),
        **initial_values(wanted, app.title if app else build.app_slug),
    )
    await ctx.slack(actor.workspace_id).update_view(view_id, view)


def initial_values(wanted: StartRequest, app_title: str) -> dict[str, Any]:
    return {
        "app_slug": app_option(wanted.app, app_title),
        "target": target_option(target_of(wanted)),
        "branch": branch_option(wanted.branch),
        "revision": wanted.commit or (f"tag:{wanted.tag}" if wanted.tag else None),
        "environment": "\n".join(fitting(wanted.environment).values()),
        "message": wanted.message,
    }


def target_of(wanted: StartRequest) -> Target | None:
    name = wanted.pipeline or wanted.workflow
    return Target(name, is_pipeline=wanted.pipeline is not None) if name else None


def fitting(environment: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Lines of the form's field by name: as many as it holds, and none for a value of several lines."""
    kept: dict[str, str] = {}
    for key, value in environment:
        line = f"{key}={value}"
        if len(line.splitlines()) == 1 and length("\n".join([*kept.values(), line])) <= INPUT_LIMIT:
            kept[key] = line
    return kept


def left_out_note(wanted: StartRequest) -> str:
    """What the form cannot hold is not sent by it, so it is said; empty when all is there."""
    target, kept = target_of(wanted), fitting(wanted.environment)
    left = [clean(key, 40) for key, _ in wanted.environment if key not in kept]
    left += ["the workflow"] if target and target_option(target) is None else []
    left += ["the branch"] if wanted.branch and branch_option(wanted.branch) is None else []
    left += [f"pull request #{wanted.others['pull_request_id']}"] if wanted.others.get("pull_request_id") else []
    left += ["the message"] if length(wanted.message or "") > start_form.MESSAGE_LIMIT else []
    more = f" and {len(left) - LEFT_OUT_TOLD} more" if len(left) > LEFT_OUT_TOLD else ""
    named = ", ".join(left[:LEFT_OUT_TOLD]) + more
    return f"What this form cannot hold is left out: {named}. Run again starts with everything." if left else ""


COMMAND = Command(
    "again",
    run=run_again,
    aliases=("retry", "rebuild"),
    help=(
        Help("again shop #812", "starts it with the same parameters; asks which commit when the branch has moved"),
        Help("again shop #812 form", "opens the form, filled in with its parameters"),
    ),
    actions={
        ids.BUILD_AGAIN: press_again,
        ids.BUILD_AGAIN_FORM: press_again_form,
        ids.BUILD_RUN_SAME_COMMIT: run_same_commit,
        ids.BUILD_RUN_NEWEST: run_newest,
    },
)
