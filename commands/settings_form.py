"""A channel's settings: what is filled in when it is left out, where the end is told; and the apps' short names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, RadioButtonsElement

from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.forms import (
    INPUT_LIMIT,
    FormRefused,
    Payload,
    choice,
    choice_input,
    modal,
    option,
    read_lines,
    read_metadata,
    read_option,
    search_input,
    shown_value,
    text_input,
)
from bot.slack.text import channel_mention, length, one_line
from commands.form_fields import Target, branch_option, read_target, target_option
from storage.apps import ChannelRow

THREAD, CHANNEL = "thread", "channel"
ALIAS_LIMIT = 40

_ALIAS = re.compile(r"[\w][\w.+-]*")


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """``aliases`` are pairs of short name and app as typed (not resolved), or None when the form did not ask."""

    channel_id: str
    app_slug: str | None
    target: Target | None
    branch: str | None
    finish_in: str
    aliases: tuple[tuple[str, str], ...] | None


def settings_form(channel: ChannelRow, *, app_title: str | None, aliases: Sequence[tuple[str, str]]) -> Payload:
    """``aliases`` are ``(short name, app)`` for the whole workspace."""
    blocks: list[Block] = [
        context(f"For {channel_mention(channel.channel_id)}: what is filled in when somebody leaves it out."),
        _app(channel, app_title),
        _target(channel),
        _branch(channel),
        _finish_in(channel.finish_in),
        _aliases(aliases),
    ]
    metadata = {"channel": channel.channel_id, "app": channel.app_slug}
    return modal(ids.CHANNEL_SETTINGS, "Channel settings", blocks, submit="Save", metadata=metadata)


def _app(channel: ChannelRow, app_title: str | None) -> InputBlock:
    known = option(app_title or channel.app_slug, channel.app_slug) if channel.app_slug else None
    return search_input(ids.SETTINGS_APP, "App", placeholder="Type a part of its name", initial=known, dispatch=True)


def _target(channel: ChannelRow) -> InputBlock:
    known = target_option(Target(channel.workflow)) if channel.workflow else None
    return search_input(ids.SETTINGS_TARGET, "Workflow", placeholder="Choose, or type its id", initial=known)


def _branch(channel: ChannelRow) -> InputBlock:
    known = branch_option(channel.branch) if channel.branch else None
    return search_input(ids.SETTINGS_BRANCH, "Branch", placeholder="Choose, or type any branch", initial=known)


def _finish_in(finish_in: str) -> InputBlock:
    thread = choice("In the thread of the card", THREAD, "Quiet: reaches those who follow the build")
    channel = choice("In the channel", CHANNEL, "Loud: everybody sees it")
    radio = RadioButtonsElement(
        action_id=ids.SETTINGS_FINISH_IN,
        options=[thread, channel],
        initial_option=channel if finish_in == CHANNEL else thread,
    )
    return choice_input(ids.SETTINGS_FINISH_IN, "Where is the end of a build told?", radio)


def _aliases(aliases: Sequence[tuple[str, str]]) -> Block:
    """Too many to fit the field are not shown, and so are not changed either."""
    text = "\n".join(f"{alias} = {one_line(app)}" for alias, app in aliases)
    if length(text) > INPUT_LIMIT:
        return context("There are more short names than fit here; they stay as they are.")
    return text_input(
        ids.SETTINGS_ALIASES,
        "Short names for apps",
        placeholder="shop = iOS Shop",
        hint="For the whole workspace: one name = app a line.",
        initial=text,
        multiline=True,
    )


def read_app_of_settings(view: Mapping[str, Any]) -> str | None:
    """The app for which workflows and branches are suggested."""
    return read_option(view, ids.SETTINGS_APP) or read_metadata(view).get("app") or None


def read_settings_form(view: Mapping[str, Any]) -> SettingsForm:
    """The submission. Raises `FormRefused`. Whether the apps named exist is not checked here."""
    errors: dict[str, str] = {}
    aliases = _read_aliases(read_lines(view, ids.SETTINGS_ALIASES), errors) if _asked_aliases(view) else None
    app_slug = read_option(view, ids.SETTINGS_APP) or None
    target = read_target(read_option(view, ids.SETTINGS_TARGET))
    branch = read_option(view, ids.SETTINGS_BRANCH) or None
    if (target or branch) and not app_slug:
        errors[ids.SETTINGS_APP] = "Choose the app that the workflow and the branch belong to."
    if errors:
        raise FormRefused(errors)
    finish_in = CHANNEL if read_option(view, ids.SETTINGS_FINISH_IN) == CHANNEL else THREAD
    return SettingsForm(read_metadata(view).get("channel", ""), app_slug, target, branch, finish_in, aliases)


def _asked_aliases(view: Mapping[str, Any]) -> bool:
    return any(block.get("block_id") == ids.SETTINGS_ALIASES for block in view.get("blocks") or [])


def _read_aliases(text: str, errors: dict[str, str]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        alias, mark, app = (one_line(part) for part in line.partition("="))
        if wrong := _wrong_alias(alias.casefold(), app if mark else "", found):
            errors[ids.SETTINGS_ALIASES] = f"Line {place}: {wrong}"
            break
        found[alias.casefold()] = app
    return tuple(found.items())


def _wrong_alias(alias: str, app: str, known: Mapping[str, str]) -> str | None:
    if not app or not alias:
        return "write it as name = app."
    if not _ALIAS.fullmatch(alias) or len(alias) > ALIAS_LIMIT:
        return f"{shown_value(alias)} is no short name. It is one word of letters, digits, dots and dashes."
    return f"{shown_value(alias)} is there twice." if alias in known else None
