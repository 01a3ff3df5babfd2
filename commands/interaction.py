"""Who asks, read from what Slack delivers; and how they are answered when something cannot be done."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from slack_bolt.context.ack.async_ack import AsyncAck

from bot import outbox
from bot.context import Context
from bot.errors import (
    AppNotFound,
    BitriseBusy,
    BitriseNotFound,
    BitriseUnavailable,
    BuildbellError,
    NotConnected,
    Suggestion,
    ViewExpired,
)
from bot.fuzzy import nearest
from bot.permissions import Actor
from bot.slack import replies
from bot.slack.errors import SlackBusy, SlackFailed, SlackUnavailable, TriggerUsed
from bot.slack.fallback import with_fallback
from bot.slack.forms import FormRefused, notice, read_metadata
from bot.slack.forms import Payload as View
from bot.slack.text import Message, escape
from bot.workspaces.slack_access import ORGANIZATION_PREFIX
from commands.tokenizer import Words, quote_input

Payload = Mapping[str, Any]
AGAIN = "Please try again in a moment."
ADVICE: Mapping[type[BuildbellError], str] = {
    BitriseNotFound: "Either it is gone there, or the stored token's role in its app is too low for it.",
    BitriseBusy: AGAIN,
    BitriseUnavailable: AGAIN,
    SlackBusy: AGAIN,
    SlackUnavailable: AGAIN,
}
"""The way out, where an answer of Bitrise or Slack is told as it came."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed: who, what is left after the verb, and the trigger that may open one modal.

    ``verb`` is empty for what begins without one.
    """

    actor: Actor
    words: Words
    trigger_id: str
    verb: str = ""
    known_verbs: tuple[str, ...] = ()


def actor_of_press(body: Payload) -> Actor:
    """From block_actions, view_submission, shortcut. In a modal the channel is the one it was opened from."""
    user, view = body["user"], body.get("view") or {}
    # What is pressed in a modal names the person's own team as the team, also where that is another workspace.
    team_id = (body.get("team") or {}).get("id")
    workspace_id = _workspace(view.get("app_installed_team_id"), team_id, user.get("team_id"), view.get("team_id"))
    if workspace_id is None:
        raise ViewExpired("Slack did not say to which workspace that belongs.")
    channel = (body.get("channel") or {}).get("id")
    if channel is None and body.get("view"):
        channel = read_metadata(body["view"]).get("channel_id")
    return Actor(
        workspace_id=workspace_id,
        team_id=user.get("team_id") or workspace_id,
        user_id=user["id"],
        user_name=user.get("username") or user.get("name") or user["id"],
        channel_id=channel,
        response_url=body.get("response_url"),
    )


def actor_of_event(event: Payload, body: Payload) -> Actor:
    """Whoever did what an event tells, seen from the workspace in which Buildbell is installed."""
    workspace_id = workspace_of_event(body) or body["team_id"]
    team_id = _workspace(event.get("user_team")) or workspace_id
    return Actor(workspace_id, team_id, event["user"], event["user"], event.get("channel"))


def workspace_of_event(body: Payload) -> str | None:
    """In a shared channel ``team_id`` is where something happened; the installation is named beside it."""
    return _workspace(_authorization(body).get("team_id"), body.get("context_team_id"), body.get("team_id"))


def organisation_of_event(body: Payload) -> str | None:
    told = (_authorization(body).get("enterprise_id"), body.get("enterprise_id"), body.get("team_id"))
    return next((each for each in told if isinstance(each, str) and each.startswith(ORGANIZATION_PREFIX)), None)


def is_of_organisation(body: Payload) -> bool:
    """Over HTTP Slack writes some truths as text."""
    told = (_authorization(body).get("is_enterprise_install"), body.get("is_enterprise_install"))
    return any(each in (True, "true") for each in told)


def _authorization(body: Payload) -> Payload:
    told = body.get("authorizations") or [{}]
    return told[0] if isinstance(told[0], Mapping) else {}


def _workspace(*told: str | None) -> str | None:
    """The first that is a workspace's: of apps that are installed for an organisation Slack names that in places."""
    return next((each for each in told if each and not each.startswith(ORGANIZATION_PREFIX)), None)


def pressed_value(action: Payload) -> str:
    """The value of a pressed button. Raises `ViewExpired` for one without."""
    value = action.get("value")
    if not isinstance(value, str) or not value:
        raise ViewExpired("That button is from an older message. Ask again.")
    return value


@asynccontextmanager
async def answering(ctx: Context, actor: Actor, typed: Typed | None = None) -> AsyncIterator[None]:
    """Tell the person privately what cannot be done; only bugs go further."""
    try:
        yield
    except TriggerUsed:
        pass  # delivered twice: the form stands before the person already
    except BuildbellError as error:
        told = with_ways_out(error, typed, ctx.settings.command) if typed else with_advice(error)
        await outbox.answer_privately(ctx, actor, replies.error(told))


def with_advice(error: BuildbellError) -> BuildbellError:
    """The same error; a bare answer of Bitrise or Slack says what to do."""
    was_asked = not isinstance(error, BitriseNotFound) or error.status
    advice = next((text for kind, text in ADVICE.items() if was_asked and isinstance(error, kind)), None)
    return BuildbellError(f"{error.sentence.rstrip('.')}. {advice}") if advice else error


def with_ways_out(error: BuildbellError, typed: Typed, command: str) -> BuildbellError:
    """The same error with what to do, and with what the person may have meant, as buttons."""
    return with_nearest_verb(with_candidates(with_advice(error), typed), typed, command)


def with_candidates(error: BuildbellError, typed: Typed) -> BuildbellError:
    """The same error; the button of a candidate app does all that was typed, with that app."""
    if not isinstance(error, AppNotFound):
        return error
    suggestions = tuple(
        Suggestion(choice.label, retyped(typed, error.query, choice.text)) for choice in error.suggestions
    )
    return AppNotFound(error.sentence, query=error.query, suggestions=suggestions)


def with_nearest_verb(error: BuildbellError, typed: Typed, command: str) -> BuildbellError:
    """A first word that is no app may be a misspelt verb: say so, and do what was meant at the press of a button."""
    first = typed.words.words[0] if typed.words else None
    if typed.verb or first is None or not isinstance(error, AppNotFound | NotConnected):
        return error
    meant = None if first.quoted else nearest(first.text, typed.known_verbs)
    usage = f"`{command} help` lists what can be typed."
    if meant is None:
        return BuildbellError(f"{error.sentence} {usage}", suggestions=error.suggestions)
    told = f"{meant} {typed.words.after(1).as_typed()}".strip()
    sentence = (
        f"{error.sentence} If {quote_input(first.text)} was to be a verb: did you mean `{command} {meant}`? {usage}"
    )
    return BuildbellError(sentence, suggestions=(Suggestion(f"{command} {meant}", escape(told)), *error.suggestions))


def retyped(typed: Typed, name: str, app_slug: str) -> str:
    """The command once more, as Slack would deliver it, with the app's slug in the place of the name that was typed."""
    text = typed.words.as_typed()
    named = re.compile(rf"(?<![^\s:|\"'])[\"']?{re.escape(name)}[\"']?(?![^\s|:#])")
    after_key = re.search(r"\bapp\s*:\s*", text)
    begins = {word.start - typed.words.words[0].start for word in typed.words.words}
    whole = (found for found in named.finditer(text) if found.start() in begins)  # no value, and nothing in quotes
    found = (named.search(text, after_key.end()) if after_key else None) or next(whole, None) or named.search(text)
    before, after = (text[: found.start()], text[found.end() :]) if found else ("", f" {text}")
    # Bitrise's own syntax and a number that is joined know no quotes.
    slug = app_slug if "|" in text or after.startswith("#") else f'"{app_slug}"'
    if before and not after_key and not typed.verb:
        slug = f"app:{slug}"  # in quotes alone a start would take it for a message
    return escape(f"{typed.verb} {before}{slug}{after}".strip())


def failed(title: str, error: BuildbellError) -> View:
    """What stands in the place of a form that cannot be."""
    return notice(title, replies.escape_lines(with_advice(error).sentence))


@asynccontextmanager
async def answering_in_form(ack: AsyncAck) -> AsyncIterator[None]:
    """The same for a submission: on the field if it has one, else in the place of the form."""
    try:
        yield
    except FormRefused as refused:
        await ack(response_action="errors", errors=refused.errors)
    except BuildbellError as error:
        await ack(response_action="update", view=failed("That did not work", error))


def later(
    ctx: Context,
    actor: Actor,
    work: Coroutine[Any, Any, Message | None],
    *,
    name: str,
    typed: Typed | None = None,
) -> None:
    """Do what takes longer than Slack waits, and answer privately when it is there."""

    async def answer() -> None:
        async with answering(ctx, actor, typed):
            try:
                message = await work
            except BuildbellError:
                raise
            except Exception:  # a bug, which the log gets; the person must not wait in vain
                await outbox.answer_privately(
                    ctx, actor, replies.reply("Something broke on my side, and I could not do that.")
                )
                raise
            if message is not None:
                await outbox.answer_privately(ctx, actor, message)

    ctx.tasks.spawn(answer(), name=name)


def replace_question(ctx: Context, actor: Actor, message: Message) -> None:
    """Put ``message`` in the place of the private question that was pressed, so that its buttons are gone."""

    async def replace() -> None:
        url, client = actor.response_url, ctx.slack(actor.workspace_id)
        if url is None:
            await outbox.answer_privately(ctx, actor, message)
            return
        try:
            await with_fallback(lambda drawn: client.respond(url, drawn, replace_original=True), message)
        except SlackFailed:
            await outbox.answer_privately(ctx, actor, message)

    ctx.tasks.spawn(replace(), name="replace question")


async def ack_message(ack: AsyncAck, message: Message | None) -> None:
    """Acknowledge a command with its private answer, or with nothing."""
    if message is None:
        await ack()
        return
    payload = message.to_payload()
    await ack(text=payload["text"], blocks=payload.get("blocks"), response_type="ephemeral")
