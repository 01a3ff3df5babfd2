"""Messages about the progress of imports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.sync.import_messages import GONE, progress, progress_sentence, seconds_left
from storage.imports import DONE, FAILED, OPEN, STOPPED, ImportRow

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TITLES = {"shop": "iOS <Shop>", "droid": "Android Shop"}


def row(app_slug: str = "shop", state: str = OPEN, **more: Any) -> ImportRow:
    known: dict[str, Any] = {"updated_at": NOW, "imported_count": 1_850, "total": 4_210, "duration_ms": 90_000}
    return ImportRow("T1", app_slug, state, NOW - timedelta(days=200), "U0ANA", NOW, **known | more)


WAITING: dict[str, Any] = {"updated_at": None, "imported_count": 0, "total": None, "duration_ms": 0}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row()], "🔵 iOS &lt;Shop&gt;: 1,850 of 4,210 builds (43%), about 2 min left"),
        (
            [row(failures=1)],
            "🔵 iOS &lt;Shop&gt;: 1,850 of 4,210 builds (43%); Bitrise is busy, the import resumes automatically",
        ),
        ([row(state=DONE)], "✅ iOS &lt;Shop&gt;: 1,850 builds"),
        ([row(state=DONE, imported_count=1)], "✅ iOS &lt;Shop&gt;: 1 build"),
        ([row(state=DONE, imported_count=0)], "✅ iOS &lt;Shop&gt;: no builds"),
        ([row(state=STOPPED, error="by @bo")], "⏹️ iOS &lt;Shop&gt;: by @bo after 1,850 of 4,210 builds"),
        ([row(state=FAILED, total=None, error="<gone>")], "❌ iOS &lt;Shop&gt;: &lt;gone&gt;"),
        ([row(), row("droid", **WAITING)], "1 more app is waiting"),
        ([row(f"app{place}", DONE) for place in range(13)], "and 3 more apps"),
        ([], GONE),
    ],
)  # fmt: skip
def test_line_of_each_state(rows: list[ImportRow], told: str) -> None:
    assert told in progress(rows, TITLES, command="/build").text.splitlines()


def test_finished_import_shows_count_and_duration() -> None:
    text = progress([row(state=DONE), row("droid", DONE, imported_count=150)], TITLES, command="/build").text
    assert text.splitlines()[0] == "*Import complete*: 2,000 builds from the last 200 days, in 3 min"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(state=DONE, imported_count=1)], "*Import complete*: 1 build from the last 200 days"),
        ([row(state=DONE), row("droid", FAILED)], "*Import complete*: 3,700 builds"),
        ([row(state=FAILED, imported_count=0, error="gone")], "*Import failed*: 0 builds"),
        ([row(state=STOPPED, error="stopped by @bo")], "*Import canceled*: 1,850 builds"),
    ],
)
def test_heading_says_how_the_import_finished(rows: list[ImportRow], told: str) -> None:
    message = progress(rows, TITLES, command="/build")
    assert message.text.startswith(told)
    assert ("now included in" in str(message.blocks)) is bool(sum(each.imported_count for each in rows))


def test_remaining_time_follows_the_pace() -> None:
    assert seconds_left(row(imported_count=100, total=400, duration_ms=10_000)) == 30
    assert seconds_left(row(**WAITING)) is None


def test_sentence_names_the_current_app_and_counts_the_others() -> None:
    told = progress_sentence([row(), row("droid", **WAITING), row("third", **WAITING)], TITLES)
    assert told == (
        "Importing past builds: iOS <Shop>: 1,850 of 4,210 builds (43%), about 2 min left; 2 more apps are waiting."
    )
    assert progress_sentence([row(**WAITING)], TITLES) == "Importing past builds: iOS <Shop>: starting."
    assert progress_sentence([], TITLES) == ""
