"""Tables and charts, and the plain text to use where Slack refuses these new blocks.

Slack colors a chart by position and shows no numbers, so every label has its value and nothing depends on a color.

https://docs.slack.dev/reference/block-kit/blocks/table-block,
https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.slack.blocks import Block
from bot.slack.text import NOTHING, clean, escape, width

SEGMENTS = 6
"""Segments of a pie, series on the axes."""
POINTS = 20
LABEL = 20
TITLE = 50
CELL = 100


def table(rows: Sequence[Sequence[str]]) -> Block:
    """The first row is the heading, the first column names each row; the other columns are right-aligned."""
    cells = [[{"type": "raw_text", "text": clean(text, CELL) or NOTHING} for text in row] for row in rows]
    align = ["left", *["right"] * (len(rows[0]) - 1)]
    return Block(type="table", rows=cells, column_settings=[{"align": each} for each in align])


def pie(title: str, shares: Sequence[tuple[str, int]]) -> Block | None:
    """In the given order. What exceeds six segments becomes one segment. None if all are 0."""
    positive = [(label, value) for label, value in shares if value > 0]
    kept = positive if len(positive) <= SEGMENTS else positive[: SEGMENTS - 1]
    rest = sum(value for _, value in positive[len(kept) :])
    shown = [*kept, ("other", rest)] if rest else kept
    segments = [{"label": _with_value(label, value), "value": value} for label, value in shown]
    return _chart(title, {"type": "pie", "segments": segments}) if segments else None


def bars(title: str, categories: Sequence[str], series: Mapping[str, Sequence[int]]) -> Block | None:
    """A group of bars for each category, one for each series that isn't all 0. None without any."""
    labels = [clean(label, LABEL) for label in categories][:POINTS]
    data = [
        {
            "name": _with_value(name, sum(values)),
            "data": [{"label": label, "value": value} for label, value in zip(labels, values, strict=False)],
        }
        for name, values in series.items()
        if any(values)
    ]
    if not data:
        return None
    return _chart(title, {"type": "bar", "series": data[:SEGMENTS], "axis_config": {"categories": labels}})


def _with_value(label: str, value: int) -> str:
    """``Failed 11``, at most `LABEL` characters."""
    number = f" {value:,}"
    return f"{clean(label, LABEL - len(number)) or NOTHING}{number}"


def _chart(title: str, chart: Mapping[str, object]) -> Block:
    return Block(type="data_visualization", title=clean(title, TITLE), chart=chart)


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """The same table as a code block, aligned by spaces."""
    cells = [[clean(text, CELL).replace("`", "'") for text in row] for row in rows]
    first, *others = (max(map(width, column)) for column in zip(*cells, strict=True))
    lines = []
    for name, *values in cells:
        aligned = [" " * (wide - width(value)) + value for value, wide in zip(values, others, strict=True)]
        lines.append(escape("  ".join([name + " " * (first - width(name)), *aligned]).rstrip()))
    return "\n".join(["```", *lines, "```"])
