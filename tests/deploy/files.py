"""What is handed to those who run Buildbell, as a program reads it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

from bot.settings import PREFIX, Settings, env_name
from bot.web.server import web_app
from tests.contexts import make_context

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
SETTINGS = {env_name(field) for field in Settings.model_fields}
NAME = re.compile(PREFIX + r"[A-Z_]+")
GOODBYES_SECONDS = 5
"""What ending takes besides BUILDBELL_SHUTDOWN_SECONDS: goodbyes to Slack and to the database."""


def read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def manifests() -> dict[str, dict[str, Any]]:
    """What Kubernetes is given, by file."""
    files = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")
    return {str(path.relative_to(KUBERNETES)): read_yaml(path) for path in files}


def unknown_settings(text: str) -> list[str]:
    """Names that begin like settings and are none."""
    return sorted(set(NAME.findall(text)) - SETTINGS)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each instruction and what it is given, over continued lines."""
    lines = (line for line in dockerfile.splitlines() if not line.startswith("#"))
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, given = line.strip().partition(" ")
            yield name, given.strip()


def last_stage(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions that make the image; those of earlier stages are thrown away."""
    every = list(instructions(dockerfile))
    return every[max(index for index, (name, _) in enumerate(every) if name == "FROM") :]


def variables(stage: list[tuple[str, str]]) -> dict[str, str]:
    """What ENV sets."""
    pairs = (pair.partition("=") for name, given in stage if name == "ENV" for pair in shlex.split(given))
    return {name: value for name, _, value in pairs}


def doors() -> set[str]:
    """Every path that a bot answers at."""
    thing = cast(Any, object())  # nobody is asked anything

    async def nothing() -> bytes:
        return b""

    app = web_app(
        ctx=make_context(thing, settings=Settings(_env_file=None)),
        slack=thing,
        is_ready=lambda: None,
        exposition=nothing,
        oauth=thing,
    )
    return {resource.canonical for resource in app.router.resources()}
