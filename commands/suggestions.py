"""The fields for an app, its workflow or pipeline and its branch, and the options they offer while a person types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot import apps
from bot.app_names import repository_of
from bot.apps import AppNames
from bot.context import Context
from bot.fuzzy import fold
from bot.slack.fields import Option, Search, chosen_option, option
from bot.slack.text import one_line
from commands.interaction import OptionQuery, Payload
from commands.subscription_syntax import ALL_APPS
from storage import apps as app_rows
from storage.apps import AppRow

OPTIONS_SHOWN = 100
WORKFLOW, PIPELINE, TRIGGER_MAP = "w:", "p:", "m:"
"""Prefixes of the values of options."""


@dataclass(frozen=True, slots=True)
class Target:
    """A workflow, a pipeline, or the app's trigger map. ``value`` is that of its option, which says which it is."""

    name: str
    is_pipeline: bool = False
    is_trigger_map: bool = False

    @property
    def workflow(self) -> str | None:
        return None if self.is_pipeline else self.name

    @property
    def pipeline(self) -> str | None:
        return self.name if self.is_pipeline else None

    @property
    def value(self) -> str:
        return (TRIGGER_MAP if self.is_trigger_map else PIPELINE if self.is_pipeline else WORKFLOW) + self.name


TRIGGER_MAP_TARGET = Target("Trigger map", is_trigger_map=True)
"""The app's trigger map decides, which may start several builds."""


# Fields. Each form's block ids end in "app", "target" and "branch".


def app_field(*, or_all: bool = False, **more: Any) -> Search:
    """Return the field of an app's slug; with ``or_all`` the record's value can be None for all apps."""
    if or_all:
        more = {"load": suggest_apps_or_all, "parse": read_app_or_all, "missing": "Choose an app, or all apps."}
    return Search("app_slug", "App", key="app", placeholder="Search for an app", **{"load": suggest_apps} | more)


def target_field(label: str, **more: Any) -> Search:
    settings: dict[str, Any] = {"load": suggest_targets, "optional": True, "placeholder": "Pick or enter a workflow"}
    return Search("target", label, parse=read_target, **settings | more)


def branch_field(**more: Any) -> Search:
    placeholder = "Pick or enter a branch"
    return Search("branch", "Branch", placeholder=placeholder, optional=True, load=suggest_branches, **more)


def read_app_or_all(value: str) -> str | None:
    return None if value == ALL_APPS else value


def read_target(value: str) -> Target | None:
    """Read the value of an option; None for an unknown one."""
    kind, name = value[:2], value[2:]
    if kind == TRIGGER_MAP:
        return TRIGGER_MAP_TARGET
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
    if target is None:
        return None
    kind = "May start several builds" if target.is_trigger_map else "Pipeline" if target.is_pipeline else "Workflow"
    return option(target.name, target.value, kind)


def target_options(text: str, names: AppNames) -> list[Option | None]:
    """Return the targets that match, then the text itself: Bitrise may have more than Buildbell has seen."""
    targets = [Target(name) for name in names.workflows] + [Target(name, is_pipeline=True) for name in names.pipelines]
    matches = [target_option(target) for target in targets if contains(target.name, text)]
    name = one_line(text)
    is_new = name and name not in {target.name for target in targets}
    return [*matches[: OPTIONS_SHOWN - 2], *([option(use(name), Target(name).value, "Workflow")] if is_new else [])]


def branch_option(name: str | None) -> Option | None:
    return option(name, name) if name else None


def branch_options(text: str, *, branches: Sequence[str]) -> list[Option | None]:
    """Return the branches that match, then the text itself, which may be a branch that was just pushed."""
    name = one_line(text)
    matches = [branch_option(branch) for branch in branches if contains(branch, text)]
    is_new = name and name not in branches
    return [*matches[: OPTIONS_SHOWN - 1], *([option(use(name), name)] if is_new else [])]


def use(name: str) -> str:
    """Return the label of the option that stands for what was typed."""
    return f"Use “{name}”"


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
    return target_options(query.text, await load_names(ctx, query))


async def suggest_branches(ctx: Context, query: OptionQuery) -> list[Option | None]:
    return branch_options(query.text, branches=(await load_names(ctx, query)).branches)


async def load_names(ctx: Context, query: OptionQuery) -> AppNames:
    """Return the names of the app that is selected in the open form."""
    slug = selected_app(ctx, query)
    return await apps.fetch_names(ctx, query.actor.workspace_id, slug) if slug else AppNames()


def selected_app(ctx: Context, query: OptionQuery) -> str | None:
    """Return the app that is selected in the open form, for members of the workspace."""
    return app_of(query.body) if ctx.permissions.is_member(query.actor) else None


def app_of(body: Payload) -> str | None:
    prefix = str(body.get("block_id") or "").partition(".")[0]
    return chosen_option(body["view"], f"{prefix}.app").get("value")
