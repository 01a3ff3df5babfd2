"""A workflow or a pipeline in one select: its options, and the value that says which of the two it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Option

from bot.slack.forms import option
from bot.slack.text import one_line
from storage.apps import AppRow

OPTIONS_SHOWN = 100
_WORKFLOW, _PIPELINE = "w:", "p:"


@dataclass(frozen=True, slots=True)
class Target:
    name: str
    is_pipeline: bool = False

    @property
    def workflow(self) -> str | None:
        return None if self.is_pipeline else self.name

    @property
    def pipeline(self) -> str | None:
        return self.name if self.is_pipeline else None


def target_value(target: Target) -> str:
    return (_PIPELINE if target.is_pipeline else _WORKFLOW) + target.name


def read_target(value: str) -> Target | None:
    """None for an empty value, which leaves the choice to the app's trigger map."""
    kind, name = value[:2], value[2:]
    return Target(name, kind == _PIPELINE) if kind in (_WORKFLOW, _PIPELINE) and name else None


def target_option(target: Target) -> Option | None:
    return option(target.name, target_value(target), "Pipeline" if target.is_pipeline else "Workflow")


def target_options(typed: str, *, workflows: Sequence[str], pipelines: Sequence[str] = ()) -> list[Option | None]:
    """Those that fit what is typed, and what is typed itself, for Bitrise may know more than we do."""
    known = [Target(name) for name in workflows] + [Target(name, is_pipeline=True) for name in pipelines]
    fits = [target for target in known if _fits(typed, target.name)]
    wanted = one_line(typed)
    free = [Target(wanted)] if wanted and wanted not in {target.name for target in known} else []
    return [target_option(target) for target in [*fits, *free][:OPTIONS_SHOWN]]


def branch_option(name: str) -> Option | None:
    return option(name, name)


def branch_options(typed: str, *, branches: Sequence[str]) -> list[Option | None]:
    """What is typed comes first when it is no known branch: people know the branch they just pushed."""
    wanted = one_line(typed)
    free = [wanted] if wanted and wanted not in branches else []
    return [branch_option(name) for name in [*free, *(name for name in branches if _fits(typed, name))]][:OPTIONS_SHOWN]


def app_option(app: AppRow) -> Option | None:
    repository = "/".join(filter(None, (app.repo_owner, app.repo_slug)))
    return option(app.title, app.app_slug, repository or None)


def app_options(typed: str, apps: Iterable[AppRow]) -> list[Option | None]:
    """Apps whose title or repository holds every word that is typed."""
    fitting = [app for app in apps if _fits(typed, " ".join(filter(None, (app.title, app.repo_owner, app.repo_slug))))]
    return [app_option(app) for app in fitting[:OPTIONS_SHOWN]]


def _fits(typed: str, name: str) -> bool:
    return all(word in name.casefold() for word in typed.casefold().split())
