"""Block schemas, and the surfaces each block is allowed on.

https://docs.slack.dev/reference/block-kit/blocks. ``data_table`` is checked for its surface and counts only: the
documentation of its fields is too loose to refuse anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from playground.slack.charts import DATA_VISUALIZATION
from playground.slack.elements import BUTTON, IMAGE, IN_ACTIONS, IN_CONTEXT_ACTIONS, IN_INPUT, IN_SECTION
from playground.slack.objects import BLOCK_ID, SLACK_FILE, any_text, plain_text
from playground.slack.rich_text import RICH_TEXT_PARTS
from playground.slack.schema import (
    Check,
    Finding,
    Findings,
    Rule,
    anything,
    by_type,
    choice,
    flag,
    listing,
    needs_one_of,
    not_together,
    number,
    shape,
    string,
    url,
    whole,
)
from playground.slack.sizes import SIZES, fewest, longest, most

Surface = Literal["message", "modal", "home", "unfurl"]

EVERYWHERE: frozenset[Surface] = frozenset({"message", "modal", "home"})
MESSAGE: frozenset[Surface] = frozenset({"message"})
MESSAGE_HOME: frozenset[Surface] = frozenset({"message", "home"})


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None, *rules: Rule) -> Check:
    return shape({"type": string(), **required}, {"block_id": BLOCK_ID, **(optional or {})}, *rules)


def _loose(required: dict[str, Check]) -> Check:
    """Check the required fields and accept any others."""

    def check(value: Any, at: str, findings: Findings) -> None:
        required_fields = {name: value[name] for name in ("type", "block_id", *required) if name in value}
        _block(required)(required_fields, at, findings)

    return check


def _dispatches_what_it_can(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    element = value.get("element")
    if value.get("dispatch_action") and isinstance(element, dict) and element.get("type") == "file_input":
        findings.append(Finding(f"{at}/dispatch_action", "not supported for element type: file_input"))


def _collapsed_is_collapsible(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    if value.get("default_collapsed") and not value.get("is_collapsible"):
        findings.append(Finding(f"{at}/default_collapsed", "requires is_collapsible"))


RICH_TEXT = _block({"elements": RICH_TEXT_PARTS})

_CONTEXT_PART = by_type(
    {
        "image": IMAGE,
        "plain_text": plain_text(longest("text")),
        "mrkdwn": any_text(longest("text")),
    }
)

CARD = _block(
    {},
    {
        "hero_image": IMAGE,
        "icon": IMAGE,
        "title": any_text(longest("card.title")),
        "subtitle": any_text(longest("card.subtitle")),
        "body": any_text(longest("card.body")),
        "subtext": any_text(longest("card.subtext")),
        "actions": listing(by_type({"button": BUTTON}), 1, most("card.actions")),
    },
    needs_one_of("hero_image", "title", "actions", "body"),
)

TASK_CARD = _block(
    {
        "task_id": string(least=1),
        "title": string(least=1),
        "status": choice("pending", "in_progress", "complete", "error"),
    },
    {
        "details": by_type({"rich_text": RICH_TEXT}),
        "output": by_type({"rich_text": RICH_TEXT}),
        "sources": listing(by_type({"url": shape({"type": string(), "url": url(), "text": string(least=1)})})),
    },
)

_CELL = by_type(
    {
        "raw_text": shape({"type": string(), "text": string(least=1)}),
        "raw_number": shape({"type": string(), "value": number()}, {"text": string(least=1)}),
        "rich_text": RICH_TEXT,
    }
)

_COLUMN = shape({}, {"align": choice("left", "center", "right"), "is_wrapped": flag})


def _column_setting(value: Any, at: str, findings: Findings) -> None:
    """Check a column's setting; ``null`` is the default."""
    if value is not None:
        _COLUMN(value, at, findings)


TABLE = _block(
    {"rows": listing(listing(_CELL, 1, most("table.columns")), 1, most("table.rows"))},
    {"column_settings": listing(_column_setting, 0, most("table.column_settings"))},
)

VIDEO = _block(
    {
        "alt_text": string(longest("video.alt_text"), least=1),
        "title": plain_text(longest("video.title")),
        "thumbnail_url": url(longest("video.thumbnail_url")),
        "video_url": url(longest("video.video_url")),
    },
    {
        "title_url": url(longest("video.title_url")),
        "description": plain_text(longest("video.description")),
        "provider_icon_url": url(longest("video.provider_icon_url")),
        "provider_name": string(longest("video.provider_name")),
        "author_name": string(longest("video.author_name")),
    },
)

_LEAVES: dict[str, Check] = {
    "actions": _block({"elements": listing(by_type(IN_ACTIONS), 1, most("actions.elements"))}),
    "alert": _block(
        {"text": any_text(longest("alert.text"))},
        {"level": choice("default", "info", "warning", "error", "success")},
    ),
    "card": CARD,
    "carousel": _block(
        {"elements": listing(by_type({"card": CARD}), fewest("carousel.elements"), most("carousel.elements"))}
    ),
    "context": _block({"elements": listing(_CONTEXT_PART, 1, most("context.elements"))}),
    "context_actions": _block({"elements": listing(by_type(IN_CONTEXT_ACTIONS), 1, most("context_actions.elements"))}),
    "data_table": _loose({"rows": listing(anything, fewest("data_table.rows"), most("data_table.rows"))}),
    "data_visualization": DATA_VISUALIZATION,
    "divider": _block({}),
    "header": _block({"text": plain_text(longest("header.text"))}, {"level": whole(1, 4)}),
    "image": _block(
        {"alt_text": string(longest("image.alt_text"), least=1)},
        {
            "image_url": url(longest("image.image_url")),
            "slack_file": SLACK_FILE,
            "title": plain_text(longest("image.title")),
        },
        needs_one_of("image_url", "slack_file"),
        not_together("image_url", "slack_file"),
    ),
    "input": _block(
        {"label": plain_text(longest("input.label")), "element": by_type(IN_INPUT)},
        {"hint": plain_text(longest("input.hint")), "optional": flag, "dispatch_action": flag},
        _dispatches_what_it_can,
    ),
    "markdown": _block({"text": string(longest("markdown.text"), least=1)}),
    "plan": _block(
        {"title": string(least=1)}, {"tasks": listing(by_type({"task_card": TASK_CARD}), 0, most("plan.tasks"))}
    ),
    "rich_text": RICH_TEXT,
    "section": _block(
        {},
        {
            "text": any_text(longest("section.text")),
            "fields": listing(any_text(SIZES["section.fields.item_max_length"]), 1, most("section.fields")),
            "accessory": by_type(IN_SECTION),
            "expand": flag,
        },
        needs_one_of("text", "fields"),
    ),
    "table": TABLE,
    "task_card": TASK_CARD,
    "video": VIDEO,
}

CONTAINER = _block(
    {"child_blocks": listing(by_type(_LEAVES), fewest("container.child_blocks"), most("container.child_blocks"))},
    {
        "title": plain_text(longest("container.title")),
        "rich_text_title": by_type({"rich_text": RICH_TEXT}),
        "subtitle": any_text(longest("container.subtitle")),
        "icon": IMAGE,
        "width": choice("narrow", "standard", "wide", "full"),
        "is_collapsible": flag,
        "default_collapsed": flag,
        "has_header_divider": flag,
    },
    needs_one_of("title", "rich_text_title"),
    _collapsed_is_collapsible,
)

BLOCKS: dict[str, Check] = {**_LEAVES, "container": CONTAINER}
"""Blocks a bot may send. ``file`` blocks come from Slack only."""

SURFACES: dict[str, frozenset[Surface]] = {
    **dict.fromkeys(("actions", "card", "context", "divider", "header", "image"), EVERYWHERE),
    **dict.fromkeys(("input", "rich_text", "section", "video"), EVERYWHERE),
    **dict.fromkeys(("carousel", "data_table", "table"), MESSAGE_HOME),
    **dict.fromkeys(("container", "context_actions", "data_visualization", "markdown"), MESSAGE),
    **dict.fromkeys(("plan", "task_card"), MESSAGE),
    "alert": frozenset({"modal"}),
}


IN_UNFURLS = frozenset({"actions", "context", "divider", "header", "image", "rich_text", "section"})
"""Blocks allowed in an unfurl. Slack allows more there with further scopes."""


def blocks_for(surface: Surface) -> dict[str, Check]:
    if surface == "unfurl":
        return {name: check for name, check in BLOCKS.items() if name in IN_UNFURLS}
    return {name: check for name, check in BLOCKS.items() if surface in SURFACES[name]}
