"""Lists that have to stay whole: each test names the entry somebody forgot."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr
from slack_bolt.kwargs_injection.async_args import AsyncArgs

from bot.manifest import EVENTS, build_manifest
from bot.settings import PREFIX, Settings, env_name
from commands.unhandled import ANYTHING
from tests.conftest import QUICK_STORIES, SLOW_FILES, SLOW_FOLDERS
from tests.voice import CHECKED, SUFFIXES, find_phrases, list_files

ROOT = Path(__file__).parents[1]
PRODUCT = ("bot", "commands", "storage")
SKIPPED = {".git", ".venv", "__pycache__", "build", "dist"}
COMMAND = "/build"
Handler = Callable[..., Any]


class Registrations:
    """Every handler with its kind and id."""

    def __init__(self, entries: Iterable[tuple[str, Any, Handler]]) -> None:
        self.entries = list(entries)

    def names(self, *kinds: str) -> set[Any]:
        return {name for kind, name, _ in self.entries if kind in kinds and name is not ANYTHING}


@pytest.fixture(scope="module")
def registered() -> Registrations:
    import commands

    return Registrations(commands.list_handlers(COMMAND))


@pytest.fixture(scope="module")
def features() -> dict[str, Any]:
    made: dict[str, Any] = build_manifest(Settings(command=COMMAND))["features"]
    return made


def test_every_command_is_in_the_manifest(registered: Registrations, features: dict[str, Any]) -> None:
    assert registered.names("command") == {command["command"] for command in features["slash_commands"]}


def test_every_shortcut_is_in_the_manifest(registered: Registrations, features: dict[str, Any]) -> None:
    in_manifest = {shortcut["callback_id"] for shortcut in features["shortcuts"]}
    assert registered.names("shortcut", "global_shortcut", "message_shortcut") == in_manifest


def test_every_event_is_in_the_manifest(registered: Registrations) -> None:
    for_many = Settings(slack_client_id="1.2", slack_client_secret=SecretStr("x"))
    subscribed = build_manifest(for_many)["settings"]["event_subscriptions"]["bot_events"]
    assert registered.names("event") == set(subscribed) > set(EVENTS)


def test_every_command_object_is_in_the_list() -> None:
    import commands
    from commands.command import Command

    defined = []
    for info in pkgutil.iter_modules(commands.__path__):
        module = importlib.import_module(f"commands.{info.name}")
        defined += [value for value in vars(module).values() if isinstance(value, Command)]
    missing = [each for each in defined if each not in commands.COMMANDS]
    assert defined
    assert missing == []


def test_no_verb_stands_for_two_commands() -> None:
    from commands import COMMANDS

    names = [name for each in COMMANDS for name in (each.name, *each.aliases) if name]
    assert len(names) == len(set(names))


def test_every_handler_parameter_is_one_that_bolt_knows(registered: Registrations) -> None:
    """Bolt fills a misspelt parameter with None, and never fills one that is keyword-only."""
    known = {*AsyncArgs.__annotations__, "args", "error", "ctx"}
    misspelt = {}
    for _kind, _what, handler in registered.entries:
        named = inspect.getfullargspec(inspect.unwrap(handler))
        if wrong := [*(set(named.args) - known - {"self"}), *named.kwonlyargs]:
            misspelt[handler.__qualname__] = wrong
    assert registered.entries
    assert misspelt == {}


# What is written down for people.


def test_every_setting_is_in_the_example_with_its_default() -> None:
    example = dotenv_values(ROOT / ".env.example")
    assert set(example) == {env_name(field) for field in Settings.model_fields}
    given = {name.removeprefix(PREFIX).lower(): value for name, value in example.items() if value}
    assert Settings(**given) == Settings()  # type: ignore[arg-type]


def test_every_setting_is_in_the_readme(readme: str) -> None:
    assert [field for field in Settings.model_fields if env_name(field) not in readme] == []


def test_every_verb_is_in_the_readme(readme: str) -> None:
    missing = [verb for verb in verbs() if not re.search(rf"`{COMMAND} {verb}\b", readme)]
    assert missing == []


def test_every_scope_is_explained_in_the_readme(readme: str) -> None:
    scopes = build_manifest(Settings())["oauth_config"]["scopes"]
    assert [scope for kind in scopes.values() for scope in kind if f"`{scope}`" not in readme] == []


@pytest.fixture
def readme() -> str:
    return (ROOT / "README.md").read_text()


def verbs() -> Iterator[str]:
    """The words after the command, from the one list that the parser reads."""
    from commands.slash import verbs as verbs_by_name

    yield from verbs_by_name()


# How it is written.


def modules(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


def test_no_module_is_longer_than_it_should_be() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules(*PRODUCT)}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_every_path_of_the_inner_loop_is_there() -> None:
    paths = (*SLOW_FOLDERS, *SLOW_FILES, *QUICK_STORIES)
    assert [path for path in paths if not (ROOT / "tests" / path).exists()] == []


def test_every_text_is_plain_english() -> None:
    files = list_files(CHECKED)
    offenders = [str(each) for each in find_phrases(files)]
    assert {path.suffix for path in files} == SUFFIXES
    assert offenders == [], "\n" + "\n".join(offenders)


DOCSTRING = re.compile(r'(?:\s|#.*\n)*r?"""\s*[^"\s]')


def test_every_module_opens_by_saying_what_room_it_is() -> None:
    found = modules(*PRODUCT, "playground", "tests")
    silent = [str(path.relative_to(ROOT)) for path in found if not DOCSTRING.match(path.read_text())]
    assert found
    assert silent == []


def test_every_module_of_the_bot_has_its_layer() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    placed = {name.strip(" ()") for layer in contract["layers"] for name in re.split("[|:]", layer)}
    found = {f"bot.{info.name}" for info in pkgutil.iter_modules([str(ROOT / "bot")])}
    assert found - placed == set()


REGISTRIES = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
]
OPTIONS = ["--" + "index-url", "--" + "extra-index-url", "--" + "find-links"]


def test_no_package_registry_is_named() -> None:
    named = []
    for path in texts():
        content = path.read_text(errors="ignore")
        named += [f"{path.relative_to(ROOT)}: {word}" for word in (*REGISTRIES, *OPTIONS) if word in content]
    assert named == []


def texts() -> Iterator[Path]:
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        is_ours = not any(part in SKIPPED or part.endswith(("_cache", ".egg-info")) for part in parts)
        if is_ours and path.is_file() and path.stat().st_size < 1_000_000:
            yield path


PAGES = [Path("README.md"), *sorted(path.relative_to(ROOT) for path in (ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_path_in_the_docs_exists(page: Path) -> None:
    paths = re.findall(r"(?<![\w./-])(?:bot|commands|storage|playground|tests)/[\w./*]*", (ROOT / page).read_text())
    assert [path for path in paths if "*" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_module_in_the_docs_exists(page: Path) -> None:
    names = re.findall(r"(?<![\w./-])(?:bot|commands|storage|playground|tests)(?:\.\w+)+", (ROOT / page).read_text())
    assert [name for name in names if not is_module(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_in_the_docs_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s:]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    assert [link for link in links if not (ROOT / page.parent / link).exists()] == []


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def test_every_column_for_other_programs_is_explained() -> None:
    from storage.statistics import FACT_COLUMNS

    page = (ROOT / "docs" / "metrics.md").read_text()
    assert [column for column in FACT_COLUMNS if f"`{column}`" not in page] == []
