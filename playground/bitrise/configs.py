"""The bitrise.yml of an app: its own, or one generated from its workflows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from playground.bitrise.model import App


def app_config(app: App) -> str:
    return app.bitrise_yml if app.bitrise_yml is not None else "\n".join(_lines(app)) + "\n"


def _lines(app: App) -> Iterator[str]:
    yield 'format_version: "13"'
    yield "default_step_lib_source: https://github.com/bitrise-io/bitrise-steplib.git"
    yield f"project_type: {app.project_type}"
    if app.pipelines:
        yield "pipelines:"
        for name, stages in app.pipelines.items():
            yield from _pipeline(name, stages)
    yield "workflows:"
    for name, workflow in app.workflows.items():
        yield f"  {name}:"
        yield "    steps:"
        yield from (f"    - {step}: {{}}" for step in workflow.steps)


def _pipeline(name: str, stages: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"  {name}:"
    yield "    workflows:"
    before: Sequence[str] = ()
    for stage in stages:
        for workflow in stage:
            yield f"      {workflow}: {{depends_on: [{', '.join(before)}]}}"
        before = stage
