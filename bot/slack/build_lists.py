"""Lists of builds: recent ones with paging, and the running ones with their progress."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.errors import ViewExpired
from bot.slack import build_text, ids, rich
from bot.slack.blocks import Block, Button, actions, button, lines, message, section
from bot.slack.build_text import BuildView
from bot.slack.cards import stop_button
from bot.slack.rich import Line
from bot.slack.text import Message, unmarked

BUILDS_IN_LIST = 20
"""Lines of one page."""
RUNNING_SHOWN = 12
VALUE_LIMIT = 2_000


def build_list(
    heading: str,
    views: Sequence[BuildView],
    filters: Mapping[str, str] | None = None,
    *,
    newer: str | None = None,
    older: str | None = None,
) -> Message:
    """Recent builds, newest first. ``newer`` and ``older`` are where the neighbouring pages start, None without one."""
    heading = unmarked(heading, 500)
    pages = (("Newer", newer), ("Older", older))
    buttons = [_page_button(filters or {}, text, start, place) for place, (text, start) in enumerate(pages, start=1)]
    if not views:
        return message(f"{heading}: no builds.", section(f"*{heading}*\nNo builds."), actions(*buttons))
    views = views[:BUILDS_IN_LIST]
    text = f"{heading}: {' '.join(map(build_text.sentence, views))}"
    has_app = len({view.build.app_slug for view in views}) > 1
    rows = [list_line(view, has_app=has_app) for view in views]
    return message(text, section(f"*{heading}*"), lines(*rows), actions(*buttons))


def list_line(view: BuildView, *, has_app: bool = True) -> Line:
    """``❌ #406 test · main · 4 min · yesterday 11:19 · octocat``, short enough for a phone."""
    build = view.build
    app: Line = [rich.text(view.app_title, 60), " · "] if has_app else None
    target: Line = [" ", rich.text(build.target, 60)] if build.target else None
    person = view.requester_name or build.triggered_by_name
    parts: list[Line] = [
        [app, rich.link(view.url, build_text.number(build)), target],
        build_text.branch_parts(build),
        build_text.duration(build),
        rich.date(build.triggered_at) if build.triggered_at else None,
        rich.text(person, 40) if person else build_text.cause_line(view),
        build_text.message_part(build, 60),
        build_text.variables_part(view),
    ]
    return [f"{build_text.status_badge(build).emoji} ", rich.join(" · ", parts)]


def _page_button(filters: Mapping[str, str], text: str, start: str | None, place: int) -> Button | None:
    if start is None:
        return None
    value = json.dumps({"filters": dict(filters), "at": start}, ensure_ascii=False, separators=(",", ":"))
    if len(value) > VALUE_LIMIT:  # filters of absurd length; the person can still narrow the list
        return None
    return button(ids.numbered(ids.BUILD_LIST_PAGE, place), text, value=value)


def read_page(value: str) -> tuple[dict[str, str], str]:
    """Return the filters and the start of the page behind a button. Raises `ViewExpired` for a foreign value."""
    try:
        page = json.loads(value)
        return {str(key): str(text) for key, text in page["filters"].items()}, str(page["at"])
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise ViewExpired("This list has expired. Run the command again.") from broken


def running_now(
    views: Sequence[BuildView],
    *,
    now: datetime,
    of: str | None = None,
    is_more: bool = False,
    stop_all: str | None = None,
) -> Message:
    """Running and queued builds, ``of`` an app or of all, with their progress and buttons to stop them.

    ``is_more``: Bitrise has more than these. ``stop_all`` is the slug of the app whose builds may all be stopped.
    """
    if not views:
        text = f"No builds are running{f' in {unmarked(of, 60)}' if of else ''}."
        return message(text, section(text))
    noun = "build is" if len(views) == 1 else "builds are"
    heading = f"{'More than ' if is_more else ''}{len(views)} {noun} running or queued"
    more = None
    if is_more or len(views) > RUNNING_SHOWN:
        rest = "There are more." if is_more else build_text.more_not_shown(len(views) - RUNNING_SHOWN)
        more = section(f"{rest} Add an app to see only its builds.")
    stop = None
    if stop_all and len(views) > 1:
        stop = button(ids.BUILD_STOP_ALL, "Stop all…", value=stop_all, label="Choose builds and stop them")
    return message(
        f"{heading}: {' '.join(map(build_text.sentence, views[:RUNNING_SHOWN]))}",
        section(f"*{heading}*"),
        *(running_blocks(view, now) for view in views[:RUNNING_SHOWN]),
        more,
        actions(stop),
    )


def running_blocks(view: BuildView, now: datetime) -> list[Block]:
    """A running build in two lines, and Stop…"""
    build = view.build
    progress = [build_text.progress(build, view.eta, now), " · ", build_text.cause_line(view)]
    rows = build_text.title_line(view), build_text.commit_line(build), progress, build_text.stop_line(build)
    return [lines(*rows), *actions(stop_button(view))]
