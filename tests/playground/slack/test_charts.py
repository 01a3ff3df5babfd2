"""Charts and tables, within the limits of Slack's documentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from playground.slack.validation import check_blocks

Payload = dict[str, Any]


def block(chart: Payload, **more: Any) -> Payload:
    return {"type": "data_visualization", "title": "Builds", "chart": chart, **more}


def pie(count: int, **segment: Any) -> Payload:
    return block({"type": "pie", "segments": [{"label": "x", "value": 1, **segment}] * count})


def series(name: str = "Succeeded", points: Payload | None = None) -> Payload:
    points = points or {"Mon": 3, "Tue": 0}
    return {"name": name, "data": [{"label": label, "value": value} for label, value in points.items()]}


def bars(*shown: Payload, kind: str = "bar", categories: Any = ("Mon", "Tue"), **axes: Any) -> Payload:
    config = {"categories": list(categories), **axes}
    return block({"type": kind, "series": list(shown or (series(),)), "axis_config": config})


def complaints(*blocks: Payload) -> list[str]:
    return [finding.message for finding in check_blocks(list(blocks), "message")]


@pytest.mark.parametrize(
    "good",
    [
        pie(6),
        bars(x_label="Day", y_label="Builds"),
        bars(series(), series("Failed"), kind="line"),
        bars(series(points={"Mon": -1.5, "Tue": 2}), kind="area"),
    ],
)
def test_charts_as_slack_describes_them(good: Payload) -> None:
    assert complaints(good) == []


BAD: dict[str, tuple[Callable[[], Payload], str]] = {
    "no title": (lambda: {**pie(1), "title": ""}, "must be more than 0 characters"),
    "a long title": (lambda: pie(1) | {"title": "x" * 51}, "must be less than 51 characters"),
    "a kind there is not": (lambda: block({"type": "donut"}), "unsupported type: donut"),
    "nothing": (lambda: pie(0), "no less than 1 items allowed"),
    "too many slices": (lambda: pie(7), "no more than 6 items allowed"),
    "an empty slice": (lambda: pie(1, value=0), "must be greater than 0"),
    "a slice in words": (lambda: pie(1, value="1"), "must be a number"),
    "a long label": (lambda: pie(1, label="x" * 21), "must be less than 21 characters"),
    "a field there is not": (lambda: pie(1, colour="red"), "invalid additional property: colour"),
    "too many series": (lambda: bars(*(series(str(n)) for n in range(7))), "no more than 6 items allowed"),
    "two of one name": (lambda: bars(series(), series()), "names must be unique"),
    "a point left out": (lambda: bars(series(points={"Mon": 1})), "labels must match the categories of the axis"),
    "a day twice": (lambda: bars(series(points={"Mon": 1}), categories=["Mon", "Mon"]), "must be unique"),
    "too many days": (
        lambda: bars(series(points={f"d{n}": n for n in range(21)}), categories=[f"d{n}" for n in range(21)]),
        "no more than 20 items allowed",
    ),
    "no axes": (lambda: block({"type": "bar", "series": [series()]}), "missing required field: axis_config"),
}


@pytest.mark.parametrize("name", BAD)
def test_charts_slack_does_not_draw(name: str) -> None:
    make, complaint = BAD[name]

    assert complaint in complaints(make())


def cell(words: str) -> Payload:
    return {"type": "raw_text", "text": words}


def test_cells_of_a_table() -> None:
    assert complaints({"type": "table", "rows": [[cell("a"), {"type": "raw_number", "value": 94.1}]]}) == []
    assert complaints({"type": "table", "rows": [[cell("")]]}) == ["must be more than 0 characters"]
    assert complaints({"type": "table", "rows": [[{"type": "raw_number", "value": "94.1"}]]}) == ["must be a number"]


def test_all_cells_together_have_a_length() -> None:
    fits, longer = [[cell("x" * 5000)], [cell("x" * 5000)]], [[cell("x" * 5000)], [cell("x" * 5001)]]

    assert complaints({"type": "table", "rows": fits}) == []
    assert complaints({"type": "table", "rows": longer}) == [
        "all cells of tables together must be less than 10001 characters"
    ]
