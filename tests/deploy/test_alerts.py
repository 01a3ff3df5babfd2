"""The alerts: every metric, label and value in them is one that a bot tells."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.files import ROOT, read_yaml
from tests.world import World

(GROUP,) = read_yaml(ROOT / "deploy" / "prometheus" / "alerts.yaml")["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
METRIC = re.compile(r"\bbuildbell_\w+")
SELECTOR = re.compile(r"\b(buildbell_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)="([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")
OF_PROMETHEUS = {'up{job="buildbell"} == 0', 'absent(up{job="buildbell"})'}


def names(rules: list[dict[str, Any]]) -> set[str]:
    return {name for rule in rules for name in METRIC.findall(rule["expr"])}


async def told(world: World) -> dict[str, list[dict[str, str]]]:
    """Each name that a bot exposes once somebody has used it, with the labels of its samples."""
    await world.say("/build shop deploy main")
    url = f"http://127.0.0.1:{world.bot.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        text = await answer.text()
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def test_every_metric_is_one(world: World) -> None:
    assert names(RULES) - (await told(world)).keys() == set()


async def test_every_label_has_such_a_value(world: World) -> None:
    exposed = await told(world)
    asked = [
        (name, label, value)
        for rule in RULES
        for name, matchers in SELECTOR.findall(rule["expr"])
        for label, value in MATCHER.findall(matchers)
    ]
    assert ("buildbell_jobs", "state", "failed") in asked
    assert [each for each in asked if each[2] not in {labels.get(each[1]) for labels in exposed[each[0]]}] == []


async def test_what_is_grouped_by_is_a_label(world: World) -> None:
    exposed = await told(world)
    grouped = [(rule, label) for rule in RULES for label in GROUPED.findall(rule["expr"])]
    assert {label for _, label in grouped} == {"kind", "le"}
    for rule, label in grouped:
        assert all(label in labels for name in names([rule]) for labels in exposed[name])


def test_every_rule_is_about_us_and_says_what_to_do() -> None:
    assert {rule["expr"] for rule in RULES if not names([rule])} == OF_PROMETHEUS
    for rule in RULES:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert all(rule["annotations"][part] for part in ("summary", "description"))


@pytest.mark.parametrize("alert", [rule["alert"] for rule in RULES])
def test_the_page_says_what_to_do_about_it(alert: str) -> None:
    assert f"`{alert}`" in (ROOT / "docs" / "operating.md").read_text()
