"""The form for a channel's settings: what a start leaves out, where results are posted, and the apps' short names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.fields import Hidden, Radio, Slot, Text, choice, quote_value
from bot.slack.forms import Form, Payload
from bot.slack.text import channel_mention, one_line
from commands.suggestions import Target, app_field, app_option, branch_field, branch_option, target_field, target_option
from storage.apps import ChannelRow

THREAD, CHANNEL = "thread", "channel"
ALIAS_LIMIT = 40

_ALIAS = re.compile(r"[\w][\w.+-]*")


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """``aliases`` are pairs of short name and app as typed (not resolved), or None if they did not fit the form."""

    channel_id: str
    app_slug: str | None
    target: Target | None
    branch: str | None
    finish_in: str
    aliases: tuple[tuple[str, str], ...] | None


def settings_form(channel: ChannelRow, *, app_title: str | None, aliases: Sequence[tuple[str, str]]) -> Payload:
    """``aliases`` are ``(short name, app)`` for the whole workspace."""
    return FORM.view(
        channel_id=channel.channel_id,
        heading=f"For {channel_mention(channel.channel_id)}: what is filled in when somebody leaves it out.",
        app_slug=app_option(channel.app_slug, app_title),
        target=target_option(Target(channel.workflow)) if channel.workflow else None,
        branch=branch_option(channel.branch),
        finish_in=channel.finish_in,
        aliases="\n".join(f"{alias} = {one_line(app)}" for alias, app in aliases),
    )


def read_aliases(text: str) -> tuple[tuple[str, str], ...]:
    aliases: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        alias, _, app = (one_line(part) for part in line.partition("="))
        if line.strip() and (problem := _alias_problem(alias.casefold(), app, aliases)):
            raise BuildbellError(f"Line {number}: {problem}")
        aliases |= {alias.casefold(): app} if line.strip() else {}
    return tuple(aliases.items())


def _alias_problem(alias: str, app: str, known: Mapping[str, str]) -> str | None:
    if not app or not alias:
        return "write it as name = app."
    if not _ALIAS.fullmatch(alias) or len(alias) > ALIAS_LIMIT:
        return f"{quote_value(alias)} is no short name. It is one word of letters, digits, dots and dashes."
    return f"{quote_value(alias)} is there twice." if alias in known else None


def check_settings(values: Mapping[str, Any]) -> Mapping[str, str]:
    if (values.get("target") or values.get("branch")) and not values.get("app_slug"):
        return {"app_slug": "Choose the app that the workflow and the branch belong to."}
    return {}


FORM = Form(
    ids.CHANNEL_SETTINGS, "settings", title="Channel settings", submit="Save", record=SettingsForm,
    check=check_settings,
    fields=(
        Hidden("channel_id"),
        Slot("heading"),
        app_field(optional=True, dispatch=True),
        target_field("Workflow"),
        branch_field(),
        Radio(
            "finish_in", "Where is the end of a build told?", default=THREAD,
            options=(
                choice("In the thread of the card", THREAD, "Quiet: reaches those who follow the build"),
                choice("In the channel", CHANNEL, "Loud: everybody sees it"),
            ),
        ),
        Text(
            "aliases", "Short names for apps", placeholder="shop = iOS Shop", optional=True, multiline=True,
            hint="For the whole workspace: one name = app a line.", parse=read_aliases,
            overflow="There are more short names than fit here; they stay as they are.",
        ),
    ),
)  # fmt: skip
"""Whether the named apps exist is not checked here."""
