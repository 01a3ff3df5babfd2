"""Every end is told exactly once to every channel that wants it, whatever goes wrong on both sides.

The short day here is part of every run; ``make soak`` lives the long one: 24 hours, 2,000 builds.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.soak.day import SUBSCRIPTIONS, Day

HOURS = float(os.environ.get("SOAK_HOURS", "1.5"))
BUILDS = int(os.environ.get("SOAK_BUILDS", "100"))
SEED = int(os.environ.get("SOAK_SEED", "7"))


@pytest.mark.timeout(3_000)
async def test_every_end_is_told_once_to_every_channel_that_wants_it(tmp_path: Path) -> None:
    day = Day(tmp_path, hours=HOURS, builds=BUILDS, seed=SEED)
    await day.open()
    try:
        await day.live()
        report = {}
        for number, workspace in enumerate(day.workspaces):
            doubles = 0
            for name in SUBSCRIPTIONS.keys() - {"turned"}:
                told = Counter(workspace.told(name))
                assert set(told) == workspace.expected(name, day.began_at), (number, name)
                doubles += sum(count - 1 for count in told.values())
            assert doubles <= workspace.cuts  # Slack took the post, and its answer was lost: better twice than never
            report[number] = {"builds": len(workspace.world.builds()), "doubled": doubles, "cuts": workspace.cuts}
        print(report)
        assert sum(len(workspace.world.builds()) for workspace in day.workspaces) == BUILDS
    finally:
        await day.close()
