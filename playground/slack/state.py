"""Values of elements, as in ``state.values``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from playground.slack.objects import options_of
from playground.slack.validation import interactive
from playground.slack.world import JSON, Channel, User

Values = dict[str, dict[str, JSON]]
"""block_id to action_id to ``{"type": …, "value" or "selected_…": …}``."""


@dataclass(frozen=True, slots=True)
class ValueField:
    """The fields of an element type's value and initial value."""

    field: str
    initial: str
    many: bool = False

    @property
    def holds_options(self) -> bool:
        return self.field.startswith("selected_option")


_TYPED = ValueField("value", "initial_value")
_OPTION = ValueField("selected_option", "initial_option")
_OPTIONS = ValueField("selected_options", "initial_options", many=True)

HELD = {
    "plain_text_input": _TYPED,
    "email_text_input": _TYPED,
    "url_text_input": _TYPED,
    "number_input": _TYPED,
    "rich_text_input": ValueField("rich_text_value", "initial_value"),
    "file_input": ValueField("files", "initial_files", many=True),
    "static_select": _OPTION,
    "external_select": _OPTION,
    "radio_buttons": _OPTION,
    "multi_static_select": _OPTIONS,
    "multi_external_select": _OPTIONS,
    "checkboxes": _OPTIONS,
    "users_select": ValueField("selected_user", "initial_user"),
    "conversations_select": ValueField("selected_conversation", "initial_conversation"),
    "channels_select": ValueField("selected_channel", "initial_channel"),
    "multi_users_select": ValueField("selected_users", "initial_users", many=True),
    "multi_conversations_select": ValueField("selected_conversations", "initial_conversations", many=True),
    "multi_channels_select": ValueField("selected_channels", "initial_channels", many=True),
    "datepicker": ValueField("selected_date", "initial_date"),
    "timepicker": ValueField("selected_time", "initial_time"),
    "datetimepicker": ValueField("selected_date_time", "initial_date_time"),
}


@dataclass(frozen=True, slots=True)
class ElementInView:
    """An element and its place."""

    block: JSON
    element: JSON
    attachment: JSON | None = None
    """The attachment that holds it, if any."""

    @property
    def block_id(self) -> str:
        return str(self.block["block_id"])

    @property
    def action_id(self) -> str:
        return str(self.element["action_id"])

    @property
    def kind(self) -> str:
        return str(self.element["type"])

    @property
    def dispatches(self) -> bool:
        """Whether using it sends an action at once."""
        return self.block["type"] != "input" or bool(self.block.get("dispatch_action"))

    def __str__(self) -> str:
        label = (self.element.get("text") or self.block.get("label") or {}).get("text", "")
        offered = ", ".join(option["value"] for option in options_of(self.element))
        details = [f"“{label}”" if label else "", f"= {self.element['value']}" if self.element.get("value") else ""]
        return " ".join(filter(None, [self.action_id, f"({self.kind})", *details, f"[{offered}]" if offered else ""]))


def drawn(blocks: list[JSON]) -> Iterator[ElementInView]:
    for block in blocks:
        yield from (ElementInView(block, element) for element in interactive(block))


def name_all(blocks: list[JSON], letters: Callable[[int], str]) -> list[JSON]:
    """Return the blocks with ids where the bot gave none, as Slack does."""
    named = [{**block, "block_id": block.get("block_id") or letters(5)} for block in deepcopy(blocks)]
    for each in drawn(named):
        each.element["action_id"] = each.element.get("action_id") or letters(5)
    return named


def initial_values(blocks: list[JSON], kept: Values | None = None) -> Values:
    """Return the initial values; those in ``kept`` win if block_id, action_id and type are the same."""
    values: Values = {}
    for each in drawn(blocks):
        if each.kind not in HELD:
            continue
        held = HELD[each.kind]
        value = each.element.get(held.initial) or ([] if held.many else None)
        before = (kept or {}).get(each.block_id, {}).get(each.action_id)
        same = before is not None and before["type"] == each.kind
        values.setdefault(each.block_id, {})[each.action_id] = (
            before if same and before is not None else {"type": each.kind, held.field: value}
        )
    return values


def holding(each: ElementInView, value: Any, offered: list[JSON]) -> JSON:
    """Return the state of an element after ``value`` was entered; options are named by value or text."""
    held = HELD[each.kind]
    if not held.holds_options:
        return {"type": each.kind, held.field: entered(each, value)}
    if held.many:
        chosen: Any = [_option(each, one, offered) for one in value or []]
    else:
        chosen = None if value is None else _option(each, value, offered)
    return {"type": each.kind, held.field: chosen}


def _option(each: ElementInView, value: Any, offered: list[JSON]) -> JSON:
    wanted = value["value"] if isinstance(value, dict) else value
    choices = [*options_of(each.element), *offered]
    for option in choices:
        if wanted in (option["value"], option["text"]["text"]):
            return option
    if len(repeating := [option for option in choices if f"“{wanted}”" in option["text"]["text"]]) == 1:
        return repeating[0]  # it repeats in quotes what was typed
    there = ", ".join(f"{option['value']} “{option['text']['text']}”" for option in choices) or "nothing"
    raise LookupError(f"{each.action_id} does not offer {wanted!r}; it offers {there}")


FORMATS = {"timepicker": r"([01]\d|2[0-3]):[0-5]\d", "datepicker": r"\d{4}-\d{2}-\d{2}"}


def entered(each: ElementInView, value: Any) -> Any:
    """Return a value as Slack stores it: numbers as text, people and channels by id, times as its pickers do."""
    if isinstance(value, list):
        return [entered(each, one) for one in value]
    if isinstance(value, (User, Channel)):
        return value.id
    if each.kind == "number_input" and value is not None:
        return str(value)
    if value is not None and not re.fullmatch(FORMATS.get(each.kind, ".*"), str(value), re.DOTALL):
        raise LookupError(f"a {each.kind} does not give {value!r}")
    return value
