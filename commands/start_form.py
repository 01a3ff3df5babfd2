"""The start form: the app, the workflow or pipeline, the code, the environment variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.bitrise.models import RESERVED_PREFIX
from bot.builds.parameters import StartRequest
from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.fields import Checkbox, Slot, Text, quote_value
from bot.slack.forms import Form
from bot.slack.text import one_line
from commands.suggestions import Target, app_field, branch_field, target_field

MESSAGE_LIMIT = 300
REVISION_LIMIT = 255
KEY_LIMIT = 200

Revision = tuple[str | None, str | None]
"""A commit or a tag, or neither."""

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
_NO_SPACES = re.compile(r"\S+")


def start_from_values(
    app_slug: str, target: Target | None, revision: Revision, message: str, anyway: bool, **more: Any
) -> tuple[StartRequest, bool]:
    """Return the build to start, and whether to start it even if an identical one is running."""
    (workflow, pipeline), (commit, tag) = (target.workflow, target.pipeline) if target else (None, None), revision
    more |= {"workflow": workflow, "pipeline": pipeline, "commit": commit, "tag": tag, "message": message or None}
    return StartRequest(app=app_slug, **more), anyway


def read_branch(name: str) -> str:
    if not _NO_SPACES.fullmatch(name):
        raise BuildbellError("A branch has no blanks in its name.")
    return name


def read_revision(text: str) -> Revision:
    """``commit:`` or ``tag:`` in front decides which it is."""
    typed = one_line(text)
    kind, colon, rest = typed.partition(":")
    is_named = bool(colon) and kind.lower() in ("tag", "commit")
    name = rest.strip() if is_named else typed
    is_commit, is_hash = is_named and kind.lower() == "commit", bool(_COMMIT.fullmatch(name))
    if not typed:
        return None, None
    if not _NO_SPACES.fullmatch(name):
        raise BuildbellError(f"{quote_value(typed)} is neither a commit nor a tag: it has blanks or no name.")
    if is_commit and not is_hash:
        raise BuildbellError(f"{quote_value(name)} is no commit: it takes 7 to 40 hex digits.")
    return (name, None) if is_commit or (is_hash and not is_named) else (None, name)


def read_environment(text: str) -> tuple[tuple[str, str], ...]:
    """KEY=value lines in order. An error names the line, never the value, which may be a secret after all."""
    environment: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if line.strip() and (problem := _key_problem(key, bool(equals), environment)):
            raise BuildbellError(f"Line {number}: {problem}")
        environment |= {key: value} if line.strip() else {}
    return tuple(environment.items())


def _key_problem(key: str, has_value: bool, known: Mapping[str, str]) -> str | None:
    if not has_value:
        return "there is no “=”. Write one KEY=value a line."
    if not _KEY.fullmatch(key) or len(key) > KEY_LIMIT:
        return f"{quote_value(key)} is no variable name. It takes letters, digits and underscores."
    if key.upper().startswith(RESERVED_PREFIX):
        return f"names that begin with {RESERVED_PREFIX} are kept for Buildbell."
    return f"{key} is there twice." if key in known else None


def check_start(values: Mapping[str, Any]) -> Mapping[str, str]:
    """Bitrise needs a workflow, a branch, a commit or a tag. An invalid field isn't among the values and counts."""
    if any(values.get(name, True) for name in ("target", "branch")) or values.get("revision") != (None, None):
        return {}
    return {"branch": "Give a workflow, a branch, or a commit or tag: Bitrise needs one of them."}


FORM = Form(
    ids.BUILD_START, "start", title="Start a build", submit="Start", record=start_from_values, check=check_start,
    fields=(
        Slot("note"),
        app_field(missing="Choose an app.", dispatch=True),
        target_field(
            "Workflow or pipeline", "Left empty, the app's trigger map decides, which may start several builds."
        ),
        branch_field(parse=read_branch),
        Text(
            "revision", "Commit or tag", optional=True, limit=REVISION_LIMIT, parse=read_revision,
            hint="7 to 40 hex digits are a commit, anything else is a tag. "
            "Write tag:20240801 where that would be wrong.",
        ),
        Text(
            "environment", "Environment variables", optional=True, multiline=True, parse=read_environment,
            placeholder="FLAVOR=beta",
            hint="One KEY=value a line, taken as written: $NAME is not replaced. Not for secrets; Bitrise shows them.",
        ),
        Text("message", "Build message", placeholder="Why this build?", optional=True, limit=MESSAGE_LIMIT),
        Checkbox("anyway", "If it already runs", "Start even if the same build already runs"),
    ),
)  # fmt: skip
