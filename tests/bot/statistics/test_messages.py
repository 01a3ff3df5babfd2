"""Messages of statistics: true sentences, blocks that Slack accepts, the same in plain text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import ViewExpired
from bot.slack.charts import pie, plain_table
from bot.slack.fallback import without_new_blocks
from bot.slack.text import Message
from bot.statistics.messages import BY_REASON, DETAILS, StatsPage, read_stats_page, stats_message
from bot.statistics.queries import Cost, Counts, Interval, Percentiles, Stats, StatsQuery, Workflow
from bot.statistics.text import headline, meanings_view, share
from playground.slack.validation import check_blocks
from storage.statistics import FlakyCommit

NOON = datetime(2026, 8, 7, 12, tzinfo=UTC)
TITLES = {"a1": "iOS Shop", "a2": "Android <!channel> Shop"}
Seen = Callable[[Message], str]


def interval(since: datetime, counts: Counts, days: int = 3) -> Interval:
    return Interval(since, since + timedelta(days=days), counts)


def stats(**changes: Any) -> Stats:
    since = NOON - timedelta(days=30)
    facts: dict[str, Any] = {
        "query": StatsQuery("a1"), "since": since, "until": NOON,
        "counts": Counts(176, 11, 23, 41), "before": Counts(90, 10, 4, 2),
        "run": Percentiles(425, 600, 176), "run_before": Percentiles(500, 700, 90), "queue": Percentiles(20, 95, 240),
        "costs": {"failed": Cost(3_600, 40), "aborted": Cost(1_200, 0), "succeeded": Cost(99_999, 999)},
        "reasons": [("superseded", 40), ("rolling-build", 20), (None, 4)],
        "apps": {"a1": Counts(176, 11, 23, 41)},
        "workflows": [Workflow("a1", "deploy", 100, 1, 840), Workflow("a1", "test", 76, 10, 300)],
        "flaky": [FlakyCommit("a1", "test", "a1b2c3d4e5", 2)],
        "intervals": [interval(since + timedelta(days=3 * place), Counts(17, 1, 2, 4)) for place in range(10)],
    }  # fmt: skip
    return Stats(**(facts | changes))


def drawn(told: Stats, by: str | None = None) -> Message:
    return stats_message(told, StatsPage(told.query, by), TITLES)


def test_what_is_counted_and_what_is_left_out(seen: Seen) -> None:
    assert seen(drawn(stats())).splitlines()[:2] == [
        "*iOS Shop, last 30 days*",
        "*94.1% success* (176 of 187) · ▲ 4.1 pts vs previous 30 days",
    ]
    assert "Not counted: 23 aborted, 41 skipped." in seen(drawn(stats()))


def test_what_stands_out(seen: Seen) -> None:
    lines = seen(drawn(stats(), DETAILS)).splitlines()
    assert lines[-7:-3] == [
        "*Time spent on unsuccessful builds:* failed 60 min (40 credits), aborted 20 min.",
        "*Slowest (median):* `deploy` 14 min · `test` 5 min",
        "*Most failures:* `test` 10 of 86 (11.6%) · `deploy` 1 of 101 (1%)",
        "*Flaky:* 1 commit failed and also passed without changes: `a1b2c3d` in `test`",
    ]


def test_of_all_apps_each_workflow_names_its_own(seen: Seen) -> None:
    told = seen(drawn(stats(query=StatsQuery(), workflows=[Workflow("a2", "test", 1, 1, 60)]), DETAILS))
    assert "Android &lt;!channel&gt; Shop `test` 1 min" in told


@pytest.mark.parametrize(
    ("by", "parts"),
    [
        (None, ("94.1%", "176 of 187", "23", "41")),
        (DETAILS, ("94.1%", "7 min", "23", "41")),
        (BY_REASON, ("64", "44 by people, 20 automatically", "replaced by a rolling build", "62.5%")),
    ],
)
def test_the_text_alone_says_it_too(by: str | None, parts: tuple[str, ...]) -> None:
    assert [part for part in parts if part not in drawn(stats(), by).text] == []


def test_where_new_blocks_are_refused_the_text_and_the_buttons_stay(seen: Seen) -> None:
    message = drawn(stats())
    plainer = without_new_blocks(message)
    assert plainer is not None
    assert [block["type"] for block in plainer.blocks] == ["section", "actions"]
    assert plainer.blocks[0]["text"]["text"] == message.text
    assert seen(plainer)
    assert without_new_blocks(plainer) is None


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (None, "–"), (0.0, "0%"), (1.0, "100%"), (0.9999, "99.9%"), (0.0001, "0.1%"), (0.941, "94.1%"),
        (2 / 3, "66.7%"), (0.75, "75%"),
    ],
)  # fmt: skip
def test_only_all_is_all_and_only_nothing_is_nothing(part: float | None, told: str) -> None:
    assert share(part) == told


def test_without_a_build_that_finished_there_is_no_rate() -> None:
    assert headline(stats(counts=Counts(aborted=2))) == "No build succeeded or failed\nNot counted: 2 aborted."


def test_nothing_at_all(seen: Seen) -> None:
    empty = stats(counts=Counts(), intervals=[], workflows=[], flaky=[], costs={}, reasons=[], run=None, queue=None)
    assert "No builds finished." in seen(drawn(empty))
    assert "94.1" not in drawn(empty).text
    assert "No builds were stopped." in seen(drawn(empty, BY_REASON))


# Whatever is counted and whatever things are called, Slack takes the message.

names = st.text(min_size=1, max_size=99)
whole = st.integers(0, 10**7)
counts = st.builds(Counts, whole, whole, whole, whole)
spreads = st.none() | st.builds(Percentiles, st.floats(0, 1e7), whole, st.integers(1, 10**6))
workflows = st.builds(Workflow, names, st.none() | names, whole, st.integers(1, 99), st.floats(0, 1e6))
anything = st.builds(
    stats,
    query=st.builds(StatsQuery, st.none() | st.just("a1"), st.integers(1, 200), *[st.none() | names] * 3),
    counts=counts,
    before=counts,
    run=spreads,
    run_before=spreads,
    queue=spreads,
    reasons=st.lists(st.tuples(st.none() | names, st.integers(1, 10**6)), max_size=14, unique_by=lambda each: each[0]),
    workflows=st.lists(workflows, max_size=6),
    flaky=st.lists(st.builds(FlakyCommit, names, names, names, whole), max_size=4),
    apps=st.dictionaries(names, counts, max_size=6),
)


@settings(max_examples=25)
@given(anything, st.sampled_from((None, BY_REASON)))
def test_slack_takes_every_message(told: Stats, by: str | None) -> None:
    message = drawn(told, by)
    payload = json.loads(json.dumps(message.to_payload()))
    assert check_blocks(payload["blocks"], "message") == []
    plainer = without_new_blocks(message)
    assert plainer is None or check_blocks(json.loads(json.dumps(plainer.to_payload()))["blocks"], "message") == []
    assert "<" not in payload["text"]


def buttons(message: Message) -> Iterator[tuple[str, str]]:
    for block in message.blocks:
        if block["type"] == "actions":
            yield from ((each["text"]["text"], each["value"]) for each in block["elements"])


def test_each_button_is_the_same_question_changed_in_one_point() -> None:
    query = StatsQuery("a1", 30, branch="fix/ü")
    pages = {
        label: read_stats_page(value)
        for label, value in buttons(drawn(stats(query=query), DETAILS))
        if label != "About these stats"
    }
    assert pages == {
        "7 days": StatsPage(replace(query, days=7), DETAILS),
        "90 days": StatsPage(replace(query, days=90), DETAILS),
        "Summary": StatsPage(query),
        "Stop reasons": StatsPage(query, BY_REASON),
        "deploy": StatsPage(replace(query, workflow="deploy"), DETAILS),
        "test": StatsPage(replace(query, workflow="test"), DETAILS),
        "All apps": StatsPage(replace(query, app_slug=None), DETAILS),
        "Export CSV": StatsPage(query),
    }


def test_first_page_is_a_headline_a_chart_and_one_row_of_buttons() -> None:
    message = drawn(stats())
    assert [block["type"] for block in message.blocks] == ["section", "data_visualization", "actions"]
    assert [label for label, _ in buttons(message)] == ["Details", "Stop reasons", "7 days", "90 days"]


@given(st.text() | st.just('{"days": "x"}') | st.just("[1]") | st.just('{"days": null}'))
def test_a_question_that_is_not_ours_is_refused(value: str) -> None:
    with pytest.raises(ViewExpired):
        read_stats_page(value)


def test_more_than_six_pieces_become_one() -> None:
    chart = pie("Reasons", [(f"reason {place}", 10 - place) for place in range(9)])
    assert chart is not None
    segments: Any = chart["chart"]["segments"]
    assert [each["value"] for each in segments] == [10, 9, 8, 7, 6, 14]
    assert [each["label"] for each in segments][::5] == ["reason 0 10", "other 14"]
    assert pie("Nothing", [("a", 0)]) is None


def charts(message: Message) -> list[Any]:
    return [block["chart"] for block in message.blocks if block["type"] == "data_visualization"]


def test_series_of_zeros_are_left_out_and_each_names_its_value() -> None:
    since = NOON - timedelta(days=30)
    intervals = [interval(since + timedelta(days=3 * place), Counts(1_000, place % 2, 0, 0)) for place in range(10)]
    (chart,) = charts(drawn(stats(intervals=intervals)))
    assert [series["name"] for series in chart["series"]] == ["Failed 5", "Succeeded 10,000"]


def test_one_chart_shows_the_results() -> None:
    (bar,) = charts(drawn(stats()))
    (pie_chart,) = charts(drawn(stats(intervals=stats().intervals[:1])))
    assert [bar["type"], pie_chart["type"]] == ["bar", "pie"]
    order = ["Failed", "Succeeded", "Aborted", "Skipped"]
    assert [each["name"].split()[0] for each in bar["series"]] == order
    assert [each["label"].split()[0] for each in pie_chart["segments"]] == order
    assert [each["label"] for each in pie_chart["segments"]][:2] == ["Failed 11", "Succeeded 176"]


PALETTES = {
    "D3 and Matplotlib": ("blue", "orange", "green", "red"),
    "Google": ("blue", "red", "yellow", "green"),
    "ECharts and the practice page": ("blue", "green", "yellow", "red"),
    "Highcharts": ("blue", "black", "green", "orange"),
    "Chart.js": ("blue", "pink", "orange", "yellow"),
}


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
@pytest.mark.parametrize("zeros", [(), (1,), (2,), (3,), (1, 2, 3)])
def test_failures_are_never_green(palette: tuple[str, ...], zeros: tuple[int, ...]) -> None:
    """``zeros`` are the outcomes without a build: succeeded, aborted, skipped."""
    succeeded, aborted, skipped = (0 if place in zeros else 7 for place in (1, 2, 3))
    intervals = [interval(NOON, Counts(succeeded, 3, aborted, skipped))] * 2
    (chart,) = charts(drawn(stats(intervals=intervals)))
    colors = {series["name"].split()[0]: palette[place] for place, series in enumerate(chart["series"])}
    assert colors["Failed"] != "green"


def test_a_long_label_keeps_its_value() -> None:
    chart = pie("Reasons", [("replaced by a rolling build", 1_234), ("superseded by a newer one", 20)])
    assert chart is not None
    segments: Any = chart["chart"]["segments"]
    assert [each["label"] for each in segments] == ["replaced by a… 1,234", "superseded by a… 20"]
    assert all(len(each["label"]) <= 20 for each in segments)


def test_a_plain_table_holds_no_mention_and_ends_no_code_block() -> None:
    assert plain_table([("Why", "builds"), ("<!channel> ```", "1")]).splitlines()[2] == "&lt;!channel&gt; '''       1"


def test_a_plain_table_is_aligned() -> None:
    rows = [("", "now"), ("Failed", "3"), ("A", "1,000")]
    assert plain_table(rows).splitlines() == ["```", "          now", "Failed      3", "A       1,000", "```"]


def test_the_definitions_fit_a_modal(seen_view: Callable[[dict[str, Any]], str]) -> None:
    assert "Success rate" in seen_view(meanings_view())
