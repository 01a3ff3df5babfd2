"""Lines of rich text are flattened, joined and turned into plain text."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.slack import rich
from bot.slack.blocks import lines

NOON = datetime(2026, 8, 7, 12, tzinfo=UTC)


def texts(*rows: rich.Line) -> list[str]:
    (section,) = lines(*rows)["elements"]
    return [part["text"] for part in section["elements"]]


def test_nested_pieces_become_one_line_and_empty_ones_are_left_out() -> None:
    assert texts(["a", None, ["b", [], rich.code("c")], ""]) == ["a", "b", "c"]


def test_rows_are_separated_and_empty_rows_are_left_out() -> None:
    assert texts("a", None, [[]], "b") == ["a", "\n", "b"]


def test_a_block_without_any_text_holds_a_dash() -> None:
    assert texts(None, "") == ["\u2013"]


def test_only_pieces_with_content_are_joined() -> None:
    assert texts(rich.join(" · ", ["a", None, "", [], "b"])) == ["a", " · ", "b"]


def test_text_from_outside_is_one_short_line_that_slack_does_not_parse() -> None:
    assert rich.text("<!channel>\nand more", 12) == {"type": "text", "text": "<!channel>…"}
    assert rich.code("") == {"type": "text", "text": "\u2013", "style": {"code": True}}


def test_a_link_that_is_not_http_keeps_its_label() -> None:
    assert rich.link("javascript:alert(1)", "#812") == {"type": "text", "text": "#812"}


def test_plain_text_has_the_default_for_mentions_and_no_dates() -> None:
    assert rich.plain(["by ", rich.user("UANA")], default="somebody") == "by somebody"
    assert rich.plain([rich.bold("Paused"), " since ", rich.date(NOON)]) == "Paused since "
