"""The fields of the start form, and how they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.bitrise.models import RESERVED_PREFIX
from bot.builds.start import StartParameters
from bot.context import Context
from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.fields import Checkbox, Option, Slot, Text, quote_value
from bot.slack.forms import Form
from bot.slack.text import one_line
from commands.interaction import OptionQuery
from commands.suggestions import (
    TRIGGER_MAP_TARGET,
    Target,
    app_field,
    branch_field,
    contains,
    suggest_targets,
    target_field,
    target_option,
)

TITLE = "Start a build"
MESSAGE_LIMIT, REVISION_LIMIT, KEY_LIMIT = 300, 255, 200
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
NO_SPACES = re.compile(r"\S+")
Revision = tuple[str | None, str | None]
"""A commit or a tag, or neither."""


def read_branch(name: str) -> str:
    if not NO_SPACES.fullmatch(name):
        raise BuildbellError("Branch names can't contain spaces.")
    return name


def read_revision(text: str) -> Revision:
    """Read a commit or a tag; ``commit:`` or ``tag:`` in front decides which it is."""
    line = one_line(text)
    kind, colon, rest = line.partition(":")
    is_named = bool(colon) and kind.lower() in ("tag", "commit")
    name = rest.strip() if is_named else line
    is_commit, is_hash = is_named and kind.lower() == "commit", bool(COMMIT.fullmatch(name))
    if not line:
        return None, None
    if not NO_SPACES.fullmatch(name):
        raise BuildbellError(f"{quote_value(line)} isn't a valid commit or tag. Remove the spaces.")
    if is_commit and not is_hash:
        raise BuildbellError(f"{quote_value(name)} isn't a commit. Enter 7 to 40 hex digits.")
    return (name, None) if is_commit or (is_hash and not is_named) else (None, name)


def read_environment(text: str) -> tuple[tuple[str, str], ...]:
    """Read KEY=value lines in order. An error names the line, never the value, which may be a secret after all."""
    environment: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip():
            continue
        if not equals:
            raise BuildbellError(f"Line {number}: missing “=”. Use KEY=value.")
        if not KEY.fullmatch(key) or len(key) > KEY_LIMIT:
            problem = f"{quote_value(key)} isn't a variable name. Use letters, digits and underscores."
            raise BuildbellError(f"Line {number}: {problem}")
        if key.upper().startswith(RESERVED_PREFIX):
            raise BuildbellError(f"Line {number}: names starting with {RESERVED_PREFIX} are reserved.")
        if key in environment:
            raise BuildbellError(f"Line {number}: {key} is given twice.")
        environment[key] = value
    return tuple(environment.items())


def check_start(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Require a branch, commit or tag, and no tag beside a branch. An invalid field isn't among the values."""
    if values.get("target", True) is None:
        return {"target": "Choose a workflow, or the app's trigger map."}
    commit, tag = values.get("revision", (None, None))
    if tag and values.get("branch"):
        return {"revision": "Choose a branch or a tag, not both."}
    if values.get("branch", True) or commit or tag or "revision" not in values:
        return {}
    return {"branch": "Choose a branch, or enter a commit or tag under More options."}


def start_from_values(
    target: Target, revision: Revision, message: str, anyway: bool, **others: Any
) -> tuple[StartParameters, bool]:
    """Return the start, and whether to start even if an identical build is running."""
    workflow, pipeline = (None, None) if target == TRIGGER_MAP_TARGET else (target.workflow, target.pipeline)
    commit, tag = revision
    parameters = StartParameters(
        workflow=workflow, pipeline=pipeline, commit=commit, tag=tag, message=message or None, **others
    )
    return parameters, anyway


async def suggest_start_targets(ctx: Context, query: OptionQuery) -> list[Option | None]:
    """Return the workflows and pipelines, and the app's trigger map."""
    options = await suggest_targets(ctx, query)
    trigger_map = target_option(TRIGGER_MAP_TARGET)
    return [*options, trigger_map] if contains("Use the app's trigger map", query.text) else options


FORM = Form(
    ids.BUILD_START, "start", title=TITLE, submit="Start", record=start_from_values, check=check_start,
    fields=(
        Slot("recent"),
        Slot("note"),
        app_field(missing="Choose an app.", dispatch=True),
        target_field(
            "Workflow or pipeline", load=suggest_start_targets, optional=False,
            missing="Choose a workflow, or the app's trigger map.",
        ),
        branch_field(parse=read_branch),
        Text(
            "revision", "Commit or tag", optional=True, is_extra=True, limit=REVISION_LIMIT, parse=read_revision,
            hint="For a tag that looks like a hash, write tag:20240801.",
        ),
        Text(
            "environment", "Environment variables", optional=True, is_extra=True, multiline=True,
            parse=read_environment, placeholder="FLAVOR=beta",
            hint="One KEY=value per line. $NAME isn't expanded. Don't enter secrets: Bitrise displays these values.",
        ),
        Text(
            "message", "Build message", placeholder="Why this build?", optional=True, is_extra=True,
            limit=MESSAGE_LIMIT,
        ),
        Checkbox("anyway", "Duplicate builds", "Start even if an identical build is running", is_extra=True),
    ),
)  # fmt: skip
