"""What a person types, and what is understood."""

from __future__ import annotations

import random
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.errors import BuildbellError
from bot.outcomes import Cause, Outcome, Reason, State
from commands.arguments import (
    NOTHING,
    SHOW,
    START,
    AbortArguments,
    ArgumentsUnclear,
    BuildArguments,
    ListArguments,
    StartArguments,
    UserMention,
    environment_lines,
    format_start,
    nearest,
    only_match,
    parse,
    parse_abort,
    parse_build,
    parse_list,
    parse_start,
    rank,
    read,
)
from commands.tokens import quote, split

VERBS = frozenset({"status", "list", "abort", "again", "help", "connect"})
SLUG = "a851343a3121eadf"
UUID = "0b0f8f9c-6f4e-4a53-9a0e-3e1c3c1d2f4a"


def refusal(text: str) -> ArgumentsUnclear:
    with pytest.raises(ArgumentsUnclear) as caught:
        parse_start(text)
    return caught.value


def escaped(text: str) -> str:
    """As Slack sends a text: https://docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# The verb.


@pytest.mark.parametrize(
    ("text", "verb", "left"),
    [
        ("", NOTHING, []),
        (" \u200b\t ", NOTHING, []),
        ("status", "status", []),
        ("STATUS shop", "status", ["shop"]),
        ("abort shop #812 stuck", "abort", ["shop", "#812", "stuck"]),
        ('"status" deploy', START, ["status", "deploy"]),
        ("shop deploy", START, ["shop", "deploy"]),
        ("shop status", START, ["shop", "status"]),
        ("workflow: deploy|branch: main", START, ["workflow:", "deploy|branch:", "main"]),
        ("shop #812", SHOW, ["shop", "#812"]),
        ("shop 812", SHOW, ["shop", "812"]),
        ("iOS Shop #812", SHOW, ["iOS", "Shop", "#812"]),
        ("#812", SHOW, ["#812"]),
        ("shop#812", SHOW, ["shop#812"]),
        (SLUG, SHOW, [SLUG]),
        ("<https://app.bitrise.io/build/a851343a3121eadf>", SHOW, ["https://app.bitrise.io/build/a851343a3121eadf"]),
        ("shop 812 FLAVOR=beta", START, ["shop", "812", "FLAVOR=beta"]),
        ("workflow:deploy #812", START, ["workflow:deploy", "#812"]),
        ('shop deploy "fix #812"', START, ["shop", "deploy", "fix #812"]),
        ('"812"', START, ["812"]),
    ],
)
def test_the_first_word_is_a_verb_or_begins_a_start(text: str, verb: str, left: list[str]) -> None:
    asked = parse(text, VERBS)
    assert (asked.verb, [word.text for word in asked.words.words]) == (verb, left)


# A start.


def start(
    *words: str, environment: tuple[tuple[str, str], ...] = (), message: str | None = None, **parts: str
) -> StartArguments:
    return StartArguments(words=words, environment=environment, message=message, **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", start()),
        ("shop", start("shop")),
        (
            'shop deploy release/3.2 FLAVOR=beta "try the new login"',
            start("shop", "deploy", "release/3.2", environment=(("FLAVOR", "beta"),), message="try the new login"),
        ),
        ('"iOS Shop" deploy', start("iOS Shop", "deploy")),
        ("'iOS Shop' deploy", start("iOS Shop", "deploy")),
        ('FLAVOR=beta shop "x"', start("shop", environment=(("FLAVOR", "beta"),), message="x")),
        ('shop NOTE="two words" deploy', start("shop", "deploy", environment=(("NOTE", "two words"),))),
        ("shop A=1 B=2 A=3", start("shop", environment=(("A", "3"), ("B", "2")))),
        ('shop A= B=""', start("shop", environment=(("A", ""), ("B", "")))),
        ("shop A=b=c:d|e,f'g\\", start("shop", environment=(("A", "b=c:d|e,f'g\\"),))),
        ('shop A="say \\"hi\\" c:\\dir"', start("shop", environment=(("A", 'say "hi" c:\\dir'),))),
        ("shop it's", start("shop", "it's")),
        ("shop message:'it's done'", start("shop", message="it's done")),
        ('shop "unclosed', start("shop", '"unclosed')),
        ('shop "', start("shop", '"')),
        ('shop "" deploy', start("shop", "deploy")),
        (
            "shop workflow:deploy branch:main tag:v1 commit:a1b2c3d",
            start("shop", workflow="deploy", branch="main", tag="v1", commit="a1b2c3d"),
        ),
        ("app:shop pipeline:nightly main", start("main", app="shop", pipeline="nightly")),
        ("w:deploy b:main m:note", start(workflow="deploy", branch="main", message="note")),
        ('app:"iOS Shop" Workflow:deploy', start(app="iOS Shop", workflow="deploy")),
        ("workflow: deploy branch: main", start(workflow="deploy", branch="main")),
        ("branch:main branch:other", start(branch="other")),
        ('branch:""', start()),
        ("shop message: try the new login", start("shop", message="try the new login")),
        ('shop message: "try it" main', start("shop", "main", message="try it")),
        ("shop env[A]:1 env[B]: two words", start("shop", environment=(("A", "1"), ("B", "two words")))),
        ("https://app.bitrise.io/app/0f3e1d2c4b5a6978 deploy", start("0f3e1d2c4b5a6978", "deploy")),
        ("shop fix/#12", start("shop", "fix/#12")),
    ],
)
def test_a_start_in_our_words(text: str, arguments: StartArguments) -> None:
    assert parse_start(text) == arguments


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (
            "workflow: deploy|branch: main|env[K]: v|message: x|tag: t|commit: c",
            start(workflow="deploy", branch="main", tag="t", commit="c", message="x", environment=(("K", "v"),)),
        ),
        (
            "w:deploy|b:main|t:v1|c:a1b|m:hi",
            start(workflow="deploy", branch="main", tag="v1", commit="a1b", message="hi"),
        ),
        ("workflow:deploy|branch:main", start(workflow="deploy", branch="main")),
        (" workflow : deploy | branch : main ", start(workflow="deploy", branch="main")),
        ("|workflow: deploy||branch: main|", start(workflow="deploy", branch="main")),
        ("shop workflow: deploy|branch: main", start("shop", workflow="deploy", branch="main")),
        ('"iOS Shop" workflow: deploy|branch: main', start("iOS Shop", workflow="deploy", branch="main")),
        ("app: iOS Shop|workflow: deploy", start(app="iOS Shop", workflow="deploy")),
        ("shop deploy branch: main|tag: v1", start("shop", "deploy", branch="main", tag="v1")),
        ("pipeline: nightly|branch: main", start(pipeline="nightly", branch="main")),
        ('branch: main|message: a: "b" c', start(branch="main", message='a: "b" c')),
        ("branch: main|ENV[A]: x=1|env[ B ]:", start(branch="main", environment=(("A", "x=1"), ("B", "")))),
        ("branch: main|env[A]: 1|env[A]: 2", start(branch="main", environment=(("A", "2"),))),
        ("branch: main|b: other", start(branch="main")),
        ("b: other|branch: main", start(branch="main")),
        ("b: other|branch: |w: x", start(branch="other", workflow="x")),
        ("branch: main", start(branch="main")),
        ("message: several words", start(message="several words")),
        ("shop branch:main FILTER=a|b", start("shop", branch="main", environment=(("FILTER", "a|b"),))),
        ('shop branch:main "either | or"', start("shop", branch="main", message="either | or")),
    ],
)
def test_a_start_in_the_words_of_bitrise(text: str, arguments: StartArguments) -> None:
    assert parse_start(text) == arguments


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        ("workflow: a|broonch: b", "`broonch:`", "`branch:`"),
        ("workflow: a|colour: b", "`colour:`", "`workflow`"),
        ("branch: a|foo[K]: b", "`foo[K]:`", "`env[NAME]`"),
        ("branch: a|main", "`main`", "`branch: main`"),
        ("shop broonch:main", "`broonch:`", "`branch:`"),
        ("shop branch:", "`branch:`", "after the colon"),
        ("shop 1A=b", "`1A`", "letters, digits"),
        ("branch: a|env[two words]: b", "`two words`", "letters, digits"),
        ("shop BUILDBELL_REQUEST=x", "`BUILDBELL_REQUEST`", "another name"),
        ("shop buildbell_x=x", "`buildbell_x`", "another name"),
        ("shop deploy main more", "`more`", "in quotes"),
        ('shop deploy "not closed at all', "`closed`", "each quote is closed"),
        ("app:shop deploy main more", "`more`", "in quotes"),
        ('shop "one" "two"', "`two`", "`workflow:…`"),
        ("shop workflow:a pipeline:b", "a pipeline", "leave one out"),
        ("shop --branch main", "`--branch`", "`branch:main`"),
        ("shop —branch main", "`--branch`", "`branch:main`"),
        ("shop https://ci.example.com/x", "`https://ci.example.com/x`", "address"),
        (f"shop deploy https://app.bitrise.io/build/{SLUG}", "page of a build", "alone"),
        ("x" * 3_001, "3,001 characters", "form"),
    ],
)
def test_what_is_unclear_is_said_with_a_way_out(text: str, problem: str, hint: str) -> None:
    unclear = refusal(text)
    assert problem in unclear.problem
    assert hint in unclear.hint
    assert unclear.sentence == f"{unclear.problem} {unclear.hint}"
    assert isinstance(unclear, BuildbellError)


def test_what_was_typed_is_shown_short_and_pings_nobody() -> None:
    sentence = refusal(f"a b c &lt;!channel&gt;`{'x' * 500}").sentence
    assert "<" not in sentence
    assert sentence.count("`") == 4
    assert len(sentence) < 300


def test_three_thousand_characters_are_read_however_slack_escapes_them() -> None:
    text = f'shop A="{"&" * 2_991}"'
    assert len(text) == 3_000
    assert parse_start(escaped(text)).environment == (("A", "&" * 2_991),)


def test_words_stand_for_what_was_not_named() -> None:
    assert parse_start("shop deploy main").placed() == start(app="shop", workflow="deploy", branch="main")
    assert parse_start("shop main workflow:x").placed() == start(app="shop", branch="main", workflow="x")
    assert parse_start("main app:shop pipeline:x").placed() == start(app="shop", branch="main", pipeline="x")


def test_a_form_gives_one_variable_per_line() -> None:
    assert environment_lines("A=1\r\n\n  B = “two”  \nA=3=4") == (("A", "3=4"), ("B", "“two”"))
    for text, problem in [("A", "`A`"), ("A=1\nB C=2", "`B C`"), ("BUILDBELL_X=1", "BUILDBELL_X")]:
        with pytest.raises(ArgumentsUnclear, match=problem):
            environment_lines(text)


# Slack's escapes and phones.


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
def test_what_slack_and_phones_do_is_undone(sent: str, plain: str) -> None:
    assert read(sent).text == plain


def test_a_person_in_the_text_is_known() -> None:
    words = read("list by:<@U012AB|ana> <@U7|Ana Diaz>")
    assert words.mentions == (UserMention("U012AB", "ana"), UserMention("U7", "Ana Diaz"))
    assert words.mention("@ana") == UserMention("U012AB", "ana")
    assert words.mention("@U7") == UserMention("U7", "Ana Diaz")
    assert words.mention("@bo") is None


PIECES = st.sampled_from(
    [
        *(
            "shop",
            "deploy",
            "release/3.2",
            "#812",
            "812",
            '"two words"',
            "'a b'",
            'A="b c"',
            "B=it's",
            "x--y",
            "--",
            "-x",
        ),
        *(
            "workflow:a",
            "branch: main",
            "message: hi & <b> c",
            "a|b: c",
            "|",
            '"',
            "'",
            "a&b",
            "<",
            ">",
            "a<b",
            "\\",
            '\\"',
        ),
    ]
)
TYPED = st.lists(st.one_of(PIECES, st.text(st.characters(codec="ascii"), max_size=6)), max_size=12).map(" ".join)


def outcome_of_reading(text: str) -> object:
    try:
        asked = parse(text, VERBS)
        return asked.verb, [(word.text, word.quoted) for word in asked.words.words], parse_start(text)
    except ArgumentsUnclear as unclear:
        return unclear.sentence


@given(TYPED, st.randoms(use_true_random=False))
def test_phone_typography_changes_nothing(text: str, chance: random.Random) -> None:
    forms = {'"': '"“”„«»', "'": "'‘’", " ": " \u00a0\u2009"}
    typed = "".join(chance.choice(forms.get(ch, ch)) + chance.choice(["", "", "\u200b"]) for ch in text)
    assert outcome_of_reading(typed.replace("--", "—")) == outcome_of_reading(text)


@given(TYPED)
def test_slacks_escaping_changes_nothing(text: str) -> None:
    assume(read(text).text == text.strip())  # else the typed text holds an escape itself
    assert outcome_of_reading(escaped(text)) == outcome_of_reading(text)


@given(st.sampled_from(["build/", "app/0f3e1d2c4b5a6978/build/"]), st.booleans())
def test_an_address_made_a_link_changes_nothing(path: str, has_label: bool) -> None:
    url = f"https://app.bitrise.io/{path}{SLUG}?tab=log&step=2"
    link = f"<{escaped(url)}|{escaped(url)}>" if has_label else f"<{escaped(url)}>"
    assert parse_build(f"shop {link} x") == parse_build(f"shop {url} x")


READERS = [parse_start, parse_build, parse_list, parse_abort, environment_lines, lambda text: parse(text, VERBS)]
ANY_TEXT = st.one_of(st.text(), TYPED, st.lists(st.one_of(PIECES, st.text(max_size=5))).map("".join))


@given(ANY_TEXT)
def test_no_text_breaks_a_reader(text: str) -> None:
    for reader in READERS:
        try:
            result: object = reader(text)
        except ArgumentsUnclear as unclear:
            result = unclear.hint
        assert result is not None


@given(ANY_TEXT)
def test_no_invisible_or_typographic_character_gets_through(text: str) -> None:
    plain = read(text).text
    assert not any(unicodedata.category(ch) in ("Cc", "Cs", "Zl", "Zp") for ch in plain)
    assert not set(plain) & set("“”„«»‘’–—\u00a0\u200b\u202e\ufeff")


@pytest.mark.parametrize(
    "text", ['"a ' * 1_000, '\\" ' * 1_000, '"' + "\\" * 2_999, "a:" * 1_500, "a[" * 1_500, "<" * 3_000]
)
def test_awkward_texts_are_read_too(text: str) -> None:
    assert read(text).text == text.strip()
    for reader in READERS:
        try:
            assert reader(text) is not None
        except ArgumentsUnclear as unclear:
            assert len(unclear.sentence) < 400


# Writing it down again.

PLAIN = st.text(
    st.characters(exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" \\\"'|:=#-", exclude_characters="“”„‟«»″‘’‚‛′–‐‑‒−—―"),
    max_size=20,
)  # fmt: skip
PART = PLAIN.filter(bool)
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@st.composite
def starts(draw: st.DrawFn) -> StartArguments:
    """Any start that can be asked for, in a form or by a command."""
    kind = draw(st.sampled_from(["workflow", "pipeline", None]))
    named = {key: draw(st.none() | PART) for key in ("app", "branch", "tag", "commit", *([kind] if kind else []))}
    places = 3 - sum(named.get(key) is not None for key in ("app", "branch", "workflow", "pipeline"))
    return StartArguments(
        words=tuple(draw(st.lists(PART.filter(str.strip), max_size=places))),
        environment=tuple(draw(st.dictionaries(NAMES, PLAIN, max_size=3)).items()),
        message=draw(st.none() | PART.filter(str.strip)),
        **named,  # type: ignore[arg-type]
    )


@given(starts(), st.data())
def test_a_start_can_be_written_down_and_typed_again(arguments: StartArguments, data: st.DataObject) -> None:
    verbs = data.draw(st.sampled_from([VERBS, frozenset({word.lower() for word in arguments.words[:1]})]))
    asked = parse(escaped(format_start(arguments, verbs)), verbs)
    assert asked.verb == (NOTHING if arguments == StartArguments() else START)
    assert parse_start(asked.words).placed() == arguments.placed()


@given(TYPED)
def test_what_was_understood_once_is_understood_again(text: str) -> None:
    try:
        arguments = parse_start(text)
    except ArgumentsUnclear:
        assume(False)
        return
    assert parse_start(escaped(format_start(arguments))).placed() == arguments.placed()


def test_a_start_is_written_as_a_person_would() -> None:
    text = 'shop deploy release/3.2 FLAVOR=beta "try the new login"'
    assert format_start(parse_start(text)) == text
    assert format_start(start(app="iOS Shop", workflow="deploy", message="hi")) == 'app:"iOS Shop" workflow:deploy "hi"'
    assert format_start(start(message="hi")) == 'message:"hi"'
    assert format_start(start("status"), VERBS) == '"status"'


@given(PLAIN)
def test_quotes_keep_everything(text: str) -> None:
    (word,) = split(quote(text))
    assert (word.text, word.quoted) == (text, True)


# A build.

PAGE = f"https://app.bitrise.io/build/{SLUG}"
PIPELINE_PAGE = f"https://app.bitrise.io/app/0f3e1d2c4b5a6978/pipelines/{UUID}"


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("", BuildArguments()),
        ("shop", BuildArguments("shop")),
        ("app:shop", BuildArguments("shop")),
        ('"iOS Shop"', BuildArguments("iOS Shop")),
        ("shop #812", BuildArguments("shop", 812)),
        ("shop 812", BuildArguments("shop", 812)),
        ("shop#812", BuildArguments("shop", 812)),
        ("shop #812: because", BuildArguments("shop", 812, rest="because")),
        ("shop <#C1|812>", BuildArguments("shop", 812)),
        ('"iOS Shop" #812', BuildArguments("iOS Shop", 812)),
        ("iOS Shop Beta #812 x", BuildArguments("iOS Shop Beta", 812, rest="x")),
        ("app:shop #812", BuildArguments("shop", 812)),
        ('app:"iOS Shop" 812', BuildArguments("iOS Shop", 812)),
        ("#812", BuildArguments(number=812)),
        ("812", BuildArguments(number=812)),
        ("812 hangs", BuildArguments(number=812, rest="hangs")),
        ("2048 #3", BuildArguments("2048", 3)),
        ("2048 3", BuildArguments("2048", 3)),
        ("shop 812 like #811", BuildArguments("shop", 812, rest="like #811")),
        ('#812 "two  words"', BuildArguments(number=812, rest="two  words")),
        ('#812 say "two  words"', BuildArguments(number=812, rest='say "two  words"')),
        ("shop hangs", BuildArguments("shop", rest="hangs")),
        (SLUG, BuildArguments(slug=SLUG)),
        (f"shop {UUID}", BuildArguments("shop", slug=UUID)),
        (PAGE, BuildArguments(slug=SLUG, url=PAGE)),
        (f"<{PAGE}|this build> why", BuildArguments(slug=SLUG, url=PAGE, rest="why")),
        (f"{PAGE}?tab=log#x", BuildArguments(slug=SLUG, url=f"{PAGE}?tab=log#x")),
        (f"{PAGE}/.", BuildArguments(slug=SLUG, url=f"{PAGE}/")),
        (f"shop {PAGE}", BuildArguments("shop", slug=SLUG, url=PAGE)),
        (PIPELINE_PAGE, BuildArguments("0f3e1d2c4b5a6978", pipeline=UUID, url=PIPELINE_PAGE)),
        ("https://app.bitrise.io/app/0f3e1d2c4b5a6978", BuildArguments("0f3e1d2c4b5a6978", url="https://app.bitrise.io/app/0f3e1d2c4b5a6978")),
        (f"<http://app.bitrise.io/build/{SLUG}|app.bitrise.io/build/{SLUG}>", BuildArguments(slug=SLUG, url=f"app.bitrise.io/build/{SLUG}")),
        (f"http://127.0.0.1:8080/build/{SLUG}", BuildArguments(slug=SLUG, url=f"http://127.0.0.1:8080/build/{SLUG}")),
    ],
)  # fmt: skip
def test_a_build_is_named_in_many_ways(text: str, build: BuildArguments) -> None:
    assert parse_build(text) == build


@pytest.mark.parametrize("text", ["https://ci.example.com/job/7", "https://app.bitrise.io", "#99999999999"])
def test_what_is_no_build_is_said(text: str) -> None:
    with pytest.raises(ArgumentsUnclear, match="is no"):
        parse_build(text)


# A list.


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", ListArguments()),
        ("shop", ListArguments(words=("shop",))),
        ('"iOS Shop" deploy main', ListArguments(words=("iOS Shop", "deploy", "main"))),
        ("shop failed", ListArguments(words=("shop",), outcome=Outcome.FAILED)),
        ('"failed"', ListArguments(words=("failed",))),
        ("running app:shop", ListArguments(app="shop", state=State.RUNNING)),
        (
            "workflow:deploy b:main outcome:Green",
            ListArguments(workflow="deploy", branch="main", outcome=Outcome.SUCCEEDED),
        ),
        ("status:on-hold", ListArguments(state=State.QUEUED)),
        ("cause:PR page:3", ListArguments(cause=Cause.PULL_REQUEST, page=3)),
        ("cause:schedule branch:", ListArguments(cause=Cause.SCHEDULE)),
        ("by:<@U012AB|ana>", ListArguments(by=UserMention("U012AB", "ana"))),
        ("by:octocat", ListArguments(by="octocat")),
    ],
)
def test_a_list_is_filtered(text: str, arguments: ListArguments) -> None:
    assert parse_list(text) == arguments


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("outcome:faild", "Did you mean `failed`"),
        ("cause:xyz", "`pull-request`"),
        ("werkflow:x", "Did you mean `workflow`"),
        ("page:0", "from 1 to"),
        ("page:x", "from 1 to"),
        ("page:²", "from 1 to"),
        ("a b c d", "`d`"),
    ],
)
def test_an_unknown_filter_is_said(text: str, sentence: str) -> None:
    with pytest.raises(ArgumentsUnclear, match=sentence):
        parse_list(text)


# An abort.

SHOP_812 = BuildArguments("shop", 812)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", AbortArguments()),
        ("shop #812", AbortArguments(SHOP_812)),
        ("shop #812 wrong commit, sorry", AbortArguments(SHOP_812, sentence="wrong commit, sorry")),
        ("shop 812 see branch:main and #811", AbortArguments(SHOP_812, sentence="see branch:main and #811")),
        ('shop #812 "two words"', AbortArguments(SHOP_812, sentence="two words")),
        ("shop #812 stuck", AbortArguments(SHOP_812, category=Reason.STUCK)),
        ("shop #812 Saving credits.", AbortArguments(SHOP_812, category=Reason.SAVING_CREDITS)),
        ("shop #812 wrong branch or workflow", AbortArguments(SHOP_812, category=Reason.WRONG_TARGET)),
        ("shop #812 [stuck] for an hour", AbortArguments(SHOP_812, category=Reason.STUCK, sentence="for an hour")),
        ("shop #812 [APP-7] x", AbortArguments(SHOP_812, sentence="[APP-7] x")),
        ("shop #812 reason:duplicate of #811", AbortArguments(SHOP_812, category=Reason.DUPLICATE, sentence="of #811")),
        ("shop branch:main", AbortArguments(BuildArguments("shop"), branch="main")),
        ("shop b:main w:deploy old", AbortArguments(BuildArguments("shop"), "main", "deploy", sentence="old")),
        ("branch:main app:shop old", AbortArguments(BuildArguments("shop"), "main", sentence="old")),
        ("branch:main 3 times flaky", AbortArguments(branch="main", sentence="3 times flaky")),
        (f"{PAGE} x", AbortArguments(BuildArguments(slug=SLUG, url=PAGE), sentence="x")),
    ],
)
def test_an_abort_says_what_and_why(text: str, arguments: AbortArguments) -> None:
    assert parse_abort(text) == arguments


def test_an_unknown_category_is_said() -> None:
    with pytest.raises(ArgumentsUnclear, match="Did you mean `wrong-target`"):
        parse_abort("shop #812 reason:wrong-targt")


# Names.

NAMES_KNOWN = ["iOS Shop", "android-shop", "Shop Admin", "shop", "release/3.2", "newLogin"]


@pytest.mark.parametrize(
    ("query", "found", "only"),
    [
        ("shop", ["shop", "Shop Admin", "iOS Shop", "android-shop"], "shop"),
        ("SHOP", ["shop", "Shop Admin", "iOS Shop", "android-shop"], "shop"),
        ("ios", ["iOS Shop"], "iOS Shop"),
        ("sh", ["Shop Admin", "shop", "iOS Shop", "android-shop"], None),
        ("rel 3", ["release/3.2"], "release/3.2"),
        ("login", ["newLogin"], "newLogin"),
        ("ogi", ["newLogin"], None),
        ("relaese/3.2", ["release/3.2"], None),
        ("nothing like it", [], None),
        ("", NAMES_KNOWN, None),
    ],
)
def test_names_are_found_best_first(query: str, found: list[str], only: str | None) -> None:
    assert rank(query, NAMES_KNOWN) == found
    assert only_match(query, NAMES_KNOWN) == only


def test_an_exact_name_wins_over_one_in_other_letters() -> None:
    assert rank("Shop", ["shop", "Shop"]) == ["Shop", "shop"]
    assert only_match("Shop", ["shop", "Shop"]) == "Shop"
    assert only_match("SHOP", ["shop", "Shop"]) is None


@given(st.lists(st.text(min_size=1, max_size=12), max_size=8), st.text(max_size=8), st.data())
def test_every_name_answers_to_itself_first(names: list[str], other: str, data: st.DataObject) -> None:
    assert set(rank(other, names)) <= set(names)
    if known := [name for name in names if name == name.strip()]:
        name = data.draw(st.sampled_from(known))
        assert rank(name, names)[0] == name
        assert only_match(name, names) == name


@pytest.mark.parametrize(
    ("typed", "meant"), [("statsu", "status"), ("ABORT", "abort"), ("abrot", "abort"), ("xyz", None), ("", None)]
)
def test_a_misspelt_verb_is_recognised(typed: str, meant: str | None) -> None:
    assert nearest(typed, VERBS) == meant
