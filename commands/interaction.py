"""Commands, actions, submissions and events as handlers take them, and private answers to the person who acts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bot import outbox, requests
from bot.context import Context
from bot.errors import (
    AppNotFound,
    AppUnclear,
    BitriseBusy,
    BitriseNotFound,
    BitriseUnavailable,
    BuildbellError,
    NotAllowed,
    NotConnected,
    Suggestion,
    ViewExpired,
)
from bot.fuzzy import nearest
from bot.permissions import Actor
from bot.slack import replies
from bot.slack.errors import SlackBusy, SlackFailed, SlackRefused, SlackUnavailable, TriggerUsed
from bot.slack.fallback import with_fallback
from bot.slack.forms import Payload as View
from bot.slack.forms import notice, read_metadata
from bot.slack.text import Message, escape
from bot.workspaces.slack_access import ORGANIZATION_PREFIX
from commands.tokenizer import Words
from storage.workspaces import ChannelContext

Payload = Mapping[str, Any]
VERB_RATIO = 0.72
"""How alike a word and a verb are, at least, for the verb to be suggested: ``lsit``, but not ``main`` for ``me``."""
AGAIN = "Try again in a moment."
ADVICE: Mapping[type[BuildbellError], str] = {
    BitriseNotFound: "It may have been deleted, or the connected token doesn't have access.",
    BitriseBusy: AGAIN,
    BitriseUnavailable: AGAIN,
    SlackBusy: AGAIN,
    SlackUnavailable: AGAIN,
}
"""The next action after an error in the words of Bitrise or Slack."""


@dataclass(frozen=True, slots=True)
class Interaction:
    """Something that a person did in Slack. ``trigger_id`` opens one modal within 3 s."""

    actor: Actor
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Typed(Interaction):
    """A typed command: the ``words`` after the verb, which is empty where the text begins without one."""

    words: Words
    verb: str = ""
    verbs: tuple[str, ...] = ()
    """All verbs, for suggestions."""
    channel: ChannelContext | None = None
    """The connection and the channel's defaults, if the words had to be compared with names."""


@dataclass(frozen=True, slots=True)
class Action(Interaction):
    """A button, a choice in an open form or a shortcut. ``body`` is the payload that Slack delivered."""

    body: Payload

    @property
    def value(self) -> str:
        """The value of the button. Raises `ViewExpired` without one."""
        value = self.body["actions"][0].get("value")
        if not isinstance(value, str) or not value:
            raise ViewExpired("This button has expired. Run the command again.")
        return value

    @property
    def view(self) -> Payload:
        view: Payload = self.body["view"]
        return view


@dataclass(frozen=True, slots=True)
class Submission(Interaction):
    """A submitted form."""

    view: Payload


@dataclass(frozen=True, slots=True)
class OptionQuery:
    """The text entered in a select whose options are loaded. ``body`` has the open form."""

    body: Payload

    @property
    def actor(self) -> Actor:
        return read_actor(self.body)

    @property
    def text(self) -> str:
        return self.body.get("value") or ""


@dataclass(frozen=True, slots=True)
class Event:
    """An event and the body around it."""

    event: Payload
    body: Payload

    @property
    def actor(self) -> Actor:
        """The person who caused the event, as an actor in the workspace where Buildbell is installed."""
        workspace_id = self.workspace_id or self.body["team_id"]
        team_id = _first_workspace(self.event.get("user_team")) or workspace_id
        return Actor(workspace_id, team_id, self.event["user"], self.event["user"], self.event.get("channel"))

    @property
    def workspace_id(self) -> str | None:
        """The workspace of the installation. In a shared channel ``team_id`` is where the event happened."""
        installed_in = self._authorization.get("team_id")
        return _first_workspace(installed_in, self.body.get("context_team_id"), self.body.get("team_id"))

    @property
    def organization_id(self) -> str | None:
        ids = (self._authorization.get("enterprise_id"), self.body.get("enterprise_id"), self.body.get("team_id"))
        return next((each for each in ids if isinstance(each, str) and each.startswith(ORGANIZATION_PREFIX)), None)

    @property
    def is_organization_wide(self) -> bool:
        """Whether the app is installed for an organization. Over HTTP Slack writes some booleans as text."""
        name = "is_enterprise_install"
        return any(flag in (True, "true") for flag in (self._authorization.get(name), self.body.get(name)))

    @property
    def _authorization(self) -> Payload:
        first, *_ = self.body.get("authorizations") or [{}]
        return first if isinstance(first, Mapping) else {}


def read_actor(body: Payload) -> Actor:
    """Return the person behind an action, a submission or a shortcut. A modal's channel is where it was opened."""
    user, view = body["user"], body.get("view") or {}
    # An action in a modal names the person's own workspace as its team, even where the app is installed in another.
    team_id = (body.get("team") or {}).get("id")
    workspace_id = _first_workspace(
        view.get("app_installed_team_id"), team_id, user.get("team_id"), view.get("team_id")
    )
    if workspace_id is None:
        raise ViewExpired("Slack didn't say which workspace this belongs to. Run the command again.")
    channel_id = (body.get("channel") or {}).get("id")
    if channel_id is None and view:
        channel_id = read_metadata(view).get("channel_id")
    return Actor(
        workspace_id=workspace_id,
        team_id=user.get("team_id") or workspace_id,
        user_id=user["id"],
        user_name=user.get("username") or user.get("name") or user["id"],
        channel_id=channel_id,
        response_url=body.get("response_url"),
    )


def _first_workspace(*team_ids: str | None) -> str | None:
    """Skip the ids of organizations: for their apps Slack sends one in some places of a workspace's id."""
    return next((each for each in team_ids if each and not each.startswith(ORGANIZATION_PREFIX)), None)


# Answers.


async def open_view(ctx: Context, interaction: Interaction, view: View) -> str:
    """Open a modal and return its id."""
    return await ctx.slack(interaction.actor.workspace_id).open_view(interaction.trigger_id, view)


def run_in_background(
    ctx: Context,
    interaction: Interaction,
    work: Coroutine[Any, Any, Message | None],
    *,
    name: str,
    replace: bool = False,
) -> None:
    """Do work that takes longer than Slack waits, then answer privately or ``replace`` the message of the action."""
    actor = interaction.actor

    async def answer() -> None:
        async with report_errors(ctx, actor, interaction):
            try:
                message = await work
            except BuildbellError:
                raise
            except Exception:  # a bug: logged by the task, but the person must get an answer
                failed = replies.reply("Something went wrong and Buildbell couldn't complete that.")
                await outbox.answer_privately(ctx, actor, failed)
                raise
            if message is not None:
                await (replace_message if replace else outbox.answer_privately)(ctx, actor, message)

    ctx.tasks.spawn(answer(), name=name)


async def replace_message(ctx: Context, actor: Actor, message: Message) -> None:
    """Replace the private message whose button was used, so that its buttons are gone."""
    url, client = actor.response_url, ctx.slack(actor.workspace_id)
    with suppress(SlackFailed):  # the message is gone or too old
        if url is not None:
            await with_fallback(lambda each: client.respond(url, each, replace_original=True), message)
            return
    await outbox.answer_privately(ctx, actor, message)


async def send_file(ctx: Context, actor: Actor, name: str, content: bytes, *, title: str, text: str, cli: str) -> None:
    """Send a file below ``text`` in a direct message. ``cli`` is the command on the server that gives the same rows."""
    client = ctx.slack(actor.workspace_id)
    try:  # a file is shared with the id of a conversation, which posting to the person returns
        posted = await client.post(actor.user_id, Message(text))
        await client.upload(name, content, title=title, channel=posted.channel_id, thread_ts=posted.ts)
    except SlackRefused as refused:
        if refused.error != "missing_scope":
            raise
        scope = (
            "Buildbell can't send files: the Slack app needs the `files:write` scope. An admin can add it and reinstall"
        )
        raise BuildbellError(f"{scope} the app. On the server, `{cli}` exports the same rows.") from refused


@asynccontextmanager
async def report_errors(ctx: Context, actor: Actor, interaction: Interaction | None = None) -> AsyncIterator[None]:
    """Report a `BuildbellError` privately; only bugs are raised further."""
    try:
        yield
    except TriggerUsed:
        pass  # delivered twice: the modal is already open
    except BuildbellError as error:
        if isinstance(error, NotAllowed):
            await requests.audit_refusal(ctx, actor, error)
        if isinstance(interaction, Typed):
            error = with_suggestions(error, interaction, ctx.settings.command)
        else:
            error = with_advice(error)
        await outbox.answer_privately(ctx, actor, replies.error(error))


def error_view(title: str, error: BuildbellError) -> View:
    """Return the notice that takes the place of a form."""
    return notice(title, replies.escape_lines(with_advice(error).sentence))


def with_advice(error: BuildbellError) -> BuildbellError:
    """Add what to do to an error in the words of Bitrise or Slack."""
    has_answer = not isinstance(error, BitriseNotFound) or error.status
    advice = next((text for kind, text in ADVICE.items() if has_answer and isinstance(error, kind)), None)
    return BuildbellError(f"{error.sentence.rstrip('.')}. {advice}") if advice else error


def with_suggestions(error: BuildbellError, typed: Typed, command: str) -> BuildbellError:
    """Add advice and buttons: the command with each app that may be meant, and with the nearest verb."""
    error = with_advice(error)
    if isinstance(error, AppNotFound):
        suggestions = tuple(
            Suggestion(each.label, replace_app(typed, error.query, each.text)) for each in error.suggestions
        )
        error = AppNotFound(error.sentence, query=error.query, suggestions=suggestions)
    first = typed.words.words[0] if typed.words else None
    if typed.verb or first is None or first.quoted or not isinstance(error, AppNotFound | AppUnclear | NotConnected):
        return error
    verb = nearest(first.text, [verb for verb in typed.verbs if verb[:1] == first.text[:1].lower()], ratio=VERB_RATIO)
    if verb is None and error.suggestions:
        return error
    if verb is None:
        sentence = f"{error.sentence} Run `{command} help` to see all commands."
        return BuildbellError(sentence, suggestions=error.suggestions)
    text = escape(f"{verb} {typed.words.after(1).as_typed()}".strip())
    sentence = f"{error.sentence} Or did you mean `{command} {verb}`?"
    return BuildbellError(sentence, suggestions=(*error.suggestions, Suggestion(f"{command} {verb}", text)))


def replace_app(typed: Typed, name: str, app_slug: str) -> str:
    """Return the command as Slack would deliver it, with the slug in place of the name that was typed."""
    text = typed.words.as_typed()
    pattern = re.compile(rf"(?<![^\s:|\"'])[\"']?{re.escape(name)}[\"']?(?![^\s|:#])")
    after_key = re.search(r"\bapp\s*:\s*", text)
    starts = {word.start - typed.words.words[0].start for word in typed.words.words}
    whole = (match for match in pattern.finditer(text) if match.start() in starts)  # neither a value nor in quotes
    match = (pattern.search(text, after_key.end()) if after_key else None) or next(whole, None) or pattern.search(text)
    before, after = (text[: match.start()], text[match.end() :]) if match else ("", f" {text}")
    # Quotes have no meaning in Bitrise's own syntax, nor before a joined number.
    slug = app_slug if "|" in text or after.startswith("#") else f'"{app_slug}"'
    return escape(f"{typed.verb} {before}{slug}{after}".strip())
