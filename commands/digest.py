"""Schedule reports for a channel, remove them, and resume them after Slack refused to post."""

from __future__ import annotations

from bot import apps, connection, user_names
from bot.context import Context
from bot.errors import BuildbellError, InvalidInput, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.fields import Hidden, Option, Radio, Select, Slot, Text, Time, choice, quote_value
from bot.slack.forms import Form, notice
from bot.slack.forms import Payload as View
from bot.slack.text import Message, channel_mention, one_line
from bot.statistics import digests
from bot.statistics.digest_messages import WEEKDAYS, saved_text, schedule_text
from bot.statistics.digests import DigestSettings
from bot.statistics.schedule import Schedule, find_zone, parse_time
from commands.command import Command, Help
from commands.interaction import Action, Submission, Typed, open_view
from commands.subscription_syntax import ALL_APPS
from commands.suggestions import app_field, app_option
from commands.tokenizer import quote_input
from storage.digests import DAILY, WEEKLY, DigestRow

OFF = "off"
DEFAULT_TIME = "09:00"


# The form.


def check_time(at: str) -> str:
    if parse_time(at) is None:
        raise BuildbellError("Choose a time.")
    return at


def check_zone(text: str) -> str:
    zone = one_line(text)
    if find_zone(zone) is None:
        raise BuildbellError(f"Unknown time zone {quote_value(zone)}. Use a name like Europe/Amsterdam.")
    return zone


FORM = Form(
    ids.DIGEST_EDIT, "digest", title="Scheduled report", submit="Save", record=DigestSettings,
    fields=(
        Hidden("channel_id"),
        Slot("heading"),
        app_field(or_all=True),
        Radio(
            "cadence", "How often", hint="Skipped when no builds finished.", missing="Choose how often.",
            options=(
                choice("Every week", WEEKLY, "The last 7 days, compared with the 7 before"),
                choice("Every day", DAILY, "The last day, compared with the day before"),
            ),
        ),
        Select(
            "weekday", "Day (weekly only)", [choice(name, str(number)) for number, name in enumerate(WEEKDAYS)],
            missing="Choose a day.", parse=int,
        ),
        Time("at", "Time", missing="Choose a time.", parse=check_time),
        Text(
            "zone", "Time zone", placeholder="Europe/Amsterdam", limit=60, parse=check_zone,
            hint="Defaults to your Slack time zone.",
        ),
        Slot("note"),
    ),
)  # fmt: skip


def digest_form(channel_id: str, app: Option | None, schedule: Schedule | DigestRow, note: str = "") -> View:
    return FORM.view(
        channel_id=channel_id,
        heading=f"Posts a report to {channel_mention(channel_id)} that compares each period with the previous one.",
        app_slug=app,
        cadence=schedule.cadence,
        weekday=str(schedule.weekday),
        at=schedule.at,
        zone=schedule.zone,
        note=note,
    )


# Handlers.


async def digest_typed(ctx: Context, typed: Typed) -> Message | None:
    actor, words = typed.actor, typed.words
    if words and words.words[0].text.lower() == OFF:
        return await remove_digest(ctx, typed)
    if words:
        raise InvalidInput(
            f"Unexpected {quote_input(words.words[0].text)}. Use `{ctx.settings.command} digest` to open the form, or "
            f"`{ctx.settings.command} digest off` to stop reports."
        )
    await ctx.permissions.check_may_act(actor)
    await connection.require(ctx, actor.workspace_id)
    await open_view(ctx, typed, await load_form(ctx, actor, await digests.list_here(ctx, actor)))
    return None


async def load_form(ctx: Context, actor: Actor, existing: list[DigestRow]) -> View:
    """Fill in the newest report of the channel; else the channel's app, every Monday, in the person's time zone."""
    channel_id = actor.channel_id or ""
    if existing:
        row = existing[-1]
        title = await apps.find_title(ctx, actor.workspace_id, row.app_slug) if row.app_slug else None
        selected = app_option(row.app_slug or ALL_APPS, title)
        return digest_form(channel_id, selected, row, note_existing(existing))
    app = await apps.find_channel_app(ctx, actor.workspace_id, channel_id)
    zone = await user_names.find_time_zone(ctx, actor.workspace_id, actor.user_id)
    schedule = Schedule(WEEKLY, 0, DEFAULT_TIME, zone)
    title = await apps.find_title(ctx, actor.workspace_id, app.app_slug) if app else None
    return digest_form(channel_id, app_option(app.app_slug, title) if app else None, schedule)


def note_existing(existing: list[DigestRow]) -> str:
    if len(existing) > 1:
        return f"This channel has {len(existing)} reports. This form changes the one of the app you choose."
    row = existing[0]
    paused = f" It is paused: {row.pause_reason}. Saving resumes it." if row.paused_at else ""
    return f"Now: {schedule_text(row)}. Choose another app to add a report.{paused}"


async def submit_form(ctx: Context, submission: Submission) -> View:
    form, actor = FORM.read(submission.view), submission.actor
    await ctx.permissions.check_may_act(actor)
    if not form.channel_id:
        raise MissingArgument(f"Reports are posted to a channel. Run `{ctx.settings.command} digest` in one.")
    if form.app_slug and await apps.find_app(ctx, actor.workspace_id, form.app_slug) is None:
        raise FORM.refuse(app_slug="The connected Bitrise token can no longer access that app.")
    saved = await digests.save_digest(ctx, actor, form)
    titles = await apps.list_titles(ctx, actor.workspace_id)
    return notice("Saved", saved_text(saved, titles, next_at=saved.due_at))


async def remove_digest(ctx: Context, typed: Typed) -> Message:
    """Remove the report about one app, or all reports of the channel."""
    name = typed.words.tail(1).strip()
    is_one = bool(name) and name.lower() != "all"
    app = await apps.get_app(ctx, typed.actor.workspace_id, name) if is_one else None
    if await digests.remove_digest(ctx, typed.actor, app.app_slug if app else None):
        return replies.reply("Scheduled reports are off for this channel.")
    return replies.reply("This channel has no matching scheduled report.")


async def resume_digests(ctx: Context, action: Action) -> Message:
    if await digests.resume_channel(ctx, action.actor, action.value):
        return replies.reply("Resumed. The next report is posted there, and you are notified if that fails.")
    return replies.reply("Nothing is paused there.")


COMMAND = Command(
    "digest",
    run=digest_typed,
    topic="Insights",
    help=(
        Help("digest", "schedule a daily or weekly report for this channel"),
        Help("digest off shop", "stop reports, for one app or all"),
    ),
    views={ids.DIGEST_EDIT: submit_form},
    actions={ids.DIGEST_RESUME: resume_digests},
    options=FORM.options,
)
