"""Schedule reports for a channel, end them, and resume them after Slack refused to post."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck

from bot import apps, connection
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.errors import SlackFailed
from bot.slack.fields import Hidden, Option, Radio, Select, Slot, Text, Time, choice, quote_value
from bot.slack.forms import Form, notice
from bot.slack.forms import Payload as View
from bot.slack.text import Message, channel_mention, one_line
from bot.statistics import digests
from bot.statistics.digest_messages import WEEKDAYS, saved_text, schedule_text
from bot.statistics.digests import DigestSettings
from bot.statistics.schedule import Schedule, find_zone, parse_time
from commands.command import Command, Help
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    pressed_value,
    replace_question,
)
from commands.subscription_syntax import ALL_APPS
from commands.suggestions import app_field, app_option
from storage import apps as app_rows
from storage.digests import DAILY, WEEKLY, DigestRow

OFF = "off"
USUAL_TIME = "09:00"


# The form.


def check_time(at: str) -> str:
    if parse_time(at) is None:
        raise BuildbellError("Choose a time.")
    return at


def check_zone(text: str) -> str:
    zone = one_line(text)
    if find_zone(zone) is None:
        raise BuildbellError(f"I know no time zone {quote_value(zone)}. Write it as in Europe/Amsterdam.")
    return zone


FORM = Form(
    ids.DIGEST_EDIT, "digest", title="Figures by themselves", submit="Save", record=DigestSettings,
    fields=(
        Hidden("channel_id"),
        Slot("heading"),
        app_field(or_all=True),
        Radio(
            "cadence", "How often", hint="When nothing happened, nothing is told.", missing="Choose how often.",
            options=(
                choice("Every week", WEEKLY, "Seven days against the seven before"),
                choice("Every day", DAILY, "A day against the day before"),
            ),
        ),
        Select(
            "weekday", "On, if every week", [choice(name, str(number)) for number, name in enumerate(WEEKDAYS)],
            missing="Choose a day.", parse=int,
        ),
        Time("at", "At", missing="Choose a time.", parse=check_time),
        Text(
            "zone", "Time zone", placeholder="Europe/Amsterdam", limit=60, parse=check_zone,
            hint="An area and a city, as in Europe/Amsterdam. At first it is yours in Slack.",
        ),
        Slot("note"),
    ),
)  # fmt: skip


def digest_form(channel_id: str, app: Option | None, schedule: Schedule | DigestRow, note: str = "") -> View:
    return FORM.view(
        channel_id=channel_id,
        heading=f"The figures of a span against the span before, told in {channel_mention(channel_id)}.",
        app_slug=app,
        cadence=schedule.cadence,
        weekday=str(schedule.weekday),
        at=schedule.at,
        zone=schedule.zone,
        note=note,
    )


# Handlers.


async def open_digest_form(typed: Typed, ctx: Context) -> Message | None:
    actor, words = typed.actor, typed.words
    if words and words.words[0].text.lower() == OFF:
        return await end_digest(typed, ctx)
    if words:
        raise InvalidInput(
            f"I know {ctx.settings.command} digest, which opens a form, and {ctx.settings.command} digest off."
        )
    await connection.require(ctx, actor.workspace_id)
    there = await digests.list_here(ctx, actor)
    await ctx.slack(actor.workspace_id).open_view(typed.trigger_id, await form_for(actor, there, ctx))
    return None


async def form_for(actor: Actor, there: list[DigestRow], ctx: Context) -> View:
    """Fill in the newest report of the channel; else the channel's app, every Monday, in the person's time zone."""
    channel_id = actor.channel_id or ""
    if there:
        row = there[-1]
        app = await apps.find_app(ctx, actor.workspace_id, row.app_slug) if row.app_slug else None
        chosen = app_option(row.app_slug or ALL_APPS, app.title if app else row.app_slug)
        return digest_form(channel_id, chosen, row, note_of(there))
    app = await apps.find_channel_app(ctx, actor.workspace_id, channel_id)
    usual = Schedule(WEEKLY, 0, USUAL_TIME, await zone_of(actor, ctx))
    return digest_form(channel_id, app_option(app.app_slug, app.title) if app else None, usual)


def note_of(there: list[DigestRow]) -> str:
    if len(there) == 1:
        paused = f" It is paused: {there[0].pause_reason}; saving tries again." if there[0].paused_at else ""
        return f"Now: {schedule_text(there[0])}. Choose another app to add its figures.{paused}"
    return f"This channel gets figures of {len(there)} apps; this form changes those of the app that you choose."


async def zone_of(actor: Actor, ctx: Context) -> str:
    try:
        return (await ctx.slack(actor.workspace_id).get_user(actor.user_id)).tz or "UTC"
    except SlackFailed:
        return "UTC"


async def save_digest(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = FORM.read(view), actor_of_press(body)
        ctx.permissions.check_member(actor)
        await check(actor, form, ctx)
        saved = await digests.save_digest(ctx, actor, form)
        titles = await app_rows.list_titles(ctx.db, actor.workspace_id)
        await ack(response_action="update", view=notice("Saved", saved_text(saved, titles, next_at=saved.due_at)))


async def check(actor: Actor, form: DigestSettings, ctx: Context) -> None:
    if not form.channel_id:
        raise MissingArgument(f"Figures come to a channel: type {ctx.settings.command} digest in one.")
    if form.app_slug and await apps.find_app(ctx, actor.workspace_id, form.app_slug) is None:
        raise FORM.refuse(app_slug="That app is not among those the stored token reaches any more.")


async def end_digest(typed: Typed, ctx: Context) -> Message | None:
    actor, name = typed.actor, typed.words.tail(1).strip()
    app = await apps.get_app(ctx, actor.workspace_id, name) if name and name.lower() != "all" else None
    gone = await digests.remove_digest(ctx, actor, app.app_slug if app else None)
    told = "This channel gets no figures like that by itself."
    return replies.reply("From now on no figures come here by themselves any more." if gone else told)


async def resume_digests(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        count = await digests.resume_channel(ctx, actor, pressed_value(action))
        told = "The next figures are tried there again; if I can't write, I'll tell you."
        replace_question(ctx, actor, replies.reply(told if count else "Nothing is paused there any more."))


COMMAND = Command(
    "digest",
    run=open_digest_form,
    help=(
        Help("digest", "opens a form: this channel's figures by themselves, every day or week, with what stands out"),
        Help("digest off shop", "ends that, for an app or for all"),
    ),
    views={ids.DIGEST_EDIT: save_digest},
    actions={ids.DIGEST_RESUME: resume_digests},
    options=FORM.options,
)
