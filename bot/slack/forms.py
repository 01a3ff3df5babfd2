"""Modals, and forms in them: fields declared once, drawn with initial values, read back into one record.

    FORM = Form(
        ids.BUILD_ABORT, "abort", title="Stop build", submit="Stop build", record=AbortParameters,
        fields=(Hidden("build_slug"), Select("reason", "Reason", REASONS), Text("note", "Note", optional=True)),
    )
    view = FORM.view(channel_id=channel_id, build_slug=build.build_slug, note="wrong branch")
    parameters = FORM.read(submitted_view)

A field's block and its action share one id, the form's prefix and the field's name: ``abort.reason``.
https://docs.slack.dev/surfaces/modals
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeVar

from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.blocks import BLOCKS_IN_VIEW, Block, actions, button, plain, section
from bot.slack.fields import Field, Hidden, Option, Search, Select, Slot, chosen_option
from bot.slack.text import length

Payload = dict[str, Any]

METADATA_LIMIT = 3_000

Record = TypeVar("Record")


class FormRefused(BuildbellError):
    """Invalid input: ``errors`` holds a sentence for each block id, as ``response_action: errors`` takes it."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(next(iter(errors.values())))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Form(Generic[Record]):
    """A modal with its fields, which may have other blocks between them.

    ``record`` takes the values by name. ``check`` gets those of the valid fields and returns the errors that take more
    than one field to find.
    """

    callback_id: str
    prefix: str
    _: KW_ONLY
    title: str
    submit: str
    fields: Sequence[Field | Hidden | Slot | Block]
    record: Callable[..., Record]
    check: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda values: {}
    close: str = "Cancel"
    more: str = "More options"
    """The button in place of the extra fields, until one of them has a value."""

    def id(self, name: str) -> str:
        """The id of a field's block and action."""
        (key,) = (each.key or name for each in self.fields if isinstance(each, Field) and each.name == name)
        return f"{self.prefix}.{key.replace('_', '-')}"

    @property
    def more_id(self) -> str:
        return f"{self.prefix}.more"

    @property
    def options(self) -> dict[str | re.Pattern[str], Callable[..., Awaitable[Sequence[Option | None]]]]:
        """The handlers that load options, by id."""
        return {self.id(each.name): each.load for each in self.fields if isinstance(each, Search)}

    def view(
        self,
        *,
        title: str = "",
        submit: str = "",
        channel_id: str | None = None,
        without: Collection[str] = (),
        **initial: Any,
    ) -> Payload:
        """Draw the form with initial values by name, without the options whose values are in ``without``.

        ``channel_id`` is where the form is opened; the metadata of every form keeps it.
        """
        metadata, blocks = {"channel_id": channel_id}, list[Block]()
        is_whole = any(each.is_extra and initial.get(each.name) for each in self.fields if isinstance(each, Field))
        for each in self.fields:
            if isinstance(each, Field) and each.is_extra and not is_whole:
                initial.pop(each.name, None)
            elif isinstance(each, Field):
                field = each.without(without) if isinstance(each, Select) else each
                blocks += field.blocks(self.id(each.name), initial.pop(each.name, None))
            elif isinstance(each, Hidden):
                metadata.setdefault(each.name, initial.pop(each.name, None))
            else:
                blocks += each.blocks(initial.pop(each.name, "")) if isinstance(each, Slot) else [each]
        if initial:
            raise TypeError(f"the form {self.prefix} has no field {', '.join(initial)}")
        if not is_whole and any(isinstance(each, Field) and each.is_extra for each in self.fields):
            blocks += actions(button(self.more_id, self.more, value=self.prefix))
        title, submit = title or self.title, submit or self.submit
        return modal(self.callback_id, title, blocks, submit=submit, close=self.close, metadata=metadata)

    def with_more(self, view: Mapping[str, Any]) -> Payload:
        """Return an open form for views.update, with the extra fields in place of the button."""
        again = redrawn(view)
        blocks = [block for block in again["blocks"] if not _has_button(block, self.more_id)]
        for each in self.fields:
            if isinstance(each, Field) and each.is_extra:
                blocks += each.blocks(self.id(each.name), None)
        return again | {"blocks": blocks}

    def read(self, view: Mapping[str, Any]) -> Record:
        """Return the submission. Raises `FormRefused` with the errors of all fields, in plain text as Slack shows."""
        metadata, values, errors = read_metadata(view), dict[str, Any](), dict[str, str]()
        for each in self.fields:
            if isinstance(each, Hidden):
                values[each.name] = metadata.get(each.name, "")
            elif isinstance(each, Field):
                try:
                    values[each.name] = each.read(view, self.id(each.name))
                except FormRefused as refused:
                    errors |= refused.errors
                except BuildbellError as error:
                    errors[self.id(each.name)] = error.sentence
        errors = {self.id(name): sentence for name, sentence in self.check(values).items()} | errors
        if errors:
            raise FormRefused({field_id: sentence.replace("`", "") for field_id, sentence in errors.items()})
        return self.record(**values)

    def refuse(self, **errors: str) -> FormRefused:
        """The error to raise for fields, by name, that turn out to be invalid after they were read."""
        return FormRefused({self.id(name): sentence for name, sentence in errors.items()})


def _has_button(block: Block, action_id: str) -> bool:
    return any(each.get("action_id") == action_id for each in block.get("elements") or ())


# Views.


def modal(
    callback_id: str,
    title: str,
    blocks: Sequence[Block],
    *,
    submit: str | None = None,
    close: str = "Cancel",
    metadata: Mapping[str, str | None] | None = None,
) -> Payload:
    """A view as views.open takes it. ``metadata`` comes back with the submission; anyone's client can read it."""
    view: Payload = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, 24),
        "close": plain(close, 24),
        "blocks": list(blocks[:BLOCKS_IN_VIEW]),
    }
    if submit:
        view["submit"] = plain(submit, 24)
    if kept := write_metadata(metadata or {}):
        view["private_metadata"] = kept
    return view


def notice(title: str, *sentences: str) -> Payload:
    """A modal without input; ``sentences`` are mrkdwn."""
    return modal(ids.MESSAGE_CLOSED, title, [section(text) for text in sentences], close="Close")


def redrawn(view: Mapping[str, Any], *, submit: str | None = None) -> Payload:
    """Return an open form for views.update: searched options that are chosen by now become the initial ones.

    Slack keeps what was entered, because the fields keep their ids.
    """
    kept = ("type", "callback_id", "title", "submit", "close", "blocks", "private_metadata")
    again = {name: copy.deepcopy(view[name]) for name in kept if view.get(name)}
    for element in (block["element"] for block in again["blocks"] if block["type"] == "input"):
        if element["type"] == "external_select" and (chosen := chosen_option(view, element["action_id"])):
            element["initial_option"] = chosen
    return again | ({"submit": plain(submit, 24)} if submit else {})


def write_metadata(metadata: Mapping[str, str | None]) -> str | None:
    kept = {key: text for key, text in metadata.items() if text}
    text = json.dumps(kept, ensure_ascii=False, separators=(",", ":"))
    if length(text) > METADATA_LIMIT:
        raise ValueError(f"a view's metadata is too long: {', '.join(kept)}")
    return text if kept else None


def read_metadata(view: Mapping[str, Any]) -> dict[str, str]:
    try:
        kept = json.loads(view.get("private_metadata") or "{}")
    except ValueError:
        return {}
    return {str(key): str(text) for key, text in kept.items()} if isinstance(kept, dict) else {}
