"""What every modal is made of, and how its answers are read back. Each form is in the module named after it.

https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ExternalDataSelectElement,
    InputBlock,
    Option,
    PlainTextInputElement,
)
from slack_sdk.models.views import View

from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.blocks import BLOCKS_IN_VIEW, plain, section
from bot.slack.text import clean, length, one_line

Payload = dict[str, Any]

METADATA_LIMIT = 3_000
OPTION_TEXT_LIMIT = 75
OPTION_VALUE_LIMIT = 150
INPUT_LIMIT = 3_000


class FormRefused(BuildbellError):
    """Fields that cannot be taken: ``errors`` is a sentence for each block id, as ``response_action: errors`` wants."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(next(iter(errors.values())))
        self.errors = dict(errors)


# Drawing.


def modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str | None = None,
    close: str = "Cancel",
    metadata: Mapping[str, str | None] | None = None,
) -> Payload:
    """A view as views.open takes it. ``metadata`` comes back with the submission; anybody's client can read it."""
    view = View(
        type="modal",
        callback_id=callback_id,
        title=plain(title, 24),
        submit=plain(submit, 24) if submit else None,
        close=plain(close, 24),
        blocks=blocks[:BLOCKS_IN_VIEW],
        private_metadata=write_metadata(metadata or {}),
    )
    return view.to_dict()


def write_metadata(metadata: Mapping[str, str | None]) -> str | None:
    kept = {key: text for key, text in metadata.items() if text}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    if length(text) > METADATA_LIMIT:
        raise ValueError(f"a view's metadata is too long: {', '.join(kept)}")
    return text if kept else None


def notice(title: str, *sentences: str) -> Payload:
    """A modal that only tells something; ``sentences`` are mrkdwn."""
    return modal(ids.MESSAGE_CLOSED, title, [section(text) for text in sentences], close="Close")


def text_input(
    field_id: str,
    label: str,
    *,
    hint: str | None = None,
    placeholder: str | None = None,
    initial: str | None = None,
    multiline: bool = False,
    optional: bool = True,
    limit: int = INPUT_LIMIT,
) -> InputBlock:
    element = PlainTextInputElement(
        action_id=field_id,
        multiline=multiline,
        max_length=limit,
        placeholder=plain(placeholder, 150) if placeholder else None,
        initial_value=initial if initial and length(initial) <= limit else None,
    )
    return _input(field_id, label, element, hint=hint, optional=optional)


def search_input(
    field_id: str,
    label: str,
    *,
    placeholder: str,
    initial: Option | None = None,
    hint: str | None = None,
    optional: bool = True,
    dispatch: bool = False,
) -> InputBlock:
    """A select whose options we answer while the person types; all are shown before the first letter."""
    element = ExternalDataSelectElement(
        action_id=field_id, placeholder=plain(placeholder, 150), min_query_length=0, initial_option=initial
    )
    return _input(field_id, label, element, hint=hint, optional=optional, dispatch=dispatch)


def _input(
    field_id: str, label: str, element: Any, *, hint: str | None = None, optional: bool = False, dispatch: bool = False
) -> InputBlock:
    return InputBlock(
        block_id=field_id,
        label=plain(label, 200),
        element=element,
        hint=plain(hint, 500) if hint else None,
        optional=optional,
        dispatch_action=dispatch or None,
    )


def choice_input(
    field_id: str, label: str, element: Any, *, hint: str | None = None, optional: bool = False
) -> InputBlock:
    """A select, radio or checkbox element whose action id is ``field_id``."""
    return _input(field_id, label, element, hint=hint, optional=optional)


def choice(text: str, value: str, description: str | None = None) -> Option:
    """An option of ours, whose value is short."""
    told = plain(description, OPTION_TEXT_LIMIT) if description else None
    return Option(text=plain(text, OPTION_TEXT_LIMIT), value=value, description=told)


def option(text: str, value: str, description: str | None = None) -> Option | None:
    """None when the value is too long to be one: Slack takes 150 characters, and half a branch is another branch."""
    return choice(text, value, description) if 0 < length(value) <= OPTION_VALUE_LIMIT else None


def options_ack(options: Sequence[Option | None]) -> Payload:
    """The answer to a block_suggestion: at most 100, none twice."""
    kept = {drawn.value: drawn.to_dict() for drawn in options if drawn is not None}
    return {"options": list(kept.values())[:100]}


# Reading. Everything in a payload may be missing, so that an old client or an old view is no crash.


def read_metadata(view: Mapping[str, Any]) -> dict[str, str]:
    try:
        kept = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in kept.items()} if isinstance(kept, dict) else {}


def read_text(view: Mapping[str, Any], field_id: str) -> str:
    """One line as typed, without control characters; empty when nothing was."""
    return one_line(read_lines(view, field_id))


def read_lines(view: Mapping[str, Any], field_id: str) -> str:
    return str(_element(view, field_id).get("value") or "")


def read_option(view: Mapping[str, Any], field_id: str) -> str:
    """The value of the chosen option; empty when none is."""
    return str(_inner(_element(view, field_id), "selected_option").get("value") or "")


def read_option_text(view: Mapping[str, Any], field_id: str) -> str:
    """The text of the chosen option."""
    return str(_inner(_element(view, field_id), "selected_option", "text").get("text") or "")


def read_options(view: Mapping[str, Any], field_id: str) -> list[str]:
    """The values of all chosen options."""
    chosen = _element(view, field_id).get("selected_options") or []
    return [str(each.get("value") or "") for each in chosen if isinstance(each, Mapping)]


def read_users(view: Mapping[str, Any], field_id: str) -> list[str]:
    """The ids of the chosen people."""
    return [str(each) for each in _element(view, field_id).get("selected_users") or []]


def read_checked(view: Mapping[str, Any], field_id: str) -> bool:
    return bool(_element(view, field_id).get("selected_options"))


def read_picked_time(view: Mapping[str, Any], field_id: str) -> str | None:
    """``22:30`` of a time picker; None when nothing is chosen."""
    return str(_element(view, field_id).get("selected_time") or "") or None


def _element(view: Mapping[str, Any], field_id: str) -> Mapping[str, Any]:
    return _inner(view, "state", "values", field_id, field_id)


def _inner(facts: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    found: Any = facts
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def shown_value(text: str) -> str:
    """A typed value inside an error sentence."""
    return f"“{clean(text, 60)}”"
