"""The journal, faults and hooks that both practice servers share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from playground.wire import Entry, Fault, Faults, Hooks, Journal

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def entry(name: str, request: Mapping[str, Any], response: Mapping[str, Any] | None = None) -> Entry:
    return Entry(NOON, "in", "http", name, request, response or {"status": 200})


def test_a_dump_reads_in_order() -> None:
    journal = Journal()
    journal.add(entry("first", {"path": "/a"}))
    journal.add(entry("second", {"path": "/b"}))
    assert journal.dump().splitlines() == [
        "2026-03-02T12:00:00.000+00:00 -> http first",
        '    asked: {"path": "/a"}',
        '    got: {"status": 200}',
        "2026-03-02T12:00:00.000+00:00 -> http second",
        '    asked: {"path": "/b"}',
        '    got: {"status": 200}',
    ]


@pytest.mark.parametrize(
    "request_facts",
    [
        {"headers": {"Authorization": "anything"}},
        {"body": [{"token": "anything"}]},
        {"text": "my bitpat_anything is here"},
        {"text": "xoxb-1-anything"},
        {"text": "xapp-1-anything"},
        {"text": "the sesame is anything"},
    ],
)
def test_secrets_are_stars(request_facts: Mapping[str, Any]) -> None:
    journal = Journal()
    journal.hide("sesame is anything")
    journal.add(entry("call", request_facts))
    assert "anything" not in journal.dump()
    assert "****" in journal.dump()
    assert [each.request for each in journal] == [request_facts]


def test_entries_are_found_by_name() -> None:
    journal = Journal()
    for name in ("builds.get", "builds.list", "me"):
        journal.add(entry(name, {}))
    assert [each.name for each in journal.named("builds.*")] == ["builds.get", "builds.list"]


def test_a_limit_forgets_the_oldest() -> None:
    journal = Journal(limit=2)
    for name in ("a", "b", "c"):
        journal.add(entry(name, {}))
    assert [each.name for each in journal] == ["b", "c"]


def test_faults_are_counted_and_come_in_order() -> None:
    faults = Faults()
    first, second = Fault("chat.*", times=2), Fault("chat.update", skip=1)
    faults.add(first)
    faults.add(second)
    assert [faults.take("chat.update") for _ in range(5)] == [first, first, None, second, None]
    assert len(faults) == 0


def test_a_fault_waits_for_its_facts() -> None:
    faults = Faults()
    faults.add(Fault("*", where={"team": "T1"}))
    assert faults.take("chat.update", team="T2") is None
    assert faults.take("chat.update", team="T1") is not None


def test_a_fault_without_times_lasts_until_cleared() -> None:
    faults = Faults()
    faults.add(Fault("*", times=None))
    assert all(faults.take("x") for _ in range(10))
    faults.clear()
    assert faults.take("x") is None


async def test_hooks_fire_at_their_point_until_removed() -> None:
    hooks, seen = Hooks(), list[str]()

    async def note(facts: Mapping[str, Any]) -> None:
        seen.append(f"{facts['name']} {facts['phase']} {facts['team']}")

    undo = hooks.on("chat.*", "accepted", note)
    await hooks.fire("chat.update", "accepted", team="T1")
    await hooks.fire("chat.update", "before", team="T1")
    await hooks.fire("views.open", "accepted", team="T1")
    undo()
    await hooks.fire("chat.update", "accepted", team="T1")
    assert seen == ["chat.update accepted T1"]
