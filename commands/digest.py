"""Figures that come to a channel by themselves: the form, the end of it, and another try where Slack refused."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.context import Services
from bot.errors import InvalidInput, MissingArgument
from bot.permissions import Asker
from bot.slack import ids, replies
from bot.slack.errors import SlackFailed
from bot.slack.forms import FormRefused, notice
from bot.slack.text import Message
from bot.statistics.digest_messages import schedule_words, set_up
from commands.digest_form import DigestDraft, DigestForm, digest_form, read_digest_form
from commands.interaction import (
    Help,
    Payload,
    Typed,
    answering,
    answering_in_form,
    asker_of_press,
    pressed_value,
    replace_question,
)
from commands.subscription_form import ALL_APPS
from storage.digests import DigestRow

HELP = (
    Help("digest", "opens a form: this channel's figures by themselves, every day or week, with what stands out"),
    Help("digest off shop", "ends that, for an app or for all"),
)
OFF = "off"


def register(app: AsyncApp) -> None:
    app.view(ids.DIGEST_EDIT)(save_digest)
    app.action(ids.DIGEST_RESUME)(resume_digests)


async def open_digest_form(typed: Typed, services: Services) -> Message | None:
    asker, words = typed.asker, typed.words
    if words and words.words[0].text.lower() == OFF:
        return await end_digest(typed, services)
    if words:
        raise InvalidInput(f"I know {services.command} digest, which opens a form, and {services.command} digest off.")
    await services.connections.get_connected(asker.workspace_id)
    there = await services.digests.list_here(asker)
    draft = await draft_of(asker, there, services)
    await services.slack(asker.workspace_id).open_view(typed.trigger_id, digest_form(draft))
    return None


async def draft_of(asker: Asker, there: list[DigestRow], services: Services) -> DigestDraft:
    """What the channel has; else its own app, every Monday, in the zone of the person."""
    channel_id = asker.channel_id or ""
    if there:
        row = there[-1]
        app = await services.apps.find_app(asker.workspace_id, row.app_slug) if row.app_slug else None
        title = app.title if app else row.app_slug
        return DigestDraft(
            channel_id, row.app_slug or ALL_APPS, title, row.cadence, row.weekday, row.at, row.zone, note=note_of(there)
        )
    app = await services.apps.find_channel_app(asker.workspace_id, channel_id)
    return DigestDraft(
        channel_id, app.app_slug if app else None, app.title if app else None, zone=await zone_of(asker, services)
    )


def note_of(there: list[DigestRow]) -> str:
    if len(there) == 1:
        paused = f" It is paused: {there[0].paused_why}; saving tries again." if there[0].paused_at else ""
        return f"Now: {schedule_words(there[0])}. Choose another app to add its figures.{paused}"
    return f"This channel gets figures of {len(there)} apps; this form changes those of the app that you choose."


async def zone_of(asker: Asker, services: Services) -> str:
    try:
        return (await services.slack(asker.workspace_id).get_user(asker.user_id)).tz or "UTC"
    except SlackFailed:
        return "UTC"


async def save_digest(ack: AsyncAck, view: Payload, body: Payload, services: Services) -> None:
    async with answering_in_form(ack):
        form, asker = read_digest_form(view), asker_of_press(body)
        services.access.check_member(asker)
        await check(asker, form, services)
        saved = await services.digests.save(asker, form)
        titles = await services.app_rows.list_titles(asker.workspace_id)
        await ack(response_action="update", view=notice("Saved", set_up(saved, titles, next_at=saved.due_at)))


async def check(asker: Asker, form: DigestForm, services: Services) -> None:
    if not form.channel_id:
        raise MissingArgument(f"Figures come to a channel: type {services.command} digest in one.")
    if form.app_slug and await services.apps.find_app(asker.workspace_id, form.app_slug) is None:
        raise FormRefused({ids.DIGEST_APP: "That app is not among those the stored token reaches any more."})


async def end_digest(typed: Typed, services: Services) -> Message | None:
    asker, name = typed.asker, typed.words.tail(1).strip()
    app = await services.apps.get_app(asker.workspace_id, name) if name and name.lower() != "all" else None
    gone = await services.digests.remove(asker, app.app_slug if app else None)
    told = "This channel gets no figures like that by itself."
    return replies.reply("From now on no figures come here by themselves any more." if gone else told)


async def resume_digests(ack: AsyncAck, action: Payload, body: Payload, services: Services) -> None:
    await ack()
    asker = asker_of_press(body)
    async with answering(services, asker):
        count = await services.digests.resume(asker, pressed_value(action))
        told = "The next figures are tried there again; if I can't write, I'll tell you."
        replace_question(services, asker, replies.reply(told if count else "Nothing is paused there any more."))
