"""Edit a channel's settings: defaults for a start, where results are posted, and short names for apps."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot import apps, connection, outbox, requests
from bot.context import Context
from bot.errors import AppNotFound, BuildbellError, MissingArgument
from bot.permissions import Actor
from bot.slack import ids, replies
from bot.slack.fields import Hidden, Radio, Slot, Text, choice, quote_value
from bot.slack.forms import Form
from bot.slack.forms import Payload as View
from bot.slack.text import channel_mention, one_line
from commands.command import Command, Help
from commands.interaction import Action, Submission, Typed, open_view
from commands.suggestions import Target, app_field, app_option, branch_field, branch_option, target_field, target_option
from storage import Transaction
from storage import apps as app_rows
from storage.apps import ChannelRow

THREAD, CHANNEL = "thread", "channel"
ALIAS_LIMIT = 40

ALIAS = re.compile(r"\w[\w.+-]*(?: \w[\w.+-]*)*")


@dataclass(frozen=True, slots=True)
class SettingsForm:
    """``aliases`` are pairs of short name and app as typed (not resolved), or None if they didn't fit the form."""

    channel_id: str
    app_slug: str | None
    target: Target | None
    branch: str | None
    finish_in: str
    aliases: tuple[tuple[str, str], ...] | None


# The form.


def read_aliases(text: str) -> tuple[tuple[str, str], ...]:
    """Read ``name = app`` lines in order."""
    aliases: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        alias, _, app = (one_line(part) for part in line.partition("="))
        alias = alias.casefold()
        if not line.strip():
            continue
        if not app or not alias:
            raise BuildbellError(f"Line {number}: use name = app.")
        if not ALIAS.fullmatch(alias) or len(alias) > ALIAS_LIMIT:
            problem = f"{quote_value(alias)} isn't a valid short name. Use letters, digits, dots and dashes."
            raise BuildbellError(f"Line {number}: {problem}")
        if alias in aliases:
            raise BuildbellError(f"Line {number}: {quote_value(alias)} is already defined. Remove one of them.")
        aliases[alias] = app
    return tuple(aliases.items())


def check_settings(values: Mapping[str, Any]) -> Mapping[str, str]:
    if (values.get("target") or values.get("branch")) and not values.get("app_slug"):
        return {"app_slug": "Choose the app of this workflow and branch."}
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
            "finish_in", "Where to post results", default=THREAD,
            options=(
                choice("In the card's thread", THREAD, "Notifies people who follow the build"),
                choice("In the channel", CHANNEL, "Notifies everybody in the channel"),
            ),
        ),
        Text(
            "aliases", "Short names for apps", placeholder="shop = iOS Shop", optional=True, multiline=True,
            hint="One name = app per line. They apply to the whole workspace.", parse=read_aliases,
            overflow="Too many short names to show here. They stay unchanged.",
        ),
    ),
)  # fmt: skip
"""Whether the named apps exist is not checked here."""


def settings_form(channel: ChannelRow, *, app_title: str | None, aliases: Sequence[tuple[str, str]]) -> View:
    """``aliases`` are ``(short name, app)`` for the whole workspace."""
    return FORM.view(
        channel_id=channel.channel_id,
        heading=f"Defaults for {channel_mention(channel.channel_id)}.",
        app_slug=app_option(channel.app_slug, app_title),
        target=target_option(Target(channel.workflow)) if channel.workflow else None,
        branch=branch_option(channel.branch),
        finish_in=channel.finish_in,
        aliases="\n".join(f"{alias} = {one_line(app)}" for alias, app in aliases),
    )


# Handlers.


async def open_form(ctx: Context, typed: Typed) -> None:
    await ctx.permissions.check_may_act(typed.actor)
    actor = typed.actor
    if actor.channel_id is None:
        raise MissingArgument(f"Settings apply to a channel. Run `{ctx.settings.command} settings` in one.")
    await connection.require(ctx, actor.workspace_id)
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id)
    titles = await apps.list_titles(ctx, actor.workspace_id)
    aliases = await app_rows.list_aliases(ctx.db, actor.workspace_id)
    pairs = [(alias, titles.get(slug, slug)) for alias, slug in aliases.items()]
    await open_view(ctx, typed, settings_form(channel, app_title=titles.get(channel.app_slug or ""), aliases=pairs))


async def keep_form(ctx: Context, action: Action) -> None:
    """Keep the form as it is: the fields below load the options of the chosen app when they are opened."""


async def submit_form(ctx: Context, submission: Submission) -> None:
    form, actor = FORM.read(submission.view), submission.actor
    await ctx.permissions.check_may_act(actor)
    await check_app(ctx, actor, form)
    aliases = await resolve_aliases(ctx, actor, form)
    channel = ChannelRow(
        workspace_id=actor.workspace_id,
        channel_id=form.channel_id,
        app_slug=form.app_slug,
        workflow=form.target.name if form.target else None,
        branch=form.branch,
        finish_in=form.finish_in,
    )

    async def save(tx: Transaction) -> None:
        await app_rows.save_channel(tx, channel)
        if aliases is not None:
            await app_rows.replace_aliases(tx, actor.workspace_id, aliases)
        await audit_settings(ctx, tx, actor, channel, aliases)
        await outbox.reply_privately(ctx, tx, actor, replies.reply("Saved. Applies to the next build."))

    await ctx.db.transaction(save)


async def audit_settings(
    ctx: Context, tx: Transaction, actor: Actor, channel: ChannelRow, aliases: Mapping[str, str] | None
) -> None:
    defaults = filter(None, (channel.workflow, channel.branch, f"results in {channel.finish_in}"))
    names = ", ".join(sorted(aliases)) or "none" if aliases is not None else "unchanged"
    await requests.record_audit(
        ctx, tx, actor.workspace_id, actor.user_id, action="settings", app_slug=channel.app_slug,
        subject=channel.channel_id, result=f"{', '.join(defaults)}; short names: {names}",
    )  # fmt: skip


async def check_app(ctx: Context, actor: Actor, form: SettingsForm) -> None:
    """Refuse an unknown app, unless it is the default already: the token may have lost access to it."""
    if form.app_slug is None or await apps.find_app(ctx, actor.workspace_id, form.app_slug):
        return
    before = await app_rows.get_channel(ctx.db, actor.workspace_id, form.channel_id)
    if before.app_slug != form.app_slug:
        raise FORM.refuse(app_slug="The connected token has no access to this app.")


async def resolve_aliases(ctx: Context, actor: Actor, form: SettingsForm) -> dict[str, str] | None:
    """Return short names with the slugs of their apps. Raises `FormRefused` with the first that is unknown."""
    if form.aliases is None:
        return None
    resolved = {}
    for alias, name in form.aliases:
        try:
            resolved[alias] = (await apps.get_app(ctx, actor.workspace_id, name)).app_slug
        except AppNotFound as error:
            raise FORM.refuse(aliases=f"{alias}: {error.sentence}") from error
    return resolved


COMMAND = Command(
    "settings",
    run=open_form,
    aliases=("defaults",),
    topic="Admin",
    help=(Help("settings", "set this channel's app, workflow and branch, where results go, and short names for apps"),),
    views={ids.CHANNEL_SETTINGS: submit_form},
    actions={FORM.id("app_slug"): keep_form},
    options=FORM.options,
)
