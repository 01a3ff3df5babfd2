"""Text from outside cannot mention, link, break a line or overflow."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack import text
from bot.slack.text import Message

NASTY = st.text() | st.lists(
    st.sampled_from(
        [
            "<!channel>",
            "<@U123>",
            "<#C1|x>",
            "<https://evil|ok>",
            "&",
            "&lt;!here>",
            "|",
            "`",
            "\n",
            "🚀",
            "\u202e",
            ">",
        ]
    )
).map("".join)
HALF_ESCAPE = re.compile(r"&(?!amp;|lt;|gt;)")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("fix <!channel>", "fix &lt;!channel&gt;"),
        ("a && b", "a &amp;&amp; b"),
        ("already &amp; escaped", "already &amp;amp; escaped"),
        ("plain", "plain"),
    ],
)
def test_escape_takes_the_meaning_from_three_characters(written: str, shown: str) -> None:
    assert text.escape(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("\x00bell\x07 \u2028 next", "bell next"),
        ("abc\u202egpj.exe", "abc gpj.exe"),
        ("  wide   open ", "wide open"),
        ("half a pair \ud83d", "half a pair"),
        ("", ""),
    ],
)
def test_one_line_flattens_what_breaks_a_line(written: str, shown: str) -> None:
    assert text.one_line(written) == shown


def test_first_line_is_the_first_that_says_something() -> None:
    assert text.first_line("\n  \nFix login\n\nmore") == "Fix login"
    assert text.first_line("\n \n") == ""


@pytest.mark.parametrize(
    ("written", "limit", "shown"),
    [
        ("short", 10, "short"),
        ("exactly ten", 11, "exactly ten"),
        ("a longer one", 6, "a lon…"),
        ("fish &amp; chips", 8, "fish…"),
        ("fish &amp; chips", 11, "fish &amp;…"),
        ("by <@U123456> here", 9, "by…"),
        ("🚀🚀🚀", 4, "🚀…"),
        ("x", 0, "…"),
    ],
)
def test_shorten_never_cuts_an_escape_in_half(written: str, limit: int, shown: str) -> None:
    assert text.shorten(written, limit) == shown


FAMILY, THUMB, RAINBOW, DUTCH, ACUTE = "👨\u200d👩\u200d👧", "👍🏽", "🏳️\u200d🌈", "🇳🇱", "e\u0301"


@pytest.mark.parametrize(
    ("written", "limit", "shown"),
    [
        (FAMILY * 3, 8, "…"),
        (FAMILY * 3, 9, f"{FAMILY}…"),
        (FAMILY * 3, 12, f"{FAMILY}…"),
        (THUMB * 3, 4, "…"),
        (THUMB * 3, 7, f"{THUMB}…"),
        (RAINBOW * 2, 5, "…"),
        (RAINBOW * 2, 7, f"{RAINBOW}…"),
        (DUTCH * 3, 7, f"{DUTCH}…"),
        (f"x{DUTCH}{DUTCH}", 8, f"x{DUTCH}…"),
        (ACUTE * 5, 4, f"{ACUTE}…"),
        ("Fix it 👍🏽 now, please", 10, "Fix it…"),
        ("z" + "\u0301" * 400, 99, "z" + "\u0301" * 97 + "…"),
    ],
)
def test_shorten_never_cuts_what_is_seen_as_one_character(written: str, limit: int, shown: str) -> None:
    assert text.shorten(written, limit) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("if a < b, then the rest matters", "if a < b, then the…"),
        ("Tom & Jerry and friends", "Tom & Jerry and fr…"),
    ],
)
def test_what_is_not_escaped_is_cut_at_its_end_only(written: str, shown: str) -> None:
    assert text.clean(written, 19) == shown


@given(NASTY, st.integers(1, 60))
@example("&" * 100, 7)
def test_what_others_wrote_stays_text_within_its_limit(written: str, limit: int) -> None:
    quoted = text.quoted(written, limit)
    assert "<" not in quoted
    assert ">" not in quoted
    assert not HALF_ESCAPE.search(quoted)
    assert text.length(quoted) <= limit
    assert seen(quoted).isprintable() or not written.isprintable()
    assert len(quoted.splitlines()) <= 1


def seen(shown: str) -> str:
    """The text without the isolates, each of which ends where it should."""
    depth = 0
    for character in shown:
        depth += (character == "\u2068") - (character == "\u2069")
        assert depth >= 0
    assert depth == 0
    return shown.replace("\u2068", "").replace("\u2069", "")


SHOP, CAFE = "متجر", "קפה"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"{SHOP} 2", f"⟨{SHOP} 2⟩"),
        (f"2 {SHOP} {SHOP} #812, {CAFE}", f"⟨2 {SHOP} {SHOP} #812, {CAFE}⟩"),
        (f"Open {SHOP} {SHOP} #812, {CAFE}", f"Open ⟨{SHOP} {SHOP}⟩ #812, ⟨{CAFE}⟩"),
        (f"⟨{SHOP} 2⟩ #812 {CAFE}", f"⟨{SHOP} 2⟩ #812 ⟨{CAFE}⟩"),
        (f"a⟩ ⟨{SHOP}", f"a ⟨{SHOP}⟩"),
        ("⟨release⟩", "⟨release⟩"),
        ("Zoë 1", "Zoë 1"),
    ],
)
def test_right_to_left_text_is_isolated(written: str, shown: str) -> None:
    """Without isolates a number is drawn on the wrong side of the name. ⟨ and ⟩ stand for them."""
    marks = str.maketrans("⟨⟩", "\u2068\u2069")
    assert text.clean(written.translate(marks), 99) == shown.translate(marks)
    assert text.quoted(written.translate(marks), 99) == shown.translate(marks)


def test_a_name_is_isolated_as_a_whole() -> None:
    assert text.isolate(f"{SHOP} 2") == f"\u2068{SHOP} 2\u2069"
    assert text.isolate("iOS Shop 2") == "iOS Shop 2"
    assert text.code(f"{CAFE}/1") == f"`\u2068{CAFE}/1\u2069`"


@given(st.text(f"{SHOP}{CAFE} a1#<&\u2068\u2069\u202e", max_size=60), st.integers(1, 60))
def test_no_isolate_is_left_open_and_no_letter_outside(written: str, limit: int) -> None:
    for shown in (text.quoted(written, limit), text.clean(written, limit), text.clean(text.isolate(written), limit)):
        assert text.length(shown) <= limit
        assert len(seen(shown)) == text.width(shown)
        outside = re.sub("\u2068.*\u2069", "", shown)
        assert not re.search("[\u0590-\u08ff]", outside)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*bold* _it_ ~st~", "*bold∗ _itˍ ~st∼"),
        ("snake_case_name · _setup", "snake_case_name · _setup"),
        ("**twice** 2 * 3", "**twice∗∗ 2 * 3"),
        ("`code` <b>", "'code' &lt;b&gt;"),
    ],
)
def test_marks_of_others_format_nothing(written: str, shown: str) -> None:
    assert text.unmarked(written, 60) == shown


@given(NASTY | st.text("*_~` ab.", max_size=40), st.integers(1, 60))
def test_no_mark_of_others_closes(written: str, limit: int) -> None:
    told = text.unmarked(written, limit)
    assert "`" not in told
    assert not re.search(r"(?<!\w)([*_~])(?=\S).*?(?<=\S)\1(?!\w)", told)
    assert text.length(told) <= limit


@given(NASTY)
def test_a_code_span_is_never_left(written: str) -> None:
    span = text.code(written)
    assert span.count("`") == 2
    assert len(span) > 2
    assert "<" not in span


@given(NASTY, NASTY)
def test_no_text_becomes_a_link_or_mention(is_ours: Callable[[str], bool], url: str, label: str) -> None:
    assert is_ours(text.link(url, label))
    assert is_ours(text.link(f"https://bitrise.io/{url}", label))
    assert is_ours(text.mention(url))
    assert is_ours(text.channel_mention(url))


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://x", "https://", "//bitrise.io", "http://[broken", "", "https://x/" + "y" * 3_000],
)
def test_only_http_links(url: str) -> None:
    assert text.link(url, "build") == "build"


def test_a_link_cannot_be_disguised() -> None:
    assert text.link("https://a.io/x|y>z", "in <b> | c") == "<https://a.io/x%7Cy%3Ez|in &lt;b&gt; / c>"
    assert text.link("https://a.io/?a=1&b=2", "") == f"<https://a.io/?a=1&amp;b=2|{text.NOTHING}>"


@pytest.mark.parametrize("name", ["ana", "U", "U12>", "<@U1>", "u0123", "!channel"])
def test_only_ids_are_mentioned(name: str) -> None:
    assert text.mention(name) == text.escape(name)


def test_ids_are_mentioned() -> None:
    assert text.mention("U012ABC") == "<@U012ABC>"
    assert text.channel_mention("C012ABC") == "<#C012ABC>"


def test_a_date_is_shown_in_the_readers_zone() -> None:
    at = datetime(2026, 8, 7, 14, 2, tzinfo=UTC)
    assert text.date(at) == "<!date^1786111320^{date_short_pretty} at {time}|2026-08-07 14:02 UTC>"


@given(st.text(max_size=9_000))
def test_a_message_always_has_a_text_that_an_update_takes(written: str) -> None:
    assert 0 < text.length(Message(written).to_payload()["text"]) <= text.MESSAGE_TEXT_LIMIT


def test_a_message_without_blocks_sends_none() -> None:
    assert Message("hello").to_payload() == {"text": "hello"}
