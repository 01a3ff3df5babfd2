"""The page for operators names only what is there: commands, settings, metrics, files, places, events of the log."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from bot.__main__ import Buildbell, Keys
from bot.metrics import Metrics
from tests.deploy.files import ROOT, doors, unknown_settings

PAGE = (ROOT / "docs" / "operating.md").read_text()
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
TYPED = re.compile(r"\bbuildbell ([a-z]+)(?: ([a-z]+))?\b")
NOT_TYPED = re.compile(r"--(?:name|namespace) buildbell|exec buildbell(?= )")
"""Our name as the name of something else."""
SAID = re.compile(r'log(?:ger)?\.(?:warning|error|exception)\(\s*"([^"]+)"')
WRONG = re.compile(r'log(?:ger)?\.(?:error|exception)\(\s*"([^"]+)"')
EVENT_ROW = re.compile(r"^\| ([^|`]+) \|", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """What a heading is linked by."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere() -> None:
    links = [link for link in LINK.findall(PAGE) if not link[0].startswith("http")]
    assert len(links) > 10
    for path, anchor in links:
        target = (ROOT / "docs" / path) if path else (ROOT / "docs" / "operating.md")
        assert target.exists(), path
        if anchor:
            assert anchor in anchors(target.read_text()), anchor


def commands() -> set[str]:
    """What can be typed after ``buildbell``."""
    fields = Buildbell.model_fields.items()
    return {field.alias or name for name, field in fields} | {f"keys {name}" for name in Keys.model_fields}


def typed() -> Iterator[str]:
    """What the page has people type."""
    for code in re.findall(r"`([^`\n]+)`", PAGE) + re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for verb, noun in TYPED.findall(NOT_TYPED.sub("", code)):
            yield f"{verb} {noun}" if verb == "keys" else verb


def test_every_command_is_one() -> None:
    found = set(typed())
    assert {"run", "doctor", "copy", "migrate", "keys rotate"} <= found
    assert found - commands() == set()


def test_every_setting_is_one() -> None:
    assert unknown_settings(PAGE) == []


def test_every_metric_is_there_and_told() -> None:
    told = {name.partition("{")[0] for name in re.findall(r"^\| `(buildbell_[^`]+)`", PAGE, re.MULTILINE)}
    exposed = {family.name for family in Metrics().registry.collect()}
    counted = {name.removesuffix("_total") for name in told}
    assert counted == {name for name in exposed if "last_day" not in name}


@pytest.mark.parametrize("door", ["/healthz", "/readyz", "/metrics", "/slack/install", "/ci/skip"])
def test_doors_are_there(door: str) -> None:
    assert f"`{door}`" in PAGE
    assert door in doors()


def test_every_event_of_the_log_is_one() -> None:
    section = PAGE.partition("## Logs")[2].partition("\n## ")[0]
    events = {event.strip() for event in EVENT_ROW.findall(section)} - {"event", "---"}
    code = "".join(path.read_text() for folder in ("bot", "commands") for path in (ROOT / folder).rglob("*.py"))
    assert len(events) > 5
    assert events - set(SAID.findall(code)) == set()
    assert set(WRONG.findall(code)) - events == set()
    assert set(re.findall(r"the log: \*([^*]+)\*", PAGE)) - {"Slack refuses the bot token"} <= events
