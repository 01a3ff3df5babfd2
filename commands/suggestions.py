"""The fields for an app, its workflow or pipeline and its branch, and the options they offer while a person types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot import apps
from bot.app_names import repository_of
from bot.context import Context
from bot.fuzzy import fold
from bot.slack.fields import Option, Search, chosen_option, option
from bot.slack.text import one_line
from commands.interaction import OptionQuery, Payload
from commands.subscription_syntax import ALL_APPS
from storage import apps as app_rows
from storage.apps import AppRow

OPTIONS_SHOWN = 100
WORKFLOW, PIPELINE = "w:", "p:"
"""Prefixes of the values of options."""


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow or a pipeline. ``value`` is that of its option, which says which it is."""

    name: str
    is_pipeline: bool = False

    @property
    def workflow(self) -> str | None:
        return None if self.is_pipeline else self.name

    @property
    def pipeline(self) -> str | None:
        return self.name if self.is_pipeline else None

    @property
    def value(self) -> str:
        return (PIPELINE if self.is_pipeline else WORKFLOW) + self.name


# Fields. Each form's block ids end in "app", "target" and "branch".


def app_field(*, or_all: bool = False, **more: Any) -> Search:
    """Return the field of an app's slug; with ``or_all`` the record's value can be None for all apps."""
    if or_all:
        more = {"load": suggest_apps_or_all, "parse": read_app_or_all, "missing": "Choose an app, or all of them."}
    return Search("app_slug", "App", key="app", placeholder="Type a part of its name", **{"load": suggest_apps} | more)


def target_field(label: str, hint: str = "") -> Search:
    return Search(
        "target", label, placeholder="Choose, or type its id", hint=hint, optional=True,
        load=suggest_targets, parse=read_target,
    )  # fmt: skip


def branch_field(**more: Any) -> Search:
    placeholder = "Choose, or type any branch"
    return Search("branch", "Branch", placeholder=placeholder, optional=True, load=suggest_branches, **more)


def read_app_or_all(value: str) -> str | None:
    return None if value == ALL_APPS else value


def read_target(value: str) -> Target | None:
    """Read the value of an option. None, for an unknown one, leaves the choice to the app's trigger map."""
    kind, name = value[:2], value[2:]
    return Target(name, kind == PIPELINE) if kind in (WORKFLOW, PIPELINE) and name else None


# Options.


def app_option(app_slug: str | None, title: str | None) -> Option | None:
    """Return the option of an app, or of all apps for `ALL_APPS`."""
    return option("All apps" if app_slug == ALL_APPS else title or app_slug, app_slug) if app_slug else None


def app_options(text: str, rows: Iterable[AppRow]) -> list[Option | None]:
    """Return the apps whose title and repository contain every word of the text."""
    repositories = [(app, repository_of(app)) for app in rows]
    matches = [(app, repository) for app, repository in repositories if contains(f"{app.title} {repository}", text)]
    return [option(app.title, app.app_slug, repository or None) for app, repository in matches[:OPTIONS_SHOWN]]


def target_option(target: Target | None) -> Option | None:
    kind = "Pipeline" if target and target.is_pipeline else "Workflow"
    return option(target.name, target.value, kind) if target else None


def target_options(text: str, *, workflows: Sequence[str], pipelines: Sequence[str] = ()) -> list[Option | None]:
    """Return the targets that match, then the text itself: Bitrise may have more than Buildbell has seen."""
    targets = [Target(name) for name in workflows] + [Target(name, is_pipeline=True) for name in pipelines]
    matches = [target for target in targets if contains(target.name, text)]
    name = one_line(text)
    new = [Target(name)] if name and name not in {target.name for target in targets} else []
    return [target_option(target) for target in [*matches, *new][:OPTIONS_SHOWN]]


def branch_option(name: str | None) -> Option | None:
    return option(name, name) if name else None


def branch_options(text: str, *, branches: Sequence[str]) -> list[Option | None]:
    """Return the text itself, which may be a branch that was just pushed, then the branches that match."""
    name = one_line(text)
    new = [name] if name and name not in branches else []
    matches = [branch for branch in branches if contains(branch, text)]
    return [branch_option(each) for each in [*new, *matches][:OPTIONS_SHOWN]]


def contains(name: str, text: str) -> bool:
    """Whether a name contains every word of the text. Case and accents make no difference."""
    return all(word in fold(name) for word in fold(text).split())


# Handlers.


async def suggest_apps(ctx: Context, query: OptionQuery) -> list[Option | None]:
    is_member = ctx.permissions.is_member(query.actor)
    rows = await app_rows.list_apps(ctx.db, query.actor.workspace_id) if is_member else []
    return app_options(query.text, rows)


async def suggest_apps_or_all(ctx: Context, query: OptionQuery) -> list[Option | None]:
    matches_all = query.text.strip().casefold() in "all apps"
    return [*([app_option(ALL_APPS, None)] if matches_all else []), *await suggest_apps(ctx, query)]


async def suggest_targets(ctx: Context, query: OptionQuery) -> list[Option | None]:
    workspace_id, slug = query.actor.workspace_id, selected_app(ctx, query)
    workflows = await apps.list_workflows(ctx, workspace_id, slug) if slug else []
    pipelines = await apps.list_pipelines(ctx, workspace_id, slug) if slug else []
    return target_options(query.text, workflows=workflows, pipelines=pipelines)


async def suggest_branches(ctx: Context, query: OptionQuery) -> list[Option | None]:
    slug = selected_app(ctx, query)
    branches = await apps.list_branches(ctx, query.actor.workspace_id, slug) if slug else []
    return branch_options(query.text, branches=branches)


def selected_app(ctx: Context, query: OptionQuery) -> str | None:
    """Return the app that is selected in the open form, for members of the workspace."""
    return app_of(query.body) if ctx.permissions.is_member(query.actor) else None


def app_of(body: Payload) -> str | None:
    prefix = str(body.get("block_id") or "").partition(".")[0]
    return chosen_option(body["view"], f"{prefix}.app").get("value")
