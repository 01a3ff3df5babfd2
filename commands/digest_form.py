"""The form that schedules a report for a channel: the app, how often, the day, the time, the time zone."""

from __future__ import annotations

from slack_sdk.models.blocks import Option

from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.fields import Hidden, Radio, Select, Slot, Text, Time, choice, quote_value
from bot.slack.forms import Form, Payload
from bot.slack.text import channel_mention, one_line
from bot.statistics.digest_messages import WEEKDAYS
from bot.statistics.digests import DigestSettings
from bot.statistics.schedule import Schedule, find_zone, parse_time
from commands.suggestions import app_field
from storage.digests import DAILY, WEEKLY

USUAL_TIME = "09:00"


def digest_form(channel_id: str, app: Option | None, schedule: Schedule, note: str = "") -> Payload:
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
