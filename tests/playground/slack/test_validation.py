"""Blocks: both sides of every limit, every surface, and garbage that must not break the checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.slack.blocks import BLOCKS, SURFACES, Surface
from playground.slack.sizes import SIZES
from playground.slack.validation import check_blocks, check_view
from tests.playground.slack.conftest import Payload, button, text

DATA = Path(__file__).resolve().parents[4] / "shared" / "facts" / "data"
OPTION = {"text": text("a"), "value": "a"}
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
RICH = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]}
IMAGE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}
TASK = {"type": "task_card", "task_id": "1", "title": "Build", "status": "complete"}
CONFIRM = {"title": text("a"), "text": text("b"), "confirm": text("c"), "deny": text("d")}


PIE = {"type": "pie", "segments": [{"label": "Succeeded", "value": 9}]}


def actions(*elements: Payload) -> Payload:
    return {"type": "actions", "elements": list(elements)}


def input_of(element: Payload, **more: Any) -> Payload:
    return {"type": "input", "label": text("Label"), "element": element, **more}


def select(**more: Any) -> Payload:
    return {"type": "static_select", "action_id": "s", "options": [OPTION], **more}


GOOD: dict[str, Payload] = {
    "actions": actions(button("a", "A")),
    "alert": {"type": "alert", "text": text("x"), "level": "warning"},
    "card": {"type": "card", "title": text("x"), "actions": [button("a", "A")]},
    "carousel": {"type": "carousel", "elements": [{"type": "card", "title": text("x")}]},
    "container": {"type": "container", "title": text("x"), "child_blocks": [SECTION]},
    "context": {"type": "context", "elements": [IMAGE, text("x"), {"type": "mrkdwn", "text": "x"}]},
    "context_actions": {
        "type": "context_actions",
        "elements": [{"type": "icon_button", "icon": "trash", "text": text("Remove")}],
    },
    "data_table": {"type": "data_table", "rows": [[], []]},
    "data_visualization": {"type": "data_visualization", "title": "x", "chart": PIE},
    "divider": {"type": "divider"},
    "header": {"type": "header", "text": text("x")},
    "image": {**IMAGE, "title": text("x")},
    "input": input_of({"type": "plain_text_input", "action_id": "a"}),
    "markdown": {"type": "markdown", "text": "# x"},
    "plan": {"type": "plan", "title": "x", "tasks": [TASK]},
    "rich_text": RICH,
    "section": SECTION,
    "table": {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": "x"}, RICH]],
        "column_settings": [{"align": "right"}, None],
    },
    "task_card": TASK,
    "video": {
        "type": "video",
        "alt_text": "x",
        "title": text("x"),
        "thumbnail_url": "https://example.com/a.png",
        "video_url": "https://example.com/v",
    },
}


def everywhere(block: Payload) -> list[str]:
    """Return the findings of a block on the first surface that allows it."""
    surface: Surface = "modal" if block.get("type") == "alert" else "message"
    return [str(finding) for finding in check_blocks([block], surface)]


def test_there_is_an_example_of_every_block() -> None:
    assert set(GOOD) == set(BLOCKS) == set(SURFACES)


@pytest.mark.parametrize("name", GOOD)
def test_good_blocks_pass(name: str) -> None:
    assert everywhere(GOOD[name]) == []


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("surface", ["message", "modal", "home"])
def test_blocks_stand_only_where_slack_lets_them(name: str, surface: Surface) -> None:
    found = check_blocks([GOOD[name]], surface)

    assert (found == []) == (surface in SURFACES[name])


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"data_table"}))
def test_unknown_fields_are_refused(name: str) -> None:
    assert everywhere({**GOOD[name], "colour": "red"}) == [
        "[ERROR] invalid additional property: colour [json-pointer:/blocks/0]"
    ]


# Texts of limited length: the limit's name and a block with such a text.
TEXTS: dict[str, Callable[[str], Payload]] = {
    "action_id": lambda x: actions(button(x, "A")),
    "block_id": lambda x: {"type": "divider", "block_id": x},
    "button.text": lambda x: actions(button("a", x)),
    "button.value": lambda x: actions(button("a", "A", value=x)),
    "button.url": lambda x: actions(button("a", "A", url="h:" + x[2:])),
    "button.accessibility_label": lambda x: actions(button("a", "A", accessibility_label=x)),
    "confirmation.title": lambda x: actions(button("a", "A", confirm={**CONFIRM, "title": text(x)})),
    "confirmation.text": lambda x: actions(button("a", "A", confirm={**CONFIRM, "text": text(x)})),
    "confirmation.confirm": lambda x: actions(button("a", "A", confirm={**CONFIRM, "confirm": text(x)})),
    "confirmation.deny": lambda x: actions(button("a", "A", confirm={**CONFIRM, "deny": text(x)})),
    "option.text": lambda x: actions(select(options=[{"text": text(x), "value": "a"}])),
    "option.value": lambda x: actions(select(options=[{"text": text("a"), "value": x}])),
    "option.description": lambda x: actions(select(options=[{**OPTION, "description": text(x)}])),
    "option_group.label": lambda x: actions(
        select(options=None, option_groups=[{"label": text(x), "options": [OPTION]}])
    ),
    "select.placeholder": lambda x: actions(select(placeholder=text(x))),
    "plain_text_input.placeholder": lambda x: input_of({"type": "plain_text_input", "placeholder": text(x)}),
    "alert.text": lambda x: {"type": "alert", "text": text(x)},
    "card.title": lambda x: {"type": "card", "title": text(x)},
    "card.subtitle": lambda x: {"type": "card", "title": text("x"), "subtitle": text(x)},
    "card.body": lambda x: {"type": "card", "body": text(x)},
    "container.title": lambda x: {**GOOD["container"], "title": text(x)},
    "header.text": lambda x: {"type": "header", "text": text(x)},
    "image.alt_text": lambda x: {**IMAGE, "alt_text": x},
    "image.image_url": lambda x: {**IMAGE, "image_url": "h:" + x[2:]},
    "image.title": lambda x: {**IMAGE, "title": text(x)},
    "input.label": lambda x: {**GOOD["input"], "label": text(x)},
    "input.hint": lambda x: {**GOOD["input"], "hint": text(x)},
    "markdown.text": lambda x: {"type": "markdown", "text": x},
    "section.text": lambda x: {"type": "section", "text": text(x)},
    "text": lambda x: {"type": "context", "elements": [text(x)]},
    "video.title": lambda x: {**GOOD["video"], "title": text(x)},
    "video.author_name": lambda x: {**GOOD["video"], "author_name": x},
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_may_be_so_long_and_no_longer(name: str) -> None:
    longest = SIZES[f"{name}.max_length"]

    assert everywhere(TEXTS[name]("x" * longest)) == []
    (complaint,) = everywhere(TEXTS[name]("x" * (longest + 1)))
    assert f"must be less than {longest + 1} characters" in complaint


def options(count: int) -> list[Payload]:
    return [{"text": text("a"), "value": str(number)} for number in range(count)]


COUNTS: dict[str, Callable[[int], Payload]] = {
    "actions.elements": lambda n: actions(*(button(f"a{i}", "A") for i in range(n))),
    "card.actions": lambda n: {"type": "card", "actions": [button(f"a{i}", "A") for i in range(n)]},
    "carousel.elements": lambda n: {"type": "carousel", "elements": [{"type": "card", "title": text("x")}] * n},
    "checkboxes.options": lambda n: actions({"type": "checkboxes", "options": options(n)}),
    "container.child_blocks": lambda n: {**GOOD["container"], "child_blocks": [SECTION] * n},
    "context.elements": lambda n: {"type": "context", "elements": [text("x")] * n},
    "overflow.options": lambda n: actions({"type": "overflow", "options": options(n)}),
    "plan.tasks": lambda n: {"type": "plan", "title": "x", "tasks": [TASK] * n},
    "radio_buttons.options": lambda n: actions({"type": "radio_buttons", "options": options(n)}),
    "section.fields": lambda n: {"type": "section", "fields": [text("x")] * n},
    "select.options": lambda n: actions(select(options=options(n))),
    "table.columns": lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * n]},
    "table.rows": lambda n: {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]] * n},
}


@pytest.mark.parametrize("name", COUNTS)
def test_there_may_be_so_many_and_no_more(name: str) -> None:
    most = SIZES[f"{name}.max_items"]

    assert everywhere(COUNTS[name](most)) == []
    (complaint,) = everywhere(COUNTS[name](most + 1))
    assert f"no more than {most} items allowed" in complaint


@pytest.mark.parametrize(("surface", "most"), [("message", 50), ("modal", 100), ("home", 100)])
def test_a_surface_holds_so_many_blocks(surface: Surface, most: int) -> None:
    assert check_blocks([{"type": "divider"}] * most, surface) == []
    assert len(check_blocks([{"type": "divider"}] * (most + 1), surface)) == 1


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ({"type": "section"}, "one of these fields is required: text, fields"),
        ({"type": "header"}, "missing required field: text"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "unsupported type: mrkdwn"),
        ({"type": "header", "text": text("")}, "must be more than 0 characters"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}, "additional property: emoji"),
        ({"type": "section", "text": text("x"), "accessory": {"type": "plain_text_input"}}, "unsupported type"),
        ({"type": "call"}, "unsupported type: call"),
        ({"text": "x"}, "missing required field: type"),
        (actions(), "no less than 1 items allowed"),
        (actions(button("a", "A", style="green")), "must be one of: primary, danger"),
        (actions(button("a", "A", url="nowhere")), "must be a valid URL"),
        (actions(button("a", "A"), button("a", "B")), "action_id must be unique"),
        (actions(select(options=None)), "one of these fields is required: options, option_groups"),
        (actions(select(option_groups=[{"label": text("g"), "options": [OPTION]}])), "only one of these fields"),
        (actions(select(initial_option={"text": text("z"), "value": "z"})), "must be one of the provided options"),
        (actions({"type": "datepicker", "initial_date": "1.2.2026"}), "must match pattern"),
        (input_of(button("a", "A")), "unsupported type: button"),
        (input_of({"type": "plain_text_input", "max_length": 3001}), "less than or equal to 3000"),
        (input_of({"type": "plain_text_input", "multiline": "yes"}), "must be a boolean"),
        ({"type": "image", "alt_text": "x"}, "one of these fields is required: image_url, slack_file"),
    ],
)
def test_blocks_that_are_refused(block: Payload, complaint: str) -> None:
    assert any(complaint in each for each in everywhere(block))


def test_ids_are_unique_in_a_message() -> None:
    twice = [{"type": "divider", "block_id": "a"}] * 2
    apart = [actions(button("a", "A")), actions(button("a", "B"))]

    (finding,) = check_blocks(twice, "message")
    assert (finding.pointer, check_blocks(apart, "message")) == ("/blocks/1/block_id", [])


def test_what_counts_over_the_whole_message() -> None:
    markdown = {"type": "markdown", "text": "x" * 6001}

    assert len(check_blocks([markdown, markdown], "message")) == 1
    assert len(check_blocks([GOOD["table"], GOOD["table"]], "message")) == 1
    assert len(check_blocks([GOOD["data_visualization"]] * 3, "message")) == 1


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "elements", "element", "options", "blocks", "x"]), inner)
    ),
    max_leaves=8,
)
FIELDS = st.sampled_from(["text", "elements", "element", "accessory", "fields", "rows", "options", "block_id", "type"])


@given(st.sampled_from(sorted(GOOD)), FIELDS, JUNK)
def test_no_garbage_breaks_the_checks(name: str, field: str, junk: Any) -> None:
    block = deepcopy(GOOD[name]) | {field: junk}

    for surface in ("message", "modal", "home"):
        assert isinstance(check_blocks([block], surface), list)
    assert isinstance(check_view({"type": "modal", "title": text("x"), "blocks": [block]}), list)
    assert isinstance(check_view(junk), list)


NOT_CHECKED = ("data_table.", "message.channel.")


@pytest.mark.skipif(not DATA.exists(), reason="the collected platform data is not on this machine")
def test_the_numbers_are_those_of_the_collected_data() -> None:
    limits: dict[str, int] = json.loads((DATA / "slack-blockkit-limits.json").read_text())["limits"]

    assert {name: limits.get(name) for name in SIZES} == SIZES
    assert [name for name in limits if name not in SIZES and not name.startswith(NOT_CHECKED)] == []


@pytest.mark.skipif(not DATA.exists(), reason="the collected platform data is not on this machine")
def test_the_surfaces_are_those_of_the_collected_data() -> None:
    letters = {"message": "M", "modal": "D", "home": "H"}
    listed: dict[str, str] = json.loads((DATA / "slack-block-surfaces.json").read_text())["surfaces"]
    ours = {name: {letters[surface] for surface in surfaces} for name, surfaces in SURFACES.items()}

    assert ours == {name: set(where) for name, where in listed.items() if name != "file"}
