"""Accept starts: look for an identical build, store one request and one job; and the parameters of a start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot import apps, connection, requests
from bot.app_names import not_found
from bot.bitrise.mapping import hash_parameters
from bot.context import Context
from bot.engine import Job
from bot.errors import BitriseError, BitriseNotFound, BuildbellError, Suggestion
from bot.fuzzy import nearest
from bot.permissions import Actor
from bot.slack.text import code, escape, unmarked
from storage import CommitUnknown, Transaction
from storage import builds as build_rows
from storage import requests as request_rows
from storage.apps import AppRow
from storage.builds import BuildRow
from storage.requests import RequestRow
from storage.workspaces import ChannelContext

START = "start"
MAX_WORKFLOWS = 10
"""Listed when an unknown one was refused."""
TRIGGER_MAP = "trigger-map"
"""The word that leaves the choice of workflows to the app's trigger map."""
_PLAIN = re.compile(rf"(?!(?i:help|{TRIGGER_MAP})\Z)[\w.@][\w./@+-]*")
_BEFORE_QUOTE = re.compile(r'(\\*)("|\Z)')


@dataclass(frozen=True, slots=True)
class StartParameters:
    """A start without gaps, as it is sealed into the request. Without a workflow the app's trigger map decides.

    The values of the environment may be secret, so they aren't in the repr.
    """

    app_slug: str
    workflow: str | None = None
    pipeline: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit: str | None = None
    environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    message: str | None = None
    expanded: tuple[str, ...] = ()
    """The variables in whose values ``$NAME`` is expanded: those of a build that is rebuilt."""
    others: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Fields of `bot.bitrise.models.REPEATABLE` from the build that is rebuilt."""

    @property
    def target(self) -> str | None:
        return self.pipeline or self.workflow

    @property
    def code(self) -> str | None:
        """The commit, tag or branch, as people see it."""
        return (self.commit or "")[:7] or self.tag or self.branch

    @property
    def digest(self) -> str:
        return hash_parameters(
            workflow=self.workflow,
            pipeline=self.pipeline,
            branch=self.branch,
            tag=self.tag,
            commit=self.commit,
            environment=self.environment,
            others=self.others,
        )

    def fields(self) -> dict[str, Any]:
        """Return the fields for JSON. `dataclasses.asdict` would copy immutable values."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def read(cls, fields: dict[str, Any]) -> StartParameters:
        """Restore the parameters from `fields` after JSON."""
        environment = tuple((key, value) for key, value in fields["environment"])
        return cls(**fields | {"environment": environment, "expanded": tuple(fields.get("expanded", ()))})


def describe_start(app_title: str, parameters: StartParameters) -> str:
    """``*deploy* for iOS Shop on `main` ``, as mrkdwn."""
    title = unmarked(app_title, 80)
    target = f"*{unmarked(parameters.target, 80)}* for {title}" if parameters.target else title
    return f"{target} on {code(parameters.code, 100)}" if parameters.code else target


def command_text(
    words: Sequence[str] = (),
    *,
    environment: Sequence[tuple[str, str]] = (),
    message: str | None = None,
    **options: str | None,
) -> str:
    """Return a start as a person would type it. The words are app, workflow and branch, as far as they are known."""
    named = {"workflow" if key == "pipeline" else key for key, value in options.items() if value}
    keys = [key for key in ("app", "workflow", "branch") if key not in named]
    parts = []
    for place, (word, key) in enumerate(zip(words, keys, strict=False)):
        is_plain = _PLAIN.fullmatch(word) and (key != "app" or not word.isdecimal())
        is_first = place == 0 and key == "app"
        parts.append(word if is_plain else quote_argument(word) if is_first else f"{key}:{quote_argument(word)}")
    for key, value in options.items():
        parts += [f"{key}:{value if _PLAIN.fullmatch(value) else quote_argument(value)}"] if value else []
    for key, value in environment:
        parts.append(f"{key}={value if _PLAIN.fullmatch(value) else quote_argument(value)}")
    return " ".join([*parts, *([f"message:{quote_argument(message)}"] if message else [])])


def command_text_of(parameters: StartParameters) -> str:
    """Return the command text of a start that was typed or entered, without its others."""
    names = ("workflow", "pipeline", "branch", "tag", "commit")
    options = {name: getattr(parameters, name) for name in names}
    environment, message = parameters.environment, parameters.message
    return command_text(app=parameters.app_slug, environment=environment, message=message, **options)


def quote_argument(text: str) -> str:
    """Quote a text so that the tokenizer reads it back."""
    return '"' + _BEFORE_QUOTE.sub(lambda run: run[1] * 2 + ('\\"' if run[2] else ""), text) + '"'


@dataclass(frozen=True, slots=True)
class Started:
    """An accepted start.

    ``is_held``: an identical build runs (``identical``) or is being requested, so the person is asked first.
    """

    request_id: str
    app: AppRow
    parameters: StartParameters
    is_held: bool = False
    identical: BuildRow | None = None

    @property
    def description(self) -> str:
        return describe_start(self.app.title, self.parameters)


async def request_start(
    ctx: Context,
    actor: Actor,
    parameters: StartParameters,
    *,
    unique_key: str,
    start_anyway: bool = False,
    app: AppRow | None = None,
    channel: ChannelContext | None = None,
) -> Started:
    """Store a start under ``unique_key``; a second one under the same key changes nothing.

    ``app`` and ``channel`` are passed where they have just been read.
    Raises `NotAllowed`, `NotConnected`, `TokenRejected`, `AppNotFound`.
    """
    await ctx.permissions.check_may_act(actor)
    if channel is None:
        channel = await connection.find_channel_context(ctx, actor.workspace_id, actor.channel_id or "")
        connection.check_connected(ctx, channel)
    app = app or await apps.find_app(ctx, actor.workspace_id, parameters.app_slug)
    if app is None:
        raise not_found(parameters.app_slug, (), is_ambiguous=False)
    request = requests.new(
        ctx,
        actor,
        kind=START,
        unique_key=unique_key,
        parameters=parameters.fields(),
        app_slug=parameters.app_slug,
        workflow=parameters.target,
        branch=parameters.branch,
        parameters_hash=parameters.digest,
    )
    state = await ctx.start_batch.submit((request, not start_anyway))
    if state is None:
        existing = await request_rows.find_by_key(ctx.db, actor.workspace_id, unique_key)
        assert existing is not None
        return Started(existing.request_id, app, parameters, is_held=existing.state == "awaiting_confirmation")
    if state != "awaiting_confirmation":
        return Started(request.request_id, app, parameters)
    identical = await build_rows.list_identical_running(ctx.db, actor.workspace_id, app.app_slug, parameters.digest)
    return Started(request.request_id, app, parameters, is_held=True, identical=identical[0] if identical else None)


async def store_starts(ctx: Context, starts: Sequence[tuple[RequestRow, bool]]) -> list[str | None]:
    """Store requests that come at the same time in one transaction, each accepted one with its job.

    A start that asks first (True) is held while an identical build runs. Returns the state of each, see
    `storage.requests.add_starts`.
    """

    async def store(tx: Transaction) -> list[str | None]:
        states = await request_rows.add_starts(tx, starts)
        accepted = [request for (request, _), state in zip(starts, states, strict=True) if state == "accepted"]
        await ctx.engine.enqueue(tx, *(Job(START, {"request_id": request.request_id}) for request in accepted))
        return states

    try:
        return await ctx.db.transaction(store, is_quick=True)
    except CommitUnknown:  # a second try finds what the first one stored, and stores nothing twice
        return await ctx.db.transaction(store, is_quick=True)


async def confirm_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """Start a held build anyway; return False if the question was answered before."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id:
            return False
        if not await request_rows.confirm_request(tx, request_id, now=ctx.clock.now()):
            return False
        await ctx.engine.enqueue(tx, Job(START, {"request_id": request_id}))
        return True

    return await ctx.db.transaction(store)


async def cancel_start(ctx: Context, actor: Actor, request_id: str) -> bool:
    """Drop a held start, because the person follows the running build; return False if it was answered before."""
    await ctx.permissions.check_may_act(actor)

    async def store(tx: Transaction) -> bool:
        request = await request_rows.find_request(tx, request_id)
        if request is None or request.workspace_id != actor.workspace_id or request.state != "awaiting_confirmation":
            return False
        return await request_rows.complete_request(
            tx, request_id, state="refused", result="joined", now=ctx.clock.now()
        )

    return await ctx.db.transaction(store)


async def explain_refusal(
    ctx: Context, workspace_id: str, parameters: StartParameters, error: BuildbellError
) -> BuildbellError:
    """Return the error with its likely reason, and with a button for the workflow that was probably meant."""
    sentence = f"Not started: {error.sentence.rstrip('.')}."
    if isinstance(error, BitriseNotFound):
        return BuildbellError(f"{sentence} Starting builds needs the Developer role.")
    target = parameters.target
    if not isinstance(error, BitriseError) or not target or "workflow" not in error.sentence.lower():
        return BuildbellError(sentence)
    names = await apps.fetch_names(ctx, workspace_id, parameters.app_slug)
    if target in names.workflows:
        return BuildbellError(sentence)
    title = await apps.find_title(ctx, workspace_id, parameters.app_slug) or parameters.app_slug
    near = names.find_target(target) or nearest(target, [*names.workflows, *names.pipelines])
    sentence = f"Not started: {title} has no workflow “{target}”."
    hint = f"For a pipeline, use `pipeline:{target}`."
    if near is None:
        listed = ", ".join(f"`{name}`" for name in names.workflows[:MAX_WORKFLOWS])
        return BuildbellError(f"{sentence} {f'Its workflows: {listed}. ' if listed else ''}{hint}")
    workflow, pipeline = (None, near) if near in names.pipelines else (near, None)
    meant = replace(parameters, workflow=workflow, pipeline=pipeline)
    code = f" on {parameters.code}" if parameters.code else ""
    suggestion = Suggestion(f"Start {near}{code}", escape(f"{START} {command_text_of(meant)}"))
    return BuildbellError(
        f"{sentence} Did you mean `{near}`? {hint}",
        suggestions=(suggestion,) if not parameters.others and not parameters.expanded else (),
    )
