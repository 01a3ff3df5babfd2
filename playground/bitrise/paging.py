"""Pages of a list. ``next`` is the slug of the first item of the next page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from playground.bitrise.calls import Answer, Call
from playground.bitrise.refusals import bad_request

T = TypeVar("T")


def page(
    call: Call,
    items: Sequence[T],
    *,
    slug: Callable[[T], str],
    shape: Callable[[T], dict[str, Any]],
    start: Callable[[str], int | None] | None = None,
    paged: bool = True,
) -> Answer:
    """Return a page. ``start`` finds its beginning if the anchor may not match the filters anymore."""
    first = _first_index(call, items, slug, start) if paged else 0
    limit = call.limit()
    following = items[first + limit : first + limit + 1] if paged else ()
    paging: dict[str, Any] = {"total_item_count": len(items), "page_item_limit": limit}
    if following:
        paging["next"] = slug(following[0])
    return Answer({"data": [shape(each) for each in items[first : first + limit]], "paging": paging})


def _first_index(
    call: Call, items: Sequence[T], slug: Callable[[T], str], start: Callable[[str], int | None] | None
) -> int:
    anchor = call.text("next")
    if anchor is None:
        return 0
    index = start(anchor) if start else next((i for i, each in enumerate(items) if slug(each) == anchor), None)
    if index is None:
        raise bad_request(f"Invalid next: {anchor}")
    return index
