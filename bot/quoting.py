"""A text in quotes, as somebody would type it. Reading it back is ``commands.tokenizer.split``. Pure."""

from __future__ import annotations

import re


def quote(text: str) -> str:
    """A text in quotes, such that ``split`` reads it back as it is."""
    mark = "'" if '"' in text and "'" not in text else '"'
    return mark + re.sub(rf"(?<!\\)(\\*)({mark}|\Z)", _escape, text) + mark


def _escape(found: re.Match[str]) -> str:
    backslashes, mark = found.groups()
    return backslashes * 2 + (f"\\{mark}" if mark else "")
