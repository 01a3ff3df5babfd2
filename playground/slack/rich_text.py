"""Schemas of rich text: sections, lists, quotes, code, and their elements.

https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
"""

from __future__ import annotations

from playground.slack.schema import Check, by_type, choice, flag, listing, shape, string, url, whole
from playground.slack.sizes import SIZES

_STYLE = shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"),
        flag,
    ),
)


def _piece(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return shape({"type": string(), **required}, {"style": _STYLE, **(optional or {})})


_PIECES: dict[str, Check] = {
    "text": _piece({"text": string(least=1)}),
    "link": _piece({"url": url()}, {"text": string(), "unsafe": flag}),
    "user": _piece({"user_id": string(least=1)}),
    "channel": _piece({"channel_id": string(least=1)}),
    "usergroup": _piece({"usergroup_id": string(least=1)}),
    "team": _piece({"team_id": string(least=1)}),
    "emoji": _piece({"name": string(least=1)}, {"unicode": string(), "skin_tone": whole(1, 6)}),
    "broadcast": _piece({"range": choice("here", "channel", "everyone")}),
    "color": _piece({"value": string(least=1)}),
    "date": _piece({"timestamp": whole(0), "format": string(least=1)}, {"url": url(), "fallback": string()}),
}

_BORDER = whole(SIZES["rich_text_list.border.min"], SIZES["rich_text_list.border.max"])
_INLINE = listing(by_type(_PIECES))
_SECTION = shape({"type": string(), "elements": _INLINE})

_PARTS: dict[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": shape(
        {"type": string(), "elements": listing(by_type({"text": _PIECES["text"], "link": _PIECES["link"]}))},
        {"border": _BORDER, "language": string()},
    ),
    "rich_text_quote": shape({"type": string(), "elements": _INLINE}, {"border": _BORDER}),
    "rich_text_list": shape(
        {
            "type": string(),
            "style": choice("bullet", "ordered"),
            "elements": listing(by_type({"rich_text_section": _SECTION})),
        },
        {
            "indent": whole(SIZES["rich_text_list.indent.min"], SIZES["rich_text_list.indent.max"]),
            "offset": whole(SIZES["rich_text_list.offset.min"]),
            "border": _BORDER,
        },
    ),
}

RICH_TEXT_PARTS = listing(by_type(_PARTS))
