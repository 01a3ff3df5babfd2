"""Save a start under a name, list a channel's presets, start and remove them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot import apps, connection, outbox
from bot.builds import presets, start
from bot.builds.start import StartParameters
from bot.context import Context
from bot.errors import InvalidInput, StartUnclear, Suggestion, ViewExpired
from bot.slack import ids, replies
from bot.slack.blocks import Block, actions, button, message, section
from bot.slack.text import Message, channel_mention, escape
from commands.command import Command, Help
from commands.grammar import HELP_WORDS, join_app_name
from commands.interaction import Action, Typed, run_in_background
from commands.start import answer_start
from commands.start_resolve import resolve_app, resolve_names
from commands.start_syntax import read_start
from commands.start_unclear import StartScope
from commands.tokenizer import quote_input
from storage.presets import PresetRow

SAVE, LIST = "save", "list"
REMOVE = ("remove", "delete")
NAME = re.compile(r"[^\W\d_][\w.-]{0,39}")


async def preset_typed(ctx: Context, typed: Typed) -> Message | None:
    """Save, list or remove presets of the channel."""
    first = typed.words.words[0].text.lower() if typed.words else LIST
    if first == SAVE:
        await ctx.permissions.check_may_act(typed.actor)
        run_in_background(ctx, typed, save_typed(ctx, typed), name="save preset")
        return None
    if first in REMOVE:
        name = typed.words.tail(1).strip().lower()
        await presets.remove_preset(ctx, typed.actor, typed.actor.channel_id or "", name)
        return replies.reply(f"Removed the preset *{name}*.")
    if first != LIST:
        command = ctx.settings.command
        raise InvalidInput(
            f"Unknown word {quote_input(first)}. Use `{command} preset save beta shop deploy main`, "
            f"`{command} preset remove beta` or `{command} preset`."
        )
    ctx.permissions.check_member(typed.actor)
    rows = await presets.list_presets(ctx, typed.actor.workspace_id, channel_id=typed.actor.channel_id or "")
    if not rows:
        return replies.reply(
            f"This channel has no presets. Save one: `{ctx.settings.command} preset save beta shop deploy main`"
        )
    blocks = preset_blocks(rows, await apps.list_titles(ctx, typed.actor.workspace_id))
    return message("Presets of this channel", section("*Presets of this channel*"), blocks)


async def save_typed(ctx: Context, typed: Typed) -> Message:
    """Save what follows the name. Raises `InvalidInput` for a name that means something else already."""
    actor, words = typed.actor, typed.words.after(1)
    name = words.words[0].text.lower() if words else ""
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"Enter a name of letters, digits, dots and dashes, then the build: "
            f"`{ctx.settings.command} preset save beta shop deploy main`"
        )
    channel = await connection.find_channel_context(ctx, actor.workspace_id, actor.channel_id or "")
    channel = connection.check_connected(ctx, channel)
    await check_name(ctx, typed, name, channel.app_slug)
    index = await apps.load_index(ctx, actor.workspace_id, channel.names_version)
    scope = StartScope(ctx, actor, channel, index, is_final=True)
    try:
        app, request = await resolve_app(scope, read_start(join_app_name(words.after(1), index.names)))
        if app is None:
            raise InvalidInput("Which app? Name it after the preset's name.")
        parameters = await resolve_names(scope, app, request)
    except StartUnclear as error:
        prefix = f"preset {SAVE} {name} "
        texts = [(each.label, each.text.partition(" ")) for each in error.suggestions]
        again = [Suggestion(label, prefix + rest) for label, (verb, _, rest) in texts if verb == start.START]
        raise InvalidInput(error.sentence, suggestions=tuple(again)) from error
    await presets.save_preset(ctx, actor, name, parameters)
    title = await apps.find_title(ctx, actor.workspace_id, parameters.app_slug) or parameters.app_slug
    what = presets.describe(parameters, title)
    return replies.reply(f"Saved the preset *{name}*: {what}. Start it with `{ctx.settings.command} {name}`.")


async def check_name(ctx: Context, typed: Typed, name: str, app_slug: str | None) -> None:
    """Refuse a name that would hide a verb, an app or short name, or a workflow or branch of the channel's app."""
    index = await apps.load_index(ctx, typed.actor.workspace_id)
    names = await apps.fetch_names(ctx, typed.actor.workspace_id, app_slug) if app_slug else apps.AppNames()
    if name in typed.verbs or name in HELP_WORDS or name == start.TRIGGER_MAP:
        kind = "a command"
    elif index.match_whole(name):
        kind = "an app or a short name of one"
    elif names.find_target(name) or name in names.branches:
        kind = "a workflow or branch of this channel's app"
    else:
        return
    raise InvalidInput(f"{quote_input(name)} is already {kind}. Choose another name for the preset.")


def preset_blocks(
    rows: Sequence[tuple[PresetRow, StartParameters]], titles: Mapping[str, str], *, is_home: bool = False
) -> list[Block]:
    """Return a line with its buttons for each preset, for the list of a channel, or for App Home with the channels."""
    blocks: list[Block] = []
    for place, (row, parameters) in enumerate(rows):
        where = f" in {channel_mention(row.channel_id)}" if is_home else ""
        what = escape(presets.describe(parameters, titles.get(row.app_slug, row.app_slug)))
        value = f"{row.channel_id} {row.name}"
        blocks.append(section(f"*{escape(row.name)}*{where}: {what}"))
        blocks += actions(
            button(ids.numbered(ids.PRESET_START, place), "Start", value=value, label=f"Start {row.name}"),
            None
            if is_home
            else button(ids.numbered(ids.PRESET_REMOVE, place), "Remove", value=value, label=f"Remove {row.name}"),
        )
    return blocks


async def start_preset(ctx: Context, action: Action) -> None:
    """Start a preset, where the button is."""
    channel_id, name = read_value(action)
    parameters = await presets.get_preset(ctx, action.actor, channel_id, name)
    unique_key = f"preset:{action.trigger_id}"
    started = await start.request_start(ctx, action.actor, parameters, unique_key=unique_key)
    if message := await answer_start(ctx, started):
        await outbox.answer_privately(ctx, action.actor, message)


async def remove_pressed(ctx: Context, action: Action) -> None:
    channel_id, name = read_value(action)
    await presets.remove_preset(ctx, action.actor, channel_id, name)
    await outbox.answer_privately(ctx, action.actor, replies.reply(f"Removed the preset *{name}*."))


def read_value(action: Action) -> tuple[str, str]:
    channel_id, _, name = action.value.partition(" ")
    if not name:
        raise ViewExpired("This button has expired. Run the command again.")
    return channel_id, name


COMMAND = Command(
    "preset",
    run=preset_typed,
    aliases=("presets",),
    topic="Start",
    help=(
        Help("preset save beta shop deploy main", "save a build under a name for this channel"),
        Help("beta", "start a preset; add options to change it"),
        Help("preset", "list this channel's presets"),
        Help("preset remove beta", "remove a preset"),
    ),
    actions={
        ids.any_number(ids.PRESET_START): start_preset,
        ids.any_number(ids.PRESET_REMOVE): remove_pressed,
    },
)
