"""Start a build, typed or with the form, and answer the question that comes when an identical one is running."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot import apps, connection, outbox
from bot.bitrise.models import RESERVED_PREFIX
from bot.builds import queries, start, views
from bot.builds.parameters import StartRequest
from bot.builds.start import Started
from bot.context import Context
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.fields import Checkbox, Slot, Text, quote_value
from bot.slack.forms import Form, redrawn
from bot.slack.text import Message, clean, isolate, one_line
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Submission, Typed, open_view
from commands.start_syntax import read_start
from commands.suggestions import (
    Target,
    app_field,
    app_option,
    branch_field,
    branch_option,
    target_field,
    target_option,
)
from storage import apps as app_rows
from storage import requests as request_rows

MESSAGE_LIMIT = 300
REVISION_LIMIT = 255
KEY_LIMIT = 200

Revision = tuple[str | None, str | None]
"""A commit or a tag, or neither."""

KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
NO_SPACES = re.compile(r"\S+")


async def start_build(ctx: Context, typed: Typed) -> Message:
    request = read_start(typed.words)
    unique_key = f"command:{typed.trigger_id}"
    started = await start.request_start(ctx, typed.actor, request, unique_key=unique_key, channel=typed.channel)
    return await answer_start(ctx, started)


async def answer_start(ctx: Context, started: Started, *, not_repeated: Sequence[str] = ()) -> Message:
    """Confirm an accepted start, or ask about a held one. A rebuild names what it can't repeat."""
    parameters = started.parameters
    code = (parameters.commit or "")[:7] or parameters.tag or parameters.branch
    target = f" {in_code(parameters.target)}" if parameters.target else ""
    description = f"{isolate(started.app.title)}{target}{f' on {in_code(code)}' if code else ''}"
    if not started.is_held:
        note = f" Not repeated: {', '.join(clean(name, 60) for name in not_repeated)}." if not_repeated else ""
        return replies.reply(f"Starting {description}. The card follows.{note}")
    if started.identical is None:
        return replies.duplicate_requested(description, request_id=started.request_id)
    view = await views.load_view(ctx, started.identical)
    return replies.duplicate_running(view, request_id=started.request_id, now=ctx.clock.now())


def in_code(name: str) -> str:
    """Format a name as code, not escaped. A backtick would end the code, so it becomes an apostrophe."""
    return f"`{name.replace('`', chr(39))}`"


async def start_anyway(ctx: Context, action: Action) -> Message:
    request_id, _ = replies.read_answer(action.value)
    is_new = await start.confirm_start(ctx, action.actor, request_id)
    return replies.answered("Starting another one. The card follows." if is_new else "That was answered already.")


async def follow_build(ctx: Context, action: Action) -> Message:
    """Drop the start and show the card of the running build, unless the channel has it."""
    request_id, build_slug = replies.read_answer(action.value)
    build = await queries.get_stored_build(ctx, action.actor, build_slug)
    if not await start.cancel_start(ctx, action.actor, request_id):
        return replies.answered("That was answered already.")
    if await queries.has_card_here(ctx, action.actor, build):
        return replies.answered("Its card is in this channel already: it is the one to watch.")
    await queries.post_card(ctx, action.actor, build)
    return replies.answered("You follow that build here.")


# The form.


def read_branch(name: str) -> str:
    if not NO_SPACES.fullmatch(name):
        raise BuildbellError("A branch has no blanks in its name.")
    return name


def read_revision(text: str) -> Revision:
    """Read a commit or a tag; ``commit:`` or ``tag:`` in front decides which it is."""
    line = one_line(text)
    kind, colon, rest = line.partition(":")
    is_named = bool(colon) and kind.lower() in ("tag", "commit")
    name = rest.strip() if is_named else line
    is_commit, is_hash = is_named and kind.lower() == "commit", bool(COMMIT.fullmatch(name))
    if not line:
        return None, None
    if not NO_SPACES.fullmatch(name):
        raise BuildbellError(f"{quote_value(line)} is neither a commit nor a tag: it has blanks or no name.")
    if is_commit and not is_hash:
        raise BuildbellError(f"{quote_value(name)} is no commit: it takes 7 to 40 hex digits.")
    return (name, None) if is_commit or (is_hash and not is_named) else (None, name)


def read_environment(text: str) -> tuple[tuple[str, str], ...]:
    """Read KEY=value lines in order. An error names the line, never the value, which may be a secret after all."""
    environment: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not equals:
            raise BuildbellError(f"Line {number}: there is no “=”. Write one KEY=value a line.")
        if not KEY.fullmatch(key) or len(key) > KEY_LIMIT:
            problem = f"{quote_value(key)} is no variable name. It takes letters, digits and underscores."
            raise BuildbellError(f"Line {number}: {problem}")
        if key.upper().startswith(RESERVED_PREFIX):
            raise BuildbellError(f"Line {number}: names that begin with {RESERVED_PREFIX} are kept for Buildbell.")
        if key in environment:
            raise BuildbellError(f"Line {number}: {key} is there twice.")
        environment[key] = value
    return tuple(environment.items())


def check_start(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Bitrise needs a workflow, a branch, a commit or a tag. An invalid field isn't among the values and counts."""
    if any(values.get(name, True) for name in ("target", "branch")) or values.get("revision") != (None, None):
        return {}
    return {"branch": "Give a workflow, a branch, or a commit or tag: Bitrise needs one of them."}


def start_from_values(
    app_slug: str, target: Target | None, revision: Revision, message: str, anyway: bool, **others: Any
) -> tuple[StartRequest, bool]:
    """Return the start, and whether to start even if an identical build is running."""
    (workflow, pipeline), (commit, tag) = (target.workflow, target.pipeline) if target else (None, None), revision
    others |= {"workflow": workflow, "pipeline": pipeline, "commit": commit, "tag": tag, "message": message or None}
    return StartRequest(app=app_slug, **others), anyway


FORM = Form(
    ids.BUILD_START, "start", title="Start a build", submit="Start", record=start_from_values, check=check_start,
    fields=(
        Slot("note"),
        app_field(missing="Choose an app.", dispatch=True),
        target_field(
            "Workflow or pipeline", "Left empty, the app's trigger map decides, which may start several builds."
        ),
        branch_field(parse=read_branch),
        Text(
            "revision", "Commit or tag", optional=True, limit=REVISION_LIMIT, parse=read_revision,
            hint="7 to 40 hex digits are a commit, anything else is a tag. "
            "Write tag:20240801 where that would be wrong.",
        ),
        Text(
            "environment", "Environment variables", optional=True, multiline=True, parse=read_environment,
            placeholder="FLAVOR=beta",
            hint="One KEY=value a line, taken as written: $NAME is not replaced. Not for secrets; Bitrise shows them.",
        ),
        Text("message", "Build message", placeholder="Why this build?", optional=True, limit=MESSAGE_LIMIT),
        Checkbox("anyway", "If it already runs", "Start even if the same build already runs"),
    ),
)  # fmt: skip


async def open_form(ctx: Context, interaction: Interaction) -> None:
    """Open the form for the app that was typed, or for the channel's app."""
    actor = interaction.actor
    await ctx.permissions.check_may_act(actor)
    await connection.require(ctx, actor.workspace_id)
    name = interaction.words.tail() if isinstance(interaction, Typed) else ""
    app = await apps.get_app(ctx, actor.workspace_id, name) if name else None
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id or "")
    slug = app.app_slug if app else channel.app_slug
    initial = await load_initial_values(ctx, actor, slug) if slug else {}
    await open_view(ctx, interaction, FORM.view(channel_id=actor.channel_id, **initial))


async def load_initial_values(ctx: Context, actor: Actor, app_slug: str) -> dict[str, Any]:
    """Return the channel's defaults for an app, or what was last started here."""
    app = await apps.find_app(ctx, actor.workspace_id, app_slug)
    if app is None:
        return {}
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id or "")
    last = await request_rows.find_last_start(ctx.db, actor.workspace_id, actor.channel_id or "", app_slug)
    is_default = channel.app_slug == app_slug
    workflow = (channel.workflow if is_default else None) or (last.workflow if last else None)
    branch = (channel.branch if is_default else None) or (last.branch if last else None)
    pipelines = await apps.list_pipelines(ctx, actor.workspace_id, app_slug)
    target = Target(workflow, is_pipeline=workflow in pipelines) if workflow else None
    return {
        "app_slug": app_option(app_slug, await apps.find_title(ctx, actor.workspace_id, app_slug)),
        "target": target_option(target),
        "branch": branch_option(branch),
    }


async def change_app(ctx: Context, action: Action) -> None:
    """Redraw the form, so that its fields suggest the chosen app's workflows and branches."""
    slack, view = ctx.slack(action.actor.workspace_id), action.view
    await slack.update_view(view["id"], redrawn(view), hash=view["hash"])


async def submit_form(ctx: Context, submission: Submission) -> None:
    (request, is_anyway), actor = FORM.read(submission.view), submission.actor
    unique_key = f"view:{submission.view['id']}"
    started = await start.request_start(ctx, actor, request, unique_key=unique_key, start_anyway=is_anyway)
    if started.is_held:
        await outbox.answer_privately(ctx, actor, await answer_start(ctx, started))


COMMAND = Command(
    "start",
    run=start_build,
    help=(
        Help(
            'shop deploy release/3.2 FLAVOR=beta "try the new login"',
            "starts a build; what you leave out comes from this channel's settings, then from the last start here",
        ),
        Help(
            "workflow: deploy|branch: main|env[FLAVOR]: beta", "the same in the syntax of Bitrise's own slash command"
        ),
    ),
    actions={
        ids.BUILD_START_ANYWAY: start_anyway,
        ids.BUILD_JOIN: follow_build,
        ids.HOME_START: open_form,
        FORM.id("app_slug"): change_app,
    },
    shortcuts={ids.BUILD_START: open_form},
    views={ids.BUILD_START: submit_form},
    options=FORM.options,
)
FORM_COMMAND = Command(
    "form", run=open_form, help=(Help("", "opens the form: app, workflow, branch, environment, message"),)
)
