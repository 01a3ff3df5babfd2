"""Find the elements of a message or view and set their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from playground.slack.modals import View
from playground.slack.objects import options_of
from playground.slack.state import HELD, ElementInView, Values, drawn, holding
from playground.slack.world import JSON, Message

Place = Message | View


def within(place: Place) -> Iterator[ElementInView]:
    """Return all elements, including those of attachments and unfurls."""
    yield from drawn(place.blocks)
    for attachment in [] if isinstance(place, View) else attached(place):
        yield from (replace(each, attachment=attachment) for each in drawn(attachment.get("blocks") or []))


def attached(message: Message) -> list[JSON]:
    """Return the attachments of a message, numbered as Slack does."""
    own = [{"id": number, **each} for number, each in enumerate(message.attachments, start=1)]
    return [*own, *message.unfurls.values()]


def reach(
    place: Place, action_id: str, *, block_id: str | None = None, value: str | None = None, link: str | None = None
) -> ElementInView:
    """Return the element with that id. Raises LookupError with the ids there are.

    ``action_id`` may also be a button's label or, in a view, the id of an input block. ``value`` selects among buttons
    of the same id, ``link`` among unfurls.
    """
    there = [each for each in within(place) if link is None or (each.attachment or {}).get("app_unfurl_url") == link]
    matches = [
        each
        for each in there
        if action_id in (each.action_id, each.block_id, _label(each)) and block_id in (None, each.block_id)
    ]
    if value is not None:
        matches = [each for each in matches if each.kind != "button" or each.element.get("value") == value]
    if not matches:
        shown = "; ".join(map(str, there)) or "nothing to press"
        raise LookupError(f"no {action_id!r}{f' with value {value!r}' if value else ''} here; there is: {shown}")
    if len(matches) > 1:
        raise LookupError(f"{action_id!r} is there {len(matches)} times; name its value or block_id: {matches}")
    return matches[0]


def _label(each: ElementInView) -> str | None:
    label: str | None = (each.element.get("text") or {}).get("text")
    return label


def overflow_option(pressed: ElementInView, value: str | None) -> JSON:
    for option in options_of(pressed.element):
        if value in (option["value"], option["text"]["text"]):
            return option
    raise LookupError(f"no such entry {value!r} in {pressed}")


def put(state: Values, into: ElementInView, value: Any, offered: list[JSON]) -> Any:
    """Set the value of an element and return the new content of its value field."""
    if into.kind not in HELD:
        raise LookupError(f"nothing can be entered into {into}")
    state.setdefault(into.block_id, {})[into.action_id] = now = holding(into, value, offered)
    return now[HELD[into.kind].field]


def missing(view: View) -> dict[str, str]:
    """Return the messages of Slack's client about missing inputs, by block_id."""
    problems: dict[str, str] = {}
    for each in drawn(view.blocks):
        if each.block["type"] != "input":
            continue
        held = HELD[each.kind]
        value = view.state.get(each.block_id, {}).get(each.action_id, {}).get(held.field)
        if complaint := _complaint(each, value):
            problems[each.block_id] = complaint
    return problems


def _complaint(each: ElementInView, value: Any) -> str | None:
    if not value:
        return None if each.block.get("optional") else "Please complete this required field."
    check = COMPLAINTS.get(each.kind)
    if check is not None:
        return check(each.element, value)
    if isinstance(value, list) and len(value) > each.element.get("max_selected_items", len(value)):
        return f"Choose at most {each.element['max_selected_items']}."
    return None


def _about_text(element: JSON, value: str) -> str | None:
    if len(value) > element.get("max_length", 3000):
        return f"Must be at most {element.get('max_length', 3000)} characters."
    if len(value) < element.get("min_length", 0):
        return f"Must be at least {element['min_length']} characters."
    return None


def _about_number(element: JSON, value: str) -> str | None:
    if not NUMBER.fullmatch(value):
        return "Must be a number."
    if not element["is_decimal_allowed"] and "." in value:
        return "Must be a whole number."
    if Decimal(value) < Decimal(element.get("min_value") or value):
        return f"Must be {element['min_value']} or more."
    if Decimal(value) > Decimal(element.get("max_value") or value):
        return f"Must be {element['max_value']} or less."
    return None


def _about_email(element: JSON, value: str) -> str | None:
    return None if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) else "Must be an email address."


def _about_url(element: JSON, value: str) -> str | None:
    return None if re.fullmatch(r"https?://\S+", value) else "Must be a link."


NUMBER = re.compile(r"-?\d+(\.\d+)?")
COMPLAINTS: dict[str, Callable[[JSON, str], str | None]] = {
    "plain_text_input": _about_text,
    "number_input": _about_number,
    "email_text_input": _about_email,
    "url_text_input": _about_url,
}
