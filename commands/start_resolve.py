"""Resolve a typed start: the app, the workflow and the branch that are meant. Gaps come from the channel's settings.

A word that can't be placed with certainty starts nothing: `StartUnclear` offers the likely readings as buttons.
"""

from __future__ import annotations

from dataclasses import replace

from bot import apps
from bot.apps import AppNames
from bot.builds import presets
from bot.builds.start import StartParameters
from commands.start_syntax import TypedStart
from commands.start_unclear import (
    StartScope,
    explain_lone_word,
    explain_missing_branch,
    explain_missing_workflow,
    explain_surplus,
    explain_unknown_app,
    unclear,
)
from commands.tokenizer import quote_input
from storage import presets as preset_rows
from storage.apps import AppRow


async def resolve_app(scope: StartScope, typed: TypedStart) -> tuple[AppRow | None, TypedStart]:
    """Return the app and the start without its name; ``app`` of the start stays None for the channel's app.

    The app is None if none is named and the channel has none.
    Raises `StartUnclear` for a name that isn't exactly one app's: a beginning of a name, or a similar one, is asked.
    """
    ctx, channel, index, workspace_id = scope.ctx, scope.channel, scope.index, scope.actor.workspace_id
    name = typed.app or (typed.words[0] if typed.words else None)
    quoted_at = None if typed.quoted_at is None else typed.quoted_at - 1
    rest = typed if typed.app else replace(typed, words=typed.words[1:], quoted_at=quoted_at)
    if name and len(matches := index.match_whole(name)) == 1:
        return matches[0], replace(rest, app=matches[0].app_slug)
    if name and not typed.app and not matches and (preset := await find_preset(scope, name)):
        merged = merge_preset(preset, rest)
        return await apps.find_app(ctx, workspace_id, preset.app_slug), merged
    chosen = await apps.find_app(ctx, workspace_id, channel.app_slug) if channel.app_slug else None
    if name is None:
        return chosen, typed
    if chosen is not None and typed.app is None and not matches:
        load = apps.fetch_names if scope.is_final else apps.list_names
        names = await load(ctx, workspace_id, chosen.app_slug)
        if names.find_target(name) or name in names.branches:
            return chosen, typed
    if scope.is_final and await apps.refresh_in_time(ctx, workspace_id):
        index = await apps.load_index(ctx, workspace_id)
        scope = replace(scope, index=index)
        if len(matches := index.match_whole(name)) == 1:
            return matches[0], replace(rest, app=matches[0].app_slug)
    raise await explain_unknown_app(scope, name, typed, rest, matches or index.match(name), is_exact=bool(matches))


async def find_preset(scope: StartScope, name: str) -> StartParameters | None:
    ctx, channel_id = scope.ctx, scope.actor.channel_id or ""
    row = await preset_rows.find_preset(ctx.db, scope.actor.workspace_id, channel_id, name.lower())
    return presets.open_preset(ctx, row) if row else None


def merge_preset(preset: StartParameters, typed: TypedStart) -> TypedStart:
    """Return the start of a preset, with what was typed in place of its parts."""
    has_target, has_code = typed.has_target, typed.has_code
    return TypedStart(
        typed.words,
        app=preset.app_slug,
        workflow=typed.workflow if has_target else preset.workflow,
        pipeline=typed.pipeline if has_target else preset.pipeline,
        branch=typed.branch if has_code else preset.branch,
        tag=typed.tag if has_code else preset.tag,
        commit=typed.commit if has_code else preset.commit,
        environment=tuple((dict(preset.environment) | dict(typed.environment)).items()),
        message=typed.message or preset.message,
        uses_trigger_map=typed.uses_trigger_map or (not has_target and preset.target is None),
    )


async def resolve_names(scope: StartScope, app: AppRow, typed: TypedStart) -> StartParameters:
    """Return the parameters of a start of an app. Raises `StartUnclear`."""
    load = apps.fetch_names if scope.is_final else apps.list_names
    names = await load(scope.ctx, app.workspace_id, app.app_slug)
    if typed.quoted_at is not None:
        typed = _place_quoted(names, typed)
    typed = await _place_words(scope, app, names, typed)
    defaults = scope.channel if scope.channel.app_slug == app.app_slug else None
    workflow, pipeline = typed.workflow, typed.pipeline
    if defaults and not typed.has_target:
        workflow = defaults.workflow
    if workflow and workflow not in names.workflows and (canonical := names.find_target(workflow)):
        workflow, pipeline = (None, canonical) if canonical in names.pipelines else (canonical, None)
    branch = typed.branch if not defaults or typed.has_code else defaults.branch
    if not (workflow or pipeline or typed.uses_trigger_map):
        raise await explain_missing_workflow(scope, app, names, replace(typed, branch=branch))
    if not (branch or typed.tag or typed.commit):
        raise await explain_missing_branch(scope, app, names, replace(typed, workflow=workflow, pipeline=pipeline))
    return StartParameters(
        app.app_slug, workflow, pipeline, branch, typed.tag, typed.commit, typed.environment, typed.message
    )


def _place_quoted(names: AppNames, typed: TypedStart) -> TypedStart:
    """Read a message in quotes as the workflow or branch that has exactly this name, if that place is free."""
    message, count = typed.message, typed.quoted_at
    if message is None or count is None:
        return typed
    if not typed.has_target and count <= 0 and names.find_target(message) == message:
        return replace(typed, workflow=message, message=None)
    if not typed.has_code and len(typed.words) <= (0 if typed.has_target else 1) and message in names.branches:
        return replace(typed, branch=message, message=None)
    return typed


async def _place_words(scope: StartScope, app: AppRow, names: AppNames, typed: TypedStart) -> TypedStart:
    """Read the words that are left as workflow and branch. Raises `StartUnclear` if that may not be meant."""
    words = typed.words
    places = [*([] if typed.has_target else ["workflow"]), *([] if typed.branch or typed.tag else ["branch"])]
    for place, word in enumerate(words if typed.app is None else ()):  # of the channel's app
        is_known = names.find_target(word) or word in names.branches
        if not is_known and len(named := scope.index.match_whole(word)) == 1:
            others = (*words[:place], *words[place + 1 :])
            raise unclear("Start with the app's name:", [(named[0], replace(typed, words=others))], shows_command=True)
    if len(words) > len(places):
        raise explain_surplus(app, typed, places)
    if places[: len(words)] == ["workflow", "branch"] and words[0] in names.branches:
        if names.find_target(words[1]) and not names.find_target(words[0]):
            reading = replace(typed, words=(words[1], words[0]))
            raise unclear(f"{quote_input(words[0])} is a branch. The workflow comes first:", [(app, reading)])
    if len(words) == 1 and places[:1] == ["workflow"] and not names.find_target(words[0]):
        if not typed.has_code or words[0] in names.branches:
            raise await explain_lone_word(scope, app, names, typed)
    return replace(typed, words=(), **dict(zip(places, words, strict=False)))  # type: ignore[arg-type]
