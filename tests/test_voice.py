"""The check of the words finds what it should, and leaves code alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.voice import check_file, check_python

FORBIDDEN = (
    "a build that is no success",
    "there are no such builds",
    "everybody is told at the end",
    "you are told once",
    "Which shall run?",
    "this channel hears of builds",
    "ask whoever runs it",
    "Whatever it is",
    "not there any more",
    "Untick it",
    "goes on by itself",
    "the span before",
    "Figures of an app",
    "apps that the stored token reaches",
    "was asked for by @ada",
    "stopped and reported green",
    "report a stopped build as green",
)
FIRST_PERSON = (
    "I keep trying",
    "Sorry, I'm late",
    "We retry",
    "so we can't tell",
    "it can't reach me.",
    "on my side",
    "our fault",
    "tell us",
)
FINE = (
    "no longer, and there is no longer a build",
    "This isn't a build.",
    "A figure of speech",
    "Run `/build me` or by:me",
    "I/O failed",
    '<span class="soft">',
    "see `by itself`",
    "An app called i",
)


def phrases(source: str, name: str = "bot/example.py") -> list[str]:
    return [finding.text for finding in check_python(source, Path(name))]


@pytest.mark.parametrize("text", [*FORBIDDEN, *FIRST_PERSON])
def test_a_string_with_a_phrase_to_avoid_is_found(text: str) -> None:
    assert phrases(f"x = {text!r}")
    assert phrases(f"x = f{text + ' {y}'!r}")
    assert phrases(f"call(x, text={text + ' '!r} 'more')")


@pytest.mark.parametrize("text", FORBIDDEN)
def test_a_docstring_with_a_phrase_to_avoid_is_found(text: str) -> None:
    assert phrases(f'"""{text}"""')
    assert phrases(f'"""{text}"""', "storage/example.py")


@pytest.mark.parametrize("text", ["What it does", "Who may do it", "Whose build"])
def test_a_docstring_has_another_opening(text: str) -> None:
    assert phrases(f'"""{text}"""')
    assert not phrases(f"x = {text!r}")


@pytest.mark.parametrize("text", FINE)
def test_code_and_good_words_are_left_alone(text: str) -> None:
    assert phrases(f"x = {text!r}") == []


@pytest.mark.parametrize("text", FIRST_PERSON)
def test_people_of_the_playground_may_say_i(text: str) -> None:
    assert phrases(f"x = {text!r}", "playground/example.py") == []


@pytest.mark.parametrize("text", FORBIDDEN)
@pytest.mark.parametrize(
    "page", ["{}", "# {}\n\n```\nis no\n```", 'h("p", "{}"); // fine', "h('p', `{}`);", "<p>{}</p>"], ids=range(5)
)
def test_a_page_with_a_phrase_to_avoid_is_found(tmp_path: Path, page: str, text: str) -> None:
    path = tmp_path / ("page.js" if page.startswith("h(") else "page.md")
    path.write_text(page.format(text))
    [finding] = check_file(path)
    assert finding.text.strip(" #\N{OBJECT REPLACEMENT CHARACTER}\n") in text


def test_a_phrase_is_found_across_lines_and_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("One line.\n\nA build that is\nno success.\n")
    [finding] = check_file(path)
    assert (finding.line, finding.phrase) == (3, "is\nno")


def test_code_of_a_page_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.js"
    path.write_text('// figures\nh("span", { title: `${span(1)} ago` });\n/* is no */\n')
    assert list(check_file(path)) == []
