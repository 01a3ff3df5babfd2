"""The data_visualization block: pie, bar, area and line.

https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.slack.objects import BLOCK_ID
from playground.slack.schema import Check, Finding, Findings, Rule, by_type, listing, number, shape, string
from playground.slack.sizes import SIZES, fewest, longest, most

_NAME = "data_visualization"


def _label(part: str) -> Check:
    return string(longest(f"{_NAME}.{part}"), least=1)


def _several(part: str, item: Check) -> Check:
    return listing(item, fewest(f"{_NAME}.{part}"), most(f"{_NAME}.{part}"))


def _chart(required: dict[str, Check], *rules: Rule) -> Check:
    return shape({"type": string(), **required}, None, *rules)


def _labels_are_the_categories(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    """Check that each series has one point for each category, and that names are unique."""
    try:
        categories = value["axis_config"]["categories"]
        names = [series["name"] for series in value["series"]]
        labels = [[point["label"] for point in series["data"]] for series in value["series"]]
    except (KeyError, TypeError):
        return  # already reported by the schema
    if len(set(map(str, categories))) < len(categories):
        findings.append(Finding(f"{at}/axis_config/categories", "must be unique"))
    if len(set(map(str, names))) < len(names):
        findings.append(Finding(f"{at}/series", "names must be unique"))
    for index, there in enumerate(labels):
        if sorted(map(str, there)) != sorted(map(str, categories)):
            findings.append(Finding(f"{at}/series/{index}/data", "labels must match the categories of the axis"))


_SEGMENT = shape(
    {"label": _label("segment.label"), "value": number(above=SIZES[f"{_NAME}.segment.value.exclusive_min"])}
)
_POINT = shape({"label": _label("point_label"), "value": number()})
_SERIES = shape({"name": _label("series_name"), "data": _several("data", _POINT)})
_AXES = shape(
    {"categories": _several("categories", _label("category_label"))},
    {"x_label": string(longest(f"{_NAME}.axis_label")), "y_label": string(longest(f"{_NAME}.axis_label"))},
)
_ON_AXES = _chart({"series": _several("series", _SERIES), "axis_config": _AXES}, _labels_are_the_categories)

DATA_VISUALIZATION = shape(
    {
        "type": string(),
        "title": _label("title"),
        "chart": by_type(
            {
                "pie": _chart({"segments": _several("segments", _SEGMENT)}),
                **dict.fromkeys(("bar", "area", "line"), _ON_AXES),
            }
        ),
    },
    {"block_id": BLOCK_ID},
)
