"""The errors of unclear starts: what wasn't understood, with the likely readings as buttons."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot import apps
from bot.app_names import AppIndex, distinct_titles, not_found
from bot.apps import AppNames
from bot.builds import presets
from bot.builds.start import command_text
from bot.context import Context
from bot.errors import AppUnclear, StartUnclear, Suggestion
from bot.fuzzy import nearest
from bot.permissions import Actor
from bot.slack.text import clean, escape
from commands.grammar import START
from commands.start_syntax import TypedStart
from commands.tokenizer import quote_input
from storage.apps import AppRow
from storage.workspaces import ChannelContext

MAX_READINGS = 3
FORM_VERB = "form"


@dataclass(frozen=True, slots=True)
class StartScope:
    """The surroundings of a start. ``is_final`` is False while the names at Bitrise haven't been fetched."""

    ctx: Context
    actor: Actor
    channel: ChannelContext
    index: AppIndex
    is_final: bool

    def defaults_of(self, app: AppRow) -> ChannelContext | None:
        return self.channel if self.channel.app_slug == app.app_slug else None


async def likely_workflows(scope: StartScope, app: AppRow, names: AppNames) -> list[str]:
    """Return the channel's workflow, that of the person's last start, then those that ran last."""
    last, defaults = await presets.find_last_start(scope.ctx, scope.actor, app.app_slug), scope.defaults_of(app)
    first = [defaults and defaults.workflow, last and last.workflow]
    known = [name for name in first if name and names.find_target(name)]
    return list(dict.fromkeys([*known, *names.workflows, *names.pipelines]))[:MAX_READINGS]


async def likely_branches(scope: StartScope, app: AppRow, names: AppNames) -> list[str]:
    """Return the channel's branch, that of the person's last start, then the default branch."""
    last, defaults = await presets.find_last_start(scope.ctx, scope.actor, app.app_slug), scope.defaults_of(app)
    branches = (defaults and defaults.branch, last and last.branch, names.default_branch)
    return list(dict.fromkeys(name for name in branches if name))


async def explain_unknown_app(
    scope: StartScope, name: str, typed: TypedStart, rest: TypedStart, close: Sequence[AppRow], *, is_exact: bool
) -> StartUnclear:
    """Return the error for a word that isn't one app: a later word that is one, apps of similar names, or none."""
    ctx, workspace_id, index = scope.ctx, scope.actor.workspace_id, scope.index
    words = typed.words
    for first, end in itertools.combinations(range(1, len(words) + 1), 2):
        named = index.match_whole(" ".join(words[first:end]))
        if not close and len(named) == 1:
            reading = replace(typed, words=(*words[:first], *words[end:]))
            sentence = f"{quote_input(name)} isn't an app. Did you mean this build?"
            return unclear(sentence, [(named[0], reading)], shows_command=True, kind=AppUnclear)
    chosen = await apps.find_app(ctx, workspace_id, scope.channel.app_slug or "")
    if not close and name.isdecimal():
        sentence = f"{quote_input(name)} is a build number, not an app. Start with the app's name."
        return unclear(sentence, [(chosen, replace(rest, app=chosen.app_slug))] if chosen and rest.words else [])
    found = list(close) or await apps.search(ctx, workspace_id, name)
    titles = distinct_titles(found)
    suggestions = tuple(Suggestion(titles[app.app_slug], write(replace(rest, app=app.app_slug))) for app in found[:5])
    if not close and chosen is not None and typed.app is None and len(typed.words) == (1 if typed.has_target else 2):
        suggestions += (Suggestion(start_label(typed), write(typed, chosen)),)
        return AppUnclear(
            f"No app is called “{name}”. Did you mean a build of {chosen.title}?", suggestions=suggestions
        )
    if is_exact or len(close) > 1:
        return AppUnclear(f"Which app did you mean by “{name}”?", suggestions=suggestions)
    if close:
        return AppUnclear(f"No app is called exactly “{name}”. Did you mean this one?", suggestions=suggestions)
    return AppUnclear(not_found(name, found, is_ambiguous=False).sentence, suggestions=suggestions)


def explain_surplus(app: AppRow, typed: TypedStart, places: Sequence[str]) -> StartUnclear:
    """Return the error for words after the branch: a message without quotes, or a word that is there twice."""
    kept, surplus = typed.words[: len(places)], typed.words[len(places) :]
    given = {*kept, typed.workflow, typed.pipeline, typed.branch, typed.tag}
    reading = replace(typed, words=kept)
    if typed.tag and surplus[0] not in given:
        of_branch = replace(reading, tag=None, branch=surplus[0])
        return unclear("A build runs either a branch or a tag. Keep one:", [(app, reading), (app, of_branch)])
    problem = f"Unexpected {quote_input(surplus[0])} after the branch."
    if set(surplus) <= given:
        return unclear(problem, [(app, reading)])
    if typed.message is not None:
        return unclear(f"{problem} Name it, as in `branch:{surplus[0]}`, or leave it out.", [(app, reading)])
    reading = replace(reading, message=" ".join(surplus))
    command = quote_input(write(reading, app, is_shown=True), 200)
    sentence = f"{problem} To add a build message, put it in quotes: {command}"
    return StartUnclear(sentence, suggestions=(Suggestion("Start with this message", write(reading, app)),))


async def explain_lone_word(scope: StartScope, app: AppRow, names: AppNames, typed: TypedStart) -> StartUnclear:
    """Return the error for one word that isn't a known workflow: a branch, a misspelled workflow, or neither."""
    word, defaults = typed.words[0], scope.channel
    bare = replace(typed, words=(), tag=None)
    if word in names.branches:
        readings = [
            (app, replace(bare, workflow=name, branch=word)) for name in await likely_workflows(scope, app, names)
        ]
        return unclear(f"{quote_input(word)} is a branch:", readings, edit=replace(bare, branch=word), edit_app=app)
    branches = await likely_branches(scope, app, names)
    near = nearest(word, [*names.workflows, *names.pipelines])
    readings = [(app, replace(bare, workflow=near, branch=name)) for name in branches[:1]] if near else []
    readings += [(app, replace(bare, workflow=word, branch=name)) for name in branches[:1]]
    if defaults.app_slug == app.app_slug and defaults.workflow:
        readings.append((app, replace(bare, workflow=defaults.workflow, branch=word)))
    question = f" Did you mean {quote_input(near)}?" if near else ""
    sentence = f"{quote_input(word)} isn't a known workflow or branch of {app.title}.{question}"
    return unclear(sentence, readings, edit=replace(bare, workflow=near), edit_app=app)


async def explain_missing_workflow(scope: StartScope, app: AppRow, names: AppNames, typed: TypedStart) -> StartUnclear:
    code = (typed.commit or "")[:7] or typed.tag or typed.branch
    of = f" on {quote_input(code)}" if code else ""
    readings = [(app, replace(typed, workflow=name)) for name in await likely_workflows(scope, app, names)]
    readings = readings if code else []
    if code:
        readings.append((app, replace(typed, uses_trigger_map=True)))
    return unclear(f"Which workflow of {app.title} do you want to start{of}?", readings, edit=typed, edit_app=app)


async def explain_missing_branch(scope: StartScope, app: AppRow, names: AppNames, typed: TypedStart) -> StartUnclear:
    readings = [(app, replace(typed, branch=name)) for name in await likely_branches(scope, app, names)]
    question = f"Which branch of {app.title} do you want to build?"
    if (default := names.default_branch) and any(each.branch == default for _, each in readings):
        question += f" Its default branch is {quote_input(default)}."
    return unclear(question, readings, edit=typed, edit_app=app)


# Suggestions.


def unclear(
    sentence: str,
    readings: Sequence[tuple[AppRow, TypedStart]],
    *,
    edit: TypedStart | None = None,
    edit_app: AppRow | None = None,
    shows_command: bool = False,
    kind: type[StartUnclear] = StartUnclear,
) -> StartUnclear:
    """Return the error with a button for each reading, and one that opens the form filled in with ``edit``."""
    suggestions = []
    for app, typed in readings:
        label = write(typed, app, is_shown=True) if shows_command else start_label(typed)
        suggestions.append(Suggestion(label, write(typed, app)))
    if edit is not None:
        suggestions.append(Suggestion("Edit…", write(edit, edit_app, verb=FORM_VERB)))
    return kind(sentence, suggestions=tuple({each.text: each for each in suggestions}.values()))


def start_label(typed: TypedStart) -> str:
    """Return the label of the button that starts this."""
    words = list(typed.words)
    target = typed.pipeline or typed.workflow or (words.pop(0) if words and not typed.has_target else None)
    code = (typed.commit or "")[:7] or typed.tag or typed.branch or (words.pop(0) if words else None)
    on = f" on {clean(code, 40)}" if code else ""
    return f"Start {clean(target, 40)}{on}" if target else f"Use the trigger map{on}"


def write(typed: TypedStart, app: AppRow | None = None, *, is_shown: bool = False, verb: str = START) -> str:
    """Return a start as a command text, for a button as Slack would deliver it. ``app`` stands for what was typed."""
    options = {name: getattr(typed, name) for name in ("workflow", "pipeline", "branch", "tag", "commit")}
    words = typed.words
    if app is not None and is_shown:
        words = ((app.repo_slug or app.title), *words)
    elif app is not None or typed.app:
        options = {"app": app.app_slug if app else typed.app} | options
    text = command_text(words, environment=typed.environment, message=typed.message, **options)
    text += " trigger-map" if typed.uses_trigger_map else ""
    return text if is_shown else escape(f"{verb} {text}")
