"""When a channel is told its figures, as a form: the app, how often, the day, the time, the zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, RadioButtonsElement, StaticSelectElement, TimePickerElement

from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.forms import (
    FormRefused,
    Payload,
    choice,
    choice_input,
    modal,
    option,
    read_metadata,
    read_option,
    read_picked_time,
    read_text,
    search_input,
    shown_value,
    text_input,
)
from bot.slack.text import channel_mention
from bot.statistics.digest_messages import WEEKDAYS
from bot.statistics.schedule import find_zone, read_time
from commands.subscription_form import ALL_APPS, all_apps
from storage.digests import DAILY, WEEKLY

USUAL_TIME = "09:00"


@dataclass(frozen=True, slots=True)
class DigestDraft:
    """What the form shows at first; ``app_slug`` ALL_APPS is every app, None not yet chosen."""

    channel_id: str
    app_slug: str | None = None
    app_title: str | None = None
    cadence: str = WEEKLY
    weekday: int = 0
    at: str = USUAL_TIME
    zone: str = "UTC"
    note: str = ""


@dataclass(frozen=True, slots=True)
class DigestForm:
    """The submission; ``app_slug`` None is every app."""

    channel_id: str
    app_slug: str | None
    cadence: str
    weekday: int
    at: str
    zone: str


def digest_form(draft: DigestDraft) -> Payload:
    blocks: list[Block] = [
        context(f"The figures of a span against the span before, told in {channel_mention(draft.channel_id)}."),
        _app(draft),
        _cadence(draft.cadence),
        _weekday(draft.weekday),
        choice_input(ids.DIGEST_AT, "At", TimePickerElement(action_id=ids.DIGEST_AT, initial_time=draft.at)),
        text_input(
            ids.DIGEST_ZONE, "Time zone", placeholder="Europe/Amsterdam", initial=draft.zone, optional=False, limit=60,
            hint="An area and a city, as in Europe/Amsterdam. At first it is yours in Slack.",
        ),
        *([context(draft.note)] if draft.note else []),
    ]  # fmt: skip
    return modal(
        ids.DIGEST_EDIT, "Figures by themselves", blocks, submit="Save", metadata={"channel": draft.channel_id}
    )


def _app(draft: DigestDraft) -> InputBlock:
    known = None
    if draft.app_slug is not None:
        known = all_apps() if draft.app_slug == ALL_APPS else option(draft.app_title or draft.app_slug, draft.app_slug)
    return search_input(ids.DIGEST_APP, "App", placeholder="Type a part of its name", initial=known, optional=False)


def _cadence(cadence: str) -> InputBlock:
    by_value = {
        WEEKLY: choice("Every week", WEEKLY, "Seven days against the seven before"),
        DAILY: choice("Every day", DAILY, "A day against the day before"),
    }
    radio = RadioButtonsElement(
        action_id=ids.DIGEST_CADENCE, options=list(by_value.values()), initial_option=by_value.get(cadence)
    )
    return choice_input(ids.DIGEST_CADENCE, "How often", radio, hint="When nothing happened, nothing is told.")


def _weekday(weekday: int) -> InputBlock:
    days = [choice(name, str(number)) for number, name in enumerate(WEEKDAYS)]
    select = StaticSelectElement(action_id=ids.DIGEST_WEEKDAY, options=days, initial_option=days[weekday])
    return choice_input(ids.DIGEST_WEEKDAY, "On, if every week", select)


def read_digest_form(view: Mapping[str, Any]) -> DigestForm:
    """The submission. Raises `FormRefused`."""
    errors: dict[str, str] = {}
    slug, cadence = read_option(view, ids.DIGEST_APP), read_option(view, ids.DIGEST_CADENCE)
    weekday, at = read_option(view, ids.DIGEST_WEEKDAY), read_picked_time(view, ids.DIGEST_AT)
    zone = read_text(view, ids.DIGEST_ZONE).strip()
    if not slug:
        errors[ids.DIGEST_APP] = "Choose an app, or all of them."
    if cadence not in (DAILY, WEEKLY):
        errors[ids.DIGEST_CADENCE] = "Choose how often."
    if weekday not in map(str, range(7)):
        errors[ids.DIGEST_WEEKDAY] = "Choose a day."
    if at is None or read_time(at) is None:
        errors[ids.DIGEST_AT] = "Choose a time."
    if find_zone(zone) is None:
        errors[ids.DIGEST_ZONE] = f"I know no time zone {shown_value(zone)}. Write it as in Europe/Amsterdam."
    if errors:
        raise FormRefused(errors)
    channel_id = read_metadata(view).get("channel", "")
    return DigestForm(channel_id, None if slug == ALL_APPS else slug, cadence, int(weekday), at or "", zone)
