"""Slack's escapes, phone typography and quotes are undone."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.notifications.filters import quote
from commands.tokenizer import UserMention, split, tokenize
from tests.commands.typed import ANY_TEXT, PLAIN


@pytest.mark.parametrize(
    ("sent", "plain"),
    [
        ("a &amp; b &lt;c&gt; &amp;lt;", "a & b <c> &lt;"),
        ("<https://x.io/?a=1&amp;b=2>", "https://x.io/?a=1&b=2"),
        ("<http://release.io|release.io> x", "release.io x"),
        ("<https://x.io/a/|https://x.io/a>", "https://x.io/a/"),
        ("<https://x.io/a|this build>", "https://x.io/a"),
        ("URL=<https://x.io|x.io>", "URL=x.io"),
        ("<mailto:a@b.io|a@b.io> <mailto:c@d.io> <tel:+123|+123>", "a@b.io c@d.io +123"),
        ("<@U012AB|ana> <@W9> <@U7|Ana Diaz>", "@ana @W9 @U7"),
        ("<#C1|ios> <#C2|> <#G3>", "#ios #C2 #G3"),
        ("<!here> <!channel|channel> <!subteam^S1|@qa> <!subteam^S1>", "@here channel @qa @subteam"),
        ("&lt;@U012AB&gt; &lt;!channel&gt;", "<@U012AB> <!channel>"),
        ("List<String> a<b c>d <x", "List<String> a<b c>d <x"),
        ("“a” ‘b’ «c» „d” – — ‑", '"a" \'b\' "c" "d" - -- -'),
        ("a\u00a0b\u2003c\td\r\ne\u200b\ufeff\u00ad\u202ef\x00\x07g\ud800", "a b c d  efg"),
        ("👩\u200d💻 \u200dx\u200d می\u200cخواهم", "👩\u200d💻 x می\u200cخواهم"),
    ],
)
def test_escapes_and_typography_are_undone(sent: str, plain: str) -> None:
    assert tokenize(sent).text == plain


def test_mentions_are_found_by_name_and_id() -> None:
    words = tokenize("list by:<@U012AB|ana> <@U7|Ana Diaz>")
    assert words.mentions == (UserMention("U012AB", "ana"), UserMention("U7", "Ana Diaz"))
    assert words.mention("@ana") == UserMention("U012AB", "ana")
    assert words.mention("@U7") == UserMention("U7", "Ana Diaz")
    assert words.mention("@bo") is None


@given(ANY_TEXT)
def test_no_invisible_or_typographic_character_gets_through(text: str) -> None:
    plain = tokenize(text).text
    assert not any(unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") for ch in plain)
    assert not set(plain) & set("“”„«»‘’–—\u00a0\u200b\u202e\ufeff")


@given(PLAIN)
def test_quoted_text_is_one_word_unchanged(text: str) -> None:
    (word,) = split(quote(text))
    assert (word.text, word.quoted) == (text, True)


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("release/3.2", "release/3.2"),
        ("fix–login—now", "fix-login--now"),
        ("“Léa’s app”", "Léa's app"),
        ("branch:“a—b”", "branch:a--b"),
        ('"say \\"“hi”\\""', 'say ""hi""'),
        (" \u200bx–y\u200b ", "x-y"),
        ("&lt;x–y&gt;", "<x-y>"),
    ],
)
def test_the_typography_of_a_phone_is_cleaned(typed: str, text: str) -> None:
    (word,) = tokenize(typed).words
    assert word.text == text


@pytest.mark.parametrize(
    ("typed", "keep", "words"),
    [
        ("fix–login", "fix–login", ["fix–login"]),
        ("branch:fix–login", "fix–login", ["branch:fix–login"]),
        ("branch:“fix–login”", "fix–login", ["branch:fix–login"]),
        ("LÉA’S app", "Léa’s App", ["LÉA’S", "app"]),
        ("“Léa’s App” “what’s new”", "Léa’s App", ["Léa’s App", "what's new"]),
        ("“Shop” deploy", "“Shop”", ["“Shop”", "deploy"]),
        ("fix–login–2", "fix–log", ["fix-login-2"]),
        ("fix-login", "fix–login", ["fix-login"]),
        ("a–b c–d", "a–b", ["a–b", "c-d"]),
        ("branch: a–b|message: c–d", "a–b", ["branch:", "a–b|message:", "c-d"]),
    ],
)
def test_a_name_that_exists_keeps_its_typography(typed: str, keep: str, words: list[str]) -> None:
    assert [word.text for word in tokenize(typed, keep=[keep, "shop"]).words] == words


@given(ANY_TEXT, st.text("ab–’", min_size=1))
def test_a_name_that_is_not_typed_changes_nothing(text: str, name: str) -> None:
    assume(name.casefold() not in text.casefold())
    assert tokenize(text, keep=[name]) == tokenize(text)
