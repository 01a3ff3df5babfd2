"""What a hand can reach: elements that are drawn in a message or view, and what can be put into them."""

from __future__ import annotations

from typing import Any

from playground.slack.modals import View
from playground.slack.objects import options_of
from playground.slack.state import HELD, Drawn, Values, drawn, holding
from playground.slack.world import JSON, Message

Place = Message | View


def blocks_of(place: Place) -> list[JSON]:
    """All blocks somebody can reach, those of attachments and unfurls included."""
    if isinstance(place, View):
        return place.blocks
    attached = [block for each in place.attachments for block in each.get("blocks") or []]
    return [*place.blocks, *attached]


def reach(place: Place, action_id: str, *, block_id: str | None = None, value: str | None = None) -> Drawn:
    """The element with that id; raises LookupError naming what is there instead.

    ``action_id`` may also be a button's label or, in a view, the id of an input block. ``value`` tells buttons
    of one id apart.
    """
    there = list(drawn(blocks_of(place)))
    wanted = [
        each
        for each in there
        if action_id in (each.action_id, each.block_id, _label(each)) and block_id in (None, each.block_id)
    ]
    if value is not None:
        wanted = [each for each in wanted if each.kind != "button" or each.element.get("value") == value]
    if not wanted:
        shown = "; ".join(map(str, there)) or "nothing to press"
        raise LookupError(f"no {action_id!r}{f' with value {value!r}' if value else ''} here; there is: {shown}")
    if len(wanted) > 1:
        raise LookupError(f"{action_id!r} is there {len(wanted)} times; name its value or block_id: {wanted}")
    return wanted[0]


def _label(each: Drawn) -> str | None:
    label: str | None = (each.element.get("text") or {}).get("text")
    return label


def overflow_option(pressed: Drawn, value: str | None) -> JSON:
    for option in options_of(pressed.element):
        if value in (option["value"], option["text"]["text"]):
            return option
    raise LookupError(f"no such entry {value!r} in {pressed}")


def put(state: Values, into: Drawn, value: Any, offered: list[JSON]) -> Any:
    """Change what the element holds; returns the new content of its value field."""
    if into.kind not in HELD:
        raise LookupError(f"nothing can be entered into {into}")
    state.setdefault(into.block_id, {})[into.action_id] = now = holding(into, value, offered)
    return now[HELD[into.kind].field]


def missing(view: View) -> dict[str, str]:
    """What Slack's own client says before it submits anything, by block_id."""
    problems: dict[str, str] = {}
    for each in drawn(view.blocks):
        if each.block["type"] != "input":
            continue
        held = HELD[each.kind]
        value = view.state.get(each.block_id, {}).get(each.action_id, {}).get(held.field)
        if complaint := _complaint(each, value):
            problems[each.block_id] = complaint
    return problems


def _complaint(each: Drawn, value: Any) -> str | None:
    if not value:
        return None if each.block.get("optional") else "Please complete this required field."
    if each.kind != "plain_text_input":
        return None
    if len(value) > each.element.get("max_length", 3000):
        return f"Must be at most {each.element.get('max_length', 3000)} characters."
    if len(value) < each.element.get("min_length", 0):
        return f"Must be at least {each.element['min_length']} characters."
    return None
