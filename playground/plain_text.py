"""Convert messages and views to readable text, for tests, the tour and the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

JSON = Mapping[str, Any]


def message_text(text: str, blocks: Sequence[JSON], names: Mapping[str, str] | None = None) -> str:
    """Return a message as text. ``names`` maps ids to names (``U123`` to ``ana``)."""
    lines = [line for block in blocks for line in _block(block)] if blocks else text.splitlines()
    return _named("\n".join(line.rstrip() for line in lines if line.strip()), names or {})


def view_text(view: JSON, names: Mapping[str, str] | None = None) -> str:
    title = _plain(view.get("title"))
    body = message_text("", view.get("blocks") or [], names)
    buttons = " ".join(f"[{_plain(view[key])}]" for key in ("close", "submit") if view.get(key))
    return "\n".join(part for part in (f"== {title} ==" if title else "", body, buttons) if part)


def _named(text: str, names: Mapping[str, str]) -> str:
    for id_, name in names.items():
        text = text.replace(f"<@{id_}>", f"@{name}").replace(f"<#{id_}>", f"#{name}")
    return text


def _block(block: JSON) -> Iterator[str]:
    match block["type"]:
        case "section":
            accessory = f"  {_element(block['accessory'])}" if block.get("accessory") else ""
            yield from (_plain(block.get("text")) + accessory).splitlines()
            yield from (_plain(field) for field in block.get("fields", ()))
        case "header":
            yield f"# {_plain(block['text'])}"
        case "context":
            yield "  ".join(_plain(element) for element in block["elements"])
        case "divider":
            yield "---"
        case "actions":
            yield " ".join(_element(element) for element in block["elements"])
        case "input":
            optional = " (optional)" if block.get("optional") else ""
            yield f"{_plain(block['label'])}{optional}: {_element(block['element'])}"
        case "rich_text":
            yield from "".join(_rich(element) for element in block["elements"]).splitlines()
        case "table":
            yield from (" | ".join(map(_cell, row)) for row in block["rows"])
        case "data_visualization":
            yield f"[{block['chart']['type']} chart: {block['title']}]"
        case "image":
            yield f"[picture: {block.get('alt_text', '')}]"
        case other:
            yield f"[{other}]"


def _cell(cell: JSON) -> str:
    return "".join(map(_rich, cell["elements"])) if cell["type"] == "rich_text" else str(cell.get("text", ""))


def _plain(text: Any) -> str:
    if isinstance(text, str):
        return text
    written = str((text or {}).get("text", ""))
    return written.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _element(element: JSON) -> str:
    if element["type"] == "button":
        return f"[{_plain(element['text'])}]"
    if "options" in element:
        return " / ".join(_plain(option["text"]) for option in element["options"])
    initial = (
        element.get("initial_value")
        or element.get("initial_time")
        or _plain((element.get("initial_option") or {}).get("text"))
    )
    return f"‹{initial or _plain(element.get('placeholder'))}›"


def _rich(element: JSON) -> str:
    match element["type"]:
        case "rich_text_section" | "rich_text_quote" | "rich_text_preformatted":
            return "".join(map(_rich, element["elements"]))
        case "rich_text_list":
            return "".join(f"• {_rich(item)}\n" for item in element["elements"])
        case "user":
            return f"<@{element['user_id']}>"
        case "link":
            return str(element.get("text") or element["url"])
        case "date":
            return str(element.get("fallback", ""))
        case "emoji":
            return f":{element['name']}:"
        case _:
            return str(element.get("text", ""))
