"""The start form: which app, what to run, on which code, with what; drawn for a draft and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block, CheckboxesElement, InputBlock

from bot.bitrise.models import RESERVED_PREFIX
from bot.slack import ids
from bot.slack.blocks import context
from bot.slack.forms import (
    FormRefused,
    Payload,
    choice,
    choice_input,
    modal,
    option,
    read_checked,
    read_lines,
    read_metadata,
    read_option,
    read_option_text,
    read_text,
    search_input,
    shown_value,
    text_input,
)
from bot.slack.text import quoted
from commands.form_fields import Target, branch_option, read_target, target_option

MESSAGE_LIMIT = 300
REVISION_LIMIT = 255
KEY_LIMIT = 200

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
_NO_GAPS = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class StartDraft:
    """What the form shows filled in. ``environment`` is text, one KEY=value a line, and kept out of reprs."""

    app_slug: str | None = None
    app_title: str | None = None
    target: Target | None = None
    branch: str | None = None
    revision: str | None = None
    environment: str | None = field(default=None, repr=False)
    message: str | None = None
    start_anyway: bool = False


@dataclass(frozen=True, slots=True)
class StartForm:
    """What was submitted. At least one of target, branch, tag and commit is there."""

    app_slug: str
    target: Target | None
    branch: str | None
    tag: str | None
    commit: str | None
    environment: tuple[tuple[str, str], ...] = field(repr=False)
    message: str | None
    start_anyway: bool


def start_form(draft: StartDraft, *, channel_id: str | None, note: str | None = None) -> Payload:
    """``channel_id`` is where the card will be.

    When the app changes, draw the form again with `read_draft` and update the view: what is typed stays.
    """
    blocks: list[Block] = [context(quoted(note, 500))] if note else []
    blocks += [_app(draft), _target(draft), _branch(draft), _revision(draft), _environment(draft), _message(draft)]
    blocks += [_anyway(draft)]
    metadata = {"channel": channel_id, "app": draft.app_slug}
    return modal(ids.BUILD_START, "Start a build", blocks, submit="Start", metadata=metadata)


def _app(draft: StartDraft) -> InputBlock:
    known = option(draft.app_title or draft.app_slug or "", draft.app_slug) if draft.app_slug else None
    return search_input(
        ids.START_APP, "App", placeholder="Type a part of its name", initial=known, optional=False, dispatch=True
    )


def _target(draft: StartDraft) -> InputBlock:
    return search_input(
        ids.START_TARGET,
        "Workflow or pipeline",
        placeholder="Choose, or type its id",
        initial=target_option(draft.target) if draft.target else None,
        hint="Left empty, the app's trigger map decides, which may start several builds.",
    )


def _branch(draft: StartDraft) -> InputBlock:
    return search_input(
        ids.START_BRANCH,
        "Branch",
        placeholder="Choose, or type any branch",
        initial=branch_option(draft.branch) if draft.branch else None,
    )


def _revision(draft: StartDraft) -> InputBlock:
    return text_input(
        ids.START_REVISION,
        "Commit or tag",
        hint="7 to 40 hex digits are a commit, anything else is a tag. Write tag:20240801 where that would be wrong.",
        initial=draft.revision,
        limit=REVISION_LIMIT,
    )


def _environment(draft: StartDraft) -> InputBlock:
    return text_input(
        ids.START_ENVIRONMENT,
        "Environment variables",
        placeholder="FLAVOR=beta",
        hint="One KEY=value a line, taken as written: $NAME is not replaced. Not for secrets; Bitrise shows them.",
        initial=draft.environment,
        multiline=True,
    )


def _message(draft: StartDraft) -> InputBlock:
    return text_input(
        ids.START_MESSAGE, "Build message", placeholder="Why this build?", initial=draft.message, limit=MESSAGE_LIMIT
    )


def _anyway(draft: StartDraft) -> InputBlock:
    anyway = choice("Start even if the same build already runs", "anyway")
    boxes = CheckboxesElement(
        action_id=ids.START_ANYWAY, options=[anyway], initial_options=[anyway] if draft.start_anyway else None
    )
    return choice_input(ids.START_ANYWAY, "If it already runs", boxes, optional=True)


# Reading.


def read_draft(view: Mapping[str, Any]) -> StartDraft:
    """What is filled in so far, unchecked; the app's title is that of the chosen option."""
    return StartDraft(
        app_slug=read_option(view, ids.START_APP) or None,
        app_title=read_option_text(view, ids.START_APP) or None,
        target=read_target(read_option(view, ids.START_TARGET)),
        branch=read_option(view, ids.START_BRANCH) or None,
        revision=read_text(view, ids.START_REVISION) or None,
        environment=read_lines(view, ids.START_ENVIRONMENT) or None,
        message=read_text(view, ids.START_MESSAGE) or None,
        start_anyway=read_checked(view, ids.START_ANYWAY),
    )


def read_app_of_view(view: Mapping[str, Any]) -> str | None:
    """The app for which workflows and branches are suggested: the chosen one, else the one the form opened with."""
    return read_option(view, ids.START_APP) or read_metadata(view).get("app") or None


def read_start_form(view: Mapping[str, Any]) -> StartForm:
    """The submission. Raises `FormRefused` with a sentence for each field that cannot be taken."""
    draft, errors = read_draft(view), dict[str, str]()
    if not draft.app_slug:
        errors[ids.START_APP] = "Choose an app."
    commit, tag = _read_revision(draft.revision or "", errors)
    environment = _read_environment(draft.environment or "", errors)
    if draft.branch and not _NO_GAPS.fullmatch(draft.branch):
        errors[ids.START_BRANCH] = "A branch has no blanks in its name."
    if not (draft.target or draft.branch or draft.revision):
        errors[ids.START_BRANCH] = "Give a workflow, a branch, or a commit or tag: Bitrise needs one of them."
    if errors:
        raise FormRefused(errors)
    return StartForm(
        app_slug=draft.app_slug or "",
        target=draft.target,
        branch=draft.branch,
        tag=tag,
        commit=commit,
        environment=environment,
        message=draft.message,
        start_anyway=draft.start_anyway,
    )


def _read_revision(typed: str, errors: dict[str, str]) -> tuple[str | None, str | None]:
    """``(commit, tag)``, at most one of them."""
    kind, mark, rest = typed.partition(":")
    is_named = bool(mark) and kind.lower() in ("tag", "commit")
    name = rest.strip() if is_named else typed
    if not typed:
        return None, None
    if not _NO_GAPS.fullmatch(name):
        errors[ids.START_REVISION] = f"{shown_value(typed)} is neither a commit nor a tag: it has blanks or no name."
        return None, None
    if is_named and kind.lower() == "commit" and not _COMMIT.fullmatch(name):
        errors[ids.START_REVISION] = f"{shown_value(name)} is no commit: it takes 7 to 40 hex digits."
        return None, None
    is_commit = kind.lower() == "commit" if is_named else bool(_COMMIT.fullmatch(name))
    return (name, None) if is_commit else (None, name)


def _read_environment(text: str, errors: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """KEY=value lines in order. The error names the line, never the value, which may be a secret after all."""
    found: dict[str, str] = {}
    for place, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        key, mark, value = line.partition("=")
        if wrong := _wrong_key(key.strip(), bool(mark), found):
            errors.setdefault(ids.START_ENVIRONMENT, f"Line {place}: {wrong}")
            break
        found[key.strip()] = value.strip()
    return tuple(found.items())


def _wrong_key(key: str, has_value: bool, known: Mapping[str, str]) -> str | None:
    if not has_value:
        return "there is no “=”. Write one KEY=value a line."
    if not _KEY.fullmatch(key) or len(key) > KEY_LIMIT:
        return f"{shown_value(key)} is no variable name. It takes letters, digits and underscores."
    if key.upper().startswith(RESERVED_PREFIX):
        return f"names that begin with {RESERVED_PREFIX} are kept for Buildbell."
    return f"{key} is there twice." if key in known else None
