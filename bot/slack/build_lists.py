"""Several builds, a line or two each: recent ones with paging, and what runs now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from slack_sdk.models.blocks import Block, ButtonElement

from bot.errors import ViewExpired
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import Part, actions, button, lines, linked, message, moment, said, section, separated, words
from bot.slack.build_text import BuildView
from bot.slack.cards import open_button, stop_button
from bot.slack.text import Message, unmarked

BUILDS_IN_LIST = 20
"""Lines of one page; what is more belongs on the next."""
RUNNING_SHOWN = 12
VALUE_LIMIT = 2_000


@dataclass(frozen=True, slots=True)
class PageWanted:
    """What a Newer or Older button stands for. ``at`` is where the page begins, in the caller's own terms."""

    filters: Mapping[str, str]
    at: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """``newer`` and ``older`` are the places the neighbouring pages begin at; None when there is none."""

    heading: str
    builds: Sequence[BuildView]
    filters: Mapping[str, str] = field(default_factory=dict)
    newer: str | None = None
    older: str | None = None


def build_list(page: ListPage) -> Message:
    """Recent builds, the newest first."""
    heading = unmarked(page.heading, 500)
    if not page.builds:
        return message(f"{heading}: no builds.", section(f"*{heading}*\nNo builds."), *_paging(page))
    told = page.builds[:BUILDS_IN_LIST]
    text = f"{heading}: {' '.join(map(shown.sentence, told))}"
    return message(text, section(f"*{heading}*"), lines(*map(list_line, told)), *_paging(page))


def list_line(build: BuildView) -> list[Part]:
    row, stands = build.build, shown.status_badge(build.build)
    app = said(build.app_title, 60)
    parts = [app, *([said(row.target, 60)] if row.target else []), linked(build.url, shown.number(row))]
    head = [words(f"{stands.emoji} "), words(stands.word, bold=True), words("  "), *separated(parts)]
    place = shown.place_parts(row)
    ended = shown.took(row)
    when = [moment(row.triggered_at)] if row.triggered_at else []
    tail = [*([words(ended)] if ended else []), *when]
    message_of = [words(" · “"), said(row.build_message, 80), words("”")] if row.build_message else []
    return [
        *head,
        *([words("  "), *place] if place else []),
        *([words("  "), *separated(tail)] if tail else []),
        words(" · "),
        *shown.cause_line(build),
        *message_of,
    ]


def _paging(page: ListPage) -> list[Block]:
    return actions(_page_button(page, "Newer", page.newer, 1), _page_button(page, "Older", page.older, 2))


def _page_button(page: ListPage, text: str, at: str | None, place: int) -> ButtonElement | None:
    if at is None:
        return None
    value = json.dumps({"filters": dict(page.filters), "at": at}, ensure_ascii=False, separators=(",", ":"))
    if len(value) > VALUE_LIMIT:  # filters of absurd length; the person can still narrow the list
        return None
    return button(ids.numbered(ids.BUILD_LIST_PAGE, place), text, value=value)


def read_page(value: str) -> PageWanted:
    """What the pressed button stands for. Raises `ViewExpired` for a value that is not ours."""
    try:
        page = json.loads(value)
        return PageWanted({str(key): str(text) for key, text in page["filters"].items()}, str(page["at"]))
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise ViewExpired("That list is too old to turn its pages. Ask for it again.") from broken


def running_now(
    builds: Sequence[BuildView],
    *,
    now: datetime,
    of: str | None = None,
    is_more: bool = False,
    stop_all: str | None = None,
) -> Message:
    """What runs or waits, ``of`` an app or of all, with how far it is and a way to stop it.

    ``is_more``: Bitrise has more than these. ``stop_all`` is the app all of whose may be.
    """
    if not builds:
        told = f"Nothing is running{f' in {unmarked(of, 60)}' if of else ''}."
        return message(told, section(told))
    noun = "build is" if len(builds) == 1 else "builds are"
    heading = f"{'More than ' if is_more else ''}{len(builds)} {noun} running or waiting"
    blocks: list[Block] = [section(f"*{heading}*")]
    for build in builds[:RUNNING_SHOWN]:
        blocks += running_blocks(build, now)
    if is_more or len(builds) > RUNNING_SHOWN:
        rest = "The others are not shown here." if is_more else shown.unshown(len(builds) - RUNNING_SHOWN)
        blocks.append(section(f"{rest} Name an app to see its own."))
    if stop_all and len(builds) > 1:
        blocks += actions(button(ids.BUILD_STOP_ALL, "Stop all…", value=stop_all, label="Choose builds and stop them"))
    return message(f"{heading}: {' '.join(map(shown.sentence, builds[:RUNNING_SHOWN]))}", *blocks)


def running_blocks(build: BuildView, now: datetime) -> list[Block]:
    """A running build in two lines, Open and Stop… in rows of their own."""
    row = build.build
    progress = [words(shown.progress(row, build.eta, now)), words(" · "), *shown.cause_line(build)]
    told = lines(shown.title_line(build), shown.code_line(row), progress, shown.stopped_line(row))
    return [told, *actions(open_button(build)), *actions(stop_button(build))]
