"""``/build log``: the failed step and its last telling lines, for one person."""

from __future__ import annotations

from bot.domain.builds import STOPPED
from bot.notifications import messages as hearing
from bot.slack import build_text as shown
from bot.slack.blocks import actions, lines, message, words
from bot.slack.build_text import ShownBuild
from bot.slack.cards import open_button
from bot.slack.text import Message, quoted
from storage.results import FindingRow

NOTHING_FOUND = "Its log tells nothing yet."


def log_message(build: ShownBuild, finding: FindingRow) -> Message:
    verb = "Stopped" if build.build.outcome in STOPPED else "Failed"
    told = hearing.why_blocks(finding, verb=verb) or [lines([words(NOTHING_FOUND)])]
    last = " ".join(finding.lines[-1:]) or finding.missing or NOTHING_FOUND
    return message(
        f"{shown.sentence(build)} {quoted(last)}", lines(shown.title_line(build)), *told, *actions(open_button(build))
    )
