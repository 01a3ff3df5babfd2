"""Fields of a form: how each kind of input is drawn, and how its answer is read.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from bot.errors import BuildbellError
from bot.slack.blocks import Block, context, plain
from bot.slack.text import clean, is_user, length, one_line

OPTION_TEXT_LIMIT = 75
OPTION_VALUE_LIMIT = 150
INPUT_LIMIT = 3_000

Element = dict[str, Any]
State = Mapping[str, Any]


class Option(dict[str, Any]):
    @property
    def value(self) -> str:
        return str(self["value"])


def choice(text: str, value: str, description: str | None = None) -> Option:
    """An option whose value is known to be short."""
    details = {"description": plain(description, OPTION_TEXT_LIMIT)} if description else {}
    return Option(text=plain(text, OPTION_TEXT_LIMIT), value=value, **details)


def option(text: str, value: str, description: str | None = None) -> Option | None:
    """None for a value over 150 characters, which Slack refuses: half a branch is another branch."""
    return choice(text, value, description) if 0 < length(value) <= OPTION_VALUE_LIMIT else None


def options_ack(options: Sequence[Option | None]) -> dict[str, Any]:
    """The response to a block_suggestion: at most 100 options, without duplicates."""
    kept = {each.value: each for each in options if each is not None}
    return {"options": list(kept.values())[:100]}


def quote_value(text: str) -> str:
    """An entered value inside an error sentence."""
    return f"“{clean(text, 60)}”"


@dataclass(frozen=True, slots=True)
class Hidden:
    """A value that the view's metadata keeps for the record; empty if there is none."""

    name: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a note in mrkdwn, or for blocks, that differ each time."""

    name: str

    def blocks(self, drawn: str | list[Block]) -> list[Block]:
        if isinstance(drawn, list):
            return drawn
        return [context(drawn)] if drawn else []


@dataclass(frozen=True, slots=True)
class Field:
    """An input. ``name`` is its name in the record; ``key`` stands for it in the id.

    ``is_extra`` hides the field behind *More options*. ``parse`` turns what was entered into the record's value, or
    raises `BuildbellError` with the sentence to show at the field. ``missing`` is the sentence without input.
    """

    name: str
    label: str
    _: KW_ONLY
    key: str = ""
    hint: str = ""
    placeholder: str = ""
    optional: bool = False
    dispatch: bool = False
    is_extra: bool = False
    missing: str = ""
    parse: Callable[[Any], Any] | None = None

    def element(self, initial: Any) -> Element:
        raise NotImplementedError

    def entered(self, state: State) -> Any:
        """Return the entered value, or None."""
        raise NotImplementedError

    def blocks(self, field_id: str, initial: Any) -> list[Block]:
        return [self.input(field_id, self.label, self.element(initial))]

    def input(self, field_id: str, label: str, element: Element) -> Block:
        element = {"action_id": field_id} | {name: value for name, value in element.items() if value is not None}
        if self.placeholder:
            element["placeholder"] = plain(self.placeholder, 150)
        block = Block(type="input", block_id=field_id, label=plain(label, 200), element=element, optional=self.optional)
        if self.hint:
            block["hint"] = plain(self.hint, 500)
        if self.dispatch:
            block["dispatch_action"] = True
        return block

    def read(self, view: Mapping[str, Any], field_id: str) -> Any:
        entered = self.entered(state_of(view, field_id))
        if not entered and self.missing:
            raise BuildbellError(self.missing)
        return entered if self.parse is None or entered is None else self.parse(entered)


@dataclass(frozen=True, slots=True)
class Text(Field):
    """Text, one line unless ``parse`` reads it otherwise.

    ``overflow`` is shown instead of the field when the initial text is too long for it; the record then holds None.
    """

    _: KW_ONLY
    limit: int = INPUT_LIMIT
    multiline: bool = False
    overflow: str = ""
    parse: Callable[[str], Any] = one_line

    def element(self, initial: str | None) -> Element:
        text = {"type": "plain_text_input", "max_length": self.limit, "multiline": self.multiline}
        return text | ({"initial_value": initial} if initial and length(initial) <= self.limit else {})

    def entered(self, state: State) -> str:
        return str(state.get("value") or "")

    def blocks(self, field_id: str, initial: str | None) -> list[Block]:
        overflows = self.overflow and length(initial or "") > self.limit
        return [context(self.overflow)] if overflows else Field.blocks(self, field_id, initial)

    def read(self, view: Mapping[str, Any], field_id: str) -> Any:
        overflowed = self.overflow and all(block.get("block_id") != field_id for block in view.get("blocks") or [])
        return None if overflowed else Field.read(self, view, field_id)


@dataclass(frozen=True, slots=True)
class Search(Field):
    """A select whose options the handler ``load`` finds while the person types, all of them before the first letter."""

    load: Callable[..., Awaitable[Sequence[Option | None]]]

    def element(self, initial: Option | None) -> Element:
        return {"type": "external_select", "min_query_length": 0, "initial_option": initial}

    def entered(self, state: State) -> str | None:
        return _selected(state) or None


@dataclass(frozen=True, slots=True)
class Select(Field):
    """One of ``options``. ``default`` is selected at first and stands for no answer."""

    options: Sequence[Option]
    default: str = ""
    kind: str = "static_select"
    _: KW_ONLY
    missing: str = "Choose one of the options."

    def element(self, initial: str | None) -> Element:
        options = {each.value: each for each in self.options}
        first = options.get(initial or "") or options.get(self.default)
        return {"type": self.kind, "options": [*self.options], "initial_option": first}

    def entered(self, state: State) -> str | None:
        value = _selected(state) or self.default
        return value if value in {each.value for each in self.options} else None

    def without(self, values: Collection[str]) -> Select:
        return replace(self, options=[each for each in self.options if each.value not in values])


@dataclass(frozen=True, slots=True)
class Radio(Select):
    """A select that shows all its options, with a description each."""

    kind: str = "radio_buttons"


@dataclass(frozen=True, slots=True)
class MultiSelect(Field):
    """Any number of ``options``, read in their order."""

    options: Sequence[Option]

    def element(self, initial: Collection[str] | None) -> Element:
        first = [each for each in self.options if each.value in (initial or ())]
        return {"type": "multi_static_select", "options": [*self.options], "initial_options": first or None}

    def entered(self, state: State) -> tuple[str, ...]:
        chosen = all_selected(state)
        return tuple(each.value for each in self.options if each.value in chosen)


@dataclass(frozen=True, slots=True)
class Users(Field):
    """Any number of people, by their Slack user ids."""

    def element(self, initial: Sequence[str] | None) -> Element:
        return {"type": "multi_users_select", "initial_users": initial or None}

    def entered(self, state: State) -> tuple[str, ...]:
        return tuple(filter(is_user, map(str, state.get("selected_users") or [])))


@dataclass(frozen=True, slots=True)
class Checkbox(Field):
    """One box, read as a boolean; ``text`` stands beside it and ``label`` above."""

    text: str
    description: str | None = None
    _: KW_ONLY
    optional: bool = True

    def element(self, initial: bool | None) -> Element:
        box = choice(self.text, self.key or self.name, self.description)
        return {"type": "checkboxes", "options": [box], "initial_options": [box] if initial else None}

    def entered(self, state: State) -> bool:
        return bool(all_selected(state))


@dataclass(frozen=True, slots=True)
class Time(Field):
    """A time of day as HH:MM."""

    def element(self, initial: str | None) -> Element:
        return {"type": "timepicker", "initial_time": initial}

    def entered(self, state: State) -> str | None:
        return str(state.get("selected_time") or "") or None


# State of a view. Everything in it may be missing: an old client or an old view must not crash a handler.


def state_of(view: Mapping[str, Any], field_id: str) -> State:
    return _inner(view, "state", "values", field_id, field_id)


def chosen_option(view: Mapping[str, Any], field_id: str) -> Mapping[str, Any]:
    """The option of a select in an open view that is chosen by now, else the one that was chosen when it opened."""
    drawn = next((block for block in view.get("blocks") or [] if block.get("block_id") == field_id), None)
    return _inner(state_of(view, field_id), "selected_option") or _inner(drawn, "element", "initial_option")


def all_selected(state: State) -> list[str]:
    return [str(value) for each in state.get("selected_options") or [] if (value := _inner(each).get("value"))]


def _selected(state: State) -> str:
    return str(_inner(state, "selected_option").get("value") or "")


def _inner(payload: Any, *path: str) -> Mapping[str, Any]:
    for name in path:
        payload = payload.get(name) if isinstance(payload, Mapping) else None
    return payload if isinstance(payload, Mapping) else {}
