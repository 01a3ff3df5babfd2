"""The start form: filled in with what is known, with recent starts and presets in its first line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot import apps, connection
from bot.builds import presets
from bot.builds.start import StartParameters
from bot.context import Context
from bot.errors import ViewExpired
from bot.permissions import Actor
from bot.slack import ids
from bot.slack.blocks import Block, plain, section
from bot.slack.fields import INPUT_LIMIT, choice, option
from bot.slack.forms import Payload as View
from bot.slack.forms import notice, redrawn
from bot.slack.text import length, quoted
from commands.command import Command, Help
from commands.interaction import Action, Interaction, Typed, open_view
from commands.start_fields import FORM, TITLE
from commands.start_syntax import TypedStart, read_start
from commands.suggestions import TRIGGER_MAP_TARGET, Target, app_option, branch_option, target_option
from storage import apps as app_rows

OWN, PRESET = "start:", "preset:"
"""Prefixes of the values of recent starts and of presets."""


async def open_form(ctx: Context, interaction: Interaction) -> None:
    """Open the form with what was typed, else with the channel's defaults, else with your last start here."""
    actor = interaction.actor
    await ctx.permissions.check_may_act(actor)
    await connection.require(ctx, actor.workspace_id)
    typed = read_start(interaction.words) if isinstance(interaction, Typed) else TypedStart()
    name = typed.app or (typed.words[0] if typed.words else None)
    if name is None:
        parameters, note = await load_known(ctx, actor)
        await open_filled(ctx, interaction, parameters, note=note)
        return
    app = await apps.get_app(ctx, actor.workspace_id, name)
    if typed == TypedStart(typed.words[:1], app=typed.app):
        parameters, note = await load_known(ctx, actor, app.app_slug)
        await open_filled(ctx, interaction, parameters, note=note)
        return
    words = typed.words if typed.app else typed.words[1:]
    places = [*([] if typed.has_target else ["workflow"]), *([] if typed.branch else ["branch"])]
    typed = replace(typed, **dict(zip(places, words, strict=False)))  # type: ignore[arg-type]
    names = await apps.list_names(ctx, actor.workspace_id, app.app_slug)
    workflow = names.find_target(typed.workflow) or typed.workflow if typed.workflow else None
    is_pipeline = workflow is not None and workflow in names.pipelines
    await open_filled(
        ctx,
        interaction,
        StartParameters(
            app.app_slug,
            workflow=None if is_pipeline else workflow,
            pipeline=workflow if is_pipeline else typed.pipeline,
            branch=typed.branch,
            tag=typed.tag,
            commit=typed.commit,
            environment=typed.environment,
            message=typed.message,
        ),
        uses_trigger_map=typed.uses_trigger_map,
    )


async def load_known(ctx: Context, actor: Actor, app_slug: str = "") -> tuple[StartParameters | None, str]:
    """Return the channel's defaults, completed from the person's last start of that app, and a note in mrkdwn.

    After the build of a tag, the branch is the app's default branch, because the next build is rarely of that tag.
    """
    channel = await app_rows.get_channel(ctx.db, actor.workspace_id, actor.channel_id or "")
    app_slug = app_slug or channel.app_slug or ""
    last = await presets.find_last_start(ctx, actor, app_slug or None)
    if not app_slug and (last is None or last.channel_id != actor.channel_id):
        return None, ""
    started = presets.try_open_start(ctx, last) if last else None
    known = replace(started, message=None, others={}, expanded=()) if started else StartParameters(app_slug)
    if await apps.find_app(ctx, actor.workspace_id, known.app_slug) is None:
        return None, ""
    if channel.app_slug == known.app_slug and channel.workflow:
        names = await apps.list_names(ctx, actor.workspace_id, known.app_slug)
        is_pipeline = channel.workflow in names.pipelines
        workflow, pipeline = (None, channel.workflow) if is_pipeline else (channel.workflow, None)
        known = replace(known, workflow=workflow, pipeline=pipeline)
    if channel.app_slug == known.app_slug and channel.branch:
        return replace(known, branch=channel.branch, tag=None, commit=None), ""
    if started and started.tag:
        names = await apps.list_names(ctx, actor.workspace_id, known.app_slug)
        note = f"Your last build was of the tag {started.tag}."
        note += f" The branch is set to the default, {names.default_branch}." if names.default_branch else ""
        return replace(known, branch=names.default_branch, tag=None, commit=None), quoted(note, 500)
    return replace(known, commit=None) if known.branch else known, ""


async def open_filled(
    ctx: Context,
    interaction: Interaction,
    parameters: StartParameters | None,
    *,
    note: str = "",
    uses_trigger_map: bool = False,
) -> None:
    """Open the form with these parameters, and fetch the app's names for its lists meanwhile."""
    view = await filled_view(ctx, interaction.actor, parameters, note=note, uses_trigger_map=uses_trigger_map)
    await open_view(ctx, interaction, view)
    if parameters and parameters.app_slug:
        fetch = apps.prefetch_names(ctx, interaction.actor.workspace_id, parameters.app_slug)
        ctx.tasks.spawn(fetch, name="prefetch names")


async def filled_view(
    ctx: Context,
    actor: Actor,
    parameters: StartParameters | None,
    *,
    note: str = "",
    uses_trigger_map: bool = False,
) -> View:
    initial: dict[str, Any] = {}
    if parameters is not None:
        title = await apps.find_title(ctx, actor.workspace_id, parameters.app_slug)
        tag = f"tag:{parameters.tag}" if parameters.tag else None
        initial = {
            "app_slug": app_option(parameters.app_slug, title),
            "target": target_option(TRIGGER_MAP_TARGET if uses_trigger_map else target_of(parameters)),
            "branch": None if tag else branch_option(parameters.branch),
            "revision": parameters.commit or tag,
            "environment": "\n".join(environment_lines(parameters.environment).values()),
            "message": parameters.message,
        }
    recent = await recent_blocks(ctx, actor)
    return FORM.view(channel_id=actor.channel_id, recent=recent, note=note, **initial)


def target_of(parameters: StartParameters) -> Target | None:
    name = parameters.target
    return Target(name, is_pipeline=parameters.pipeline is not None) if name else None


def environment_lines(environment: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the form's lines by name: as many as the field takes, without values of several lines."""
    lines: dict[str, str] = {}
    for key, value in environment:
        line = f"{key}={value}"
        if len(line.splitlines()) == 1 and length("\n".join([*lines.values(), line])) <= INPUT_LIMIT:
            lines[key] = line
    return lines


async def recent_blocks(ctx: Context, actor: Actor) -> list[Block]:
    """Return a line that offers the person's last starts and the channel's presets; empty without any."""
    titles = await apps.list_titles(ctx, actor.workspace_id)
    groups = (
        (
            "Your last builds",
            [
                option(presets.describe(parameters, titles[parameters.app_slug]), f"{OWN}{row.request_id}")
                for row, parameters in await presets.list_recent_starts(ctx, actor)
            ],
        ),
        (
            "Presets of this channel",
            [
                choice(row.name, f"{PRESET}{row.name}", presets.describe(parameters, titles[parameters.app_slug]))
                for row, parameters in await presets.list_presets(
                    ctx, actor.workspace_id, channel_id=actor.channel_id or ""
                )
            ],
        ),
    )
    shown = [{"label": plain(label, 75), "options": options} for label, options in groups if options]
    if not shown:
        return []
    select = {
        "type": "static_select", "action_id": ids.START_RECENT, "option_groups": shown,
        "placeholder": plain("Fill in the form from…", 150),
    }  # fmt: skip
    return [Block(**section("*Recent*"), accessory=select)]


# Handlers of the open form.


async def choose_recent(ctx: Context, action: Action) -> None:
    """Fill in the form from a recent start or a preset.

    Slack keeps what was entered in a field as long as the field stays, so another view takes its place in between.
    """
    actor, view_id = action.actor, action.view["id"]
    await ctx.permissions.check_may_act(actor)
    value = str((action.body["actions"][0].get("selected_option") or {}).get("value") or "")
    if value.startswith(OWN):
        parameters = await presets.get_own_start(ctx, actor, value.removeprefix(OWN))
    elif value.startswith(PRESET):
        parameters = await presets.get_preset(ctx, actor, actor.channel_id or "", value.removeprefix(PRESET))
    else:
        raise ViewExpired("This list has expired. Run the command again.")
    slack = ctx.slack(actor.workspace_id)
    await slack.update_view(view_id, notice(TITLE, "⏳ Filling in the form…"))
    uses_trigger_map = parameters.target is None
    await slack.update_view(view_id, await filled_view(ctx, actor, parameters, uses_trigger_map=uses_trigger_map))


async def change_app(ctx: Context, action: Action) -> None:
    """Redraw the form, so that its fields suggest the chosen app's workflows and branches."""
    slack, view = ctx.slack(action.actor.workspace_id), action.view
    await slack.update_view(view["id"], redrawn(view), hash=view["hash"])


async def show_more(ctx: Context, action: Action) -> None:
    slack, view = ctx.slack(action.actor.workspace_id), action.view
    await slack.update_view(view["id"], FORM.with_more(view), hash=view["hash"])


COMMAND = Command(
    "form",
    run=open_form,
    topic="Start",
    help=(Help("", "open the form to start a build"), Help("form shop", "open the form for an app")),
    actions={
        ids.START_RECENT: choose_recent,
        FORM.id("app_slug"): change_app,
        FORM.more_id: show_more,
        ids.HOME_START: open_form,
    },
    shortcuts={ids.BUILD_START: open_form},
    options=FORM.options,
)
