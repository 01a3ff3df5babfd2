"""Validate whole messages and views, beyond the schemas of single blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from playground.slack.blocks import Surface, blocks_for
from playground.slack.objects import plain_text
from playground.slack.schema import Check, Finding, Findings, anything, by_type, flag, listing, shape, string
from playground.slack.sizes import SIZES, longest, most

_SURFACES: tuple[Surface, ...] = ("message", "modal", "home", "unfurl")
_VIEWED: frozenset[Surface] = frozenset({"modal", "home"})

_LISTS: dict[Surface, Check] = {
    surface: listing(
        by_type(blocks_for(surface)),
        0,
        most("view.blocks") if surface in _VIEWED else most("message.blocks"),
    )
    for surface in _SURFACES
}

_VIEW = {
    "type": string(),
    "private_metadata": string(longest("view.private_metadata")),
    "callback_id": string(longest("view.callback_id")),
    "external_id": string(longest("view.external_id")),
}

_MODAL = shape(
    {"title": plain_text(longest("view.title")), "blocks": _LISTS["modal"]},
    {
        **_VIEW,
        "submit": plain_text(longest("view.submit")),
        "close": plain_text(longest("view.close")),
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
)
_HOME = shape({"blocks": _LISTS["home"]}, _VIEW)
_VIEWS = by_type({"modal": _MODAL, "home": _HOME})


def check_blocks(blocks: Any, surface: Surface, at: str = "/blocks") -> Findings:
    """Return the findings about the blocks of one surface; none if Slack would accept them."""
    findings: Findings = []
    _LISTS[surface](blocks, at, findings)
    if not findings:
        for rule in _WHOLE:
            rule(blocks, surface, at, findings)
    return findings


def check_view(view: Any, at: str = "/view") -> Findings:
    """Return the findings about a modal or a Home tab."""
    findings: Findings = []
    _VIEWS(view, at, findings)
    if findings:
        return findings
    surface: Surface = "home" if view["type"] == "home" else "modal"
    for rule in _WHOLE:
        rule(view["blocks"], surface, f"{at}/blocks", findings)
    if surface == "modal" and not view.get("submit") and any(block["type"] == "input" for block in view["blocks"]):
        findings.append(Finding(at, "missing required field: submit"))
    return findings


def check_attachments(attachments: Any) -> Findings:
    findings: Findings = []
    listing(anything, 0, most("message.attachments"))(attachments, "/attachments", findings)
    if findings:
        return findings
    for index, attachment in enumerate(attachments):
        if isinstance(attachment, dict) and attachment.get("blocks") is not None:
            findings += check_blocks(attachment["blocks"], "message", f"/attachments/{index}/blocks")
    return findings


def interactive(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the elements of a block with an action_id, nested ones included."""
    for child in (*block.get("child_blocks", ()), *_cards(block)):
        yield from interactive(child)
    candidates = [block.get("element"), block.get("accessory"), *block.get("actions", ())]
    if block["type"] in ("actions", "context_actions"):
        candidates += block["elements"]
    yield from (each for each in candidates if isinstance(each, dict) and each.get("type") != "image")


def _cards(block: dict[str, Any]) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = block["elements"] if block["type"] == "carousel" else []
    return cards


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, times in Counter(each for each in values if each).items() if times > 1]


def _unique_block_ids(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
    for block_id in _repeated(block.get("block_id") for block in blocks):
        last = max(index for index, block in enumerate(blocks) if block.get("block_id") == block_id)
        findings.append(Finding(f"{at}/{last}/block_id", f"block_id must be unique: {block_id} already exists"))


def _unique_action_ids(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
    for index, block in enumerate(blocks):
        for action_id in _repeated(element.get("action_id") for element in interactive(block)):
            findings.append(
                Finding(f"{at}/{index}", f"action_id must be unique within its block: {action_id} already exists")
            )


def _one_focus(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
    if sum(bool(element.get("focus_on_load")) for block in blocks for element in interactive(block)) > 1:
        findings.append(Finding(at, "only one element may have focus_on_load"))


def _counted(kind: str, highest: int) -> Callable[[list[dict[str, Any]], Surface, str, Findings], None]:
    def rule(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
        if surface == "message" and sum(block["type"] == kind for block in blocks) > highest:
            findings.append(Finding(at, f"no more than {highest} blocks of type {kind} allowed"))

    return rule


def _markdown_together(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
    highest = SIZES["markdown.total_text.max_length"]
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > highest:
        findings.append(Finding(at, f"all markdown together must be less than {highest + 1} characters"))


TABLE_TEXT = 10_000
"""Characters of all cells of a message's tables. https://docs.slack.dev/reference/block-kit/blocks/table-block"""


def _tables_together(blocks: list[dict[str, Any]], surface: Surface, at: str, findings: Findings) -> None:
    cells = (cell for block in blocks if block["type"] == "table" for row in block["rows"] for cell in row)
    if sum(map(_cell_length, cells)) > TABLE_TEXT:
        findings.append(Finding(at, f"all cells of tables together must be less than {TABLE_TEXT + 1} characters"))


def _cell_length(part: Any) -> int:
    if isinstance(part, list):
        return sum(map(_cell_length, part))
    if not isinstance(part, dict):
        return 0
    inner = (value for value in part.values() if isinstance(value, (dict, list)))
    return len(str(part.get("text", part.get("value", "")))) + sum(map(_cell_length, inner))


_WHOLE = (
    _tables_together,
    _unique_block_ids,
    _unique_action_ids,
    _one_focus,
    _markdown_together,
    _counted("table", 1),
    _counted("data_visualization", SIZES["message.data_visualizations.max_items"]),
)
