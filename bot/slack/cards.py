"""The card: the message that shows builds live, and the one that tells their end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.builds import Outcome
from bot.slack import build_text as shown
from bot.slack import ids
from bot.slack.blocks import Line, actions, button, context, divider, lines, link_button, message, said, words
from bot.slack.build_text import BuildView
from bot.slack.text import Message, link, mention, unmarked
from storage.builds import BuildRow

BUILDS_ON_A_CARD = 10
"""Four blocks each, of the 50 a message may have."""


@dataclass(frozen=True, slots=True)
class Offer:
    """So many older builds still run that the build ``build_slug`` replaces."""

    build_slug: str
    count: int


def card(
    builds: Sequence[BuildView], *, now: datetime, notes: Sequence[str] = (), offer: Offer | None = None
) -> Message:
    """One message for one or several builds, as they stand at ``now``. ``notes``, mrkdwn, are shown small, below."""
    drawn, left_out = builds[:BUILDS_ON_A_CARD], len(builds) - BUILDS_ON_A_CARD
    blocks: list[Block] = []
    for build in drawn:
        blocks += [*([divider()] if blocks else []), *_build_blocks(build, now)]
    blocks += actions(older_button(offer))
    told = [*notes, shown.unshown(left_out)] if left_out > 0 else notes
    return message(_fallback(builds), *blocks, *(context(note) for note in told[:BUILDS_ON_A_CARD] if note))


def _fallback(builds: Sequence[BuildView]) -> str:
    sentences = " ".join(map(shown.sentence, builds))
    return sentences if len(builds) == 1 else f"{len(builds)} builds: {sentences}"


def _build_blocks(build: BuildView, now: datetime) -> list[Block]:
    return [
        lines(*build_lines(build, now)),
        *actions(
            open_button(build), install_button(build), log_button(build), again_button(build), change_button(build)
        ),
        # In a row of its own: a thumb that aims at Open must not stop a build.
        *actions(stop_button(build)),
    ]


def build_lines(shown_build: BuildView, now: datetime) -> list[Line]:
    build = shown_build.build
    told = [words(text)] if (text := shown.progress(build, shown_build.eta, now)) else []
    return [
        shown.title_line(shown_build),
        shown.code_line(build),
        [words("“"), said(build.build_message, 300, italic=True), words("”")] if build.build_message else [],
        told,
        shown.stopped_line(build),
        shown.cause_line(shown_build),
    ]


def open_button(build: BuildView) -> ButtonElement | None:
    return link_button(ids.BUILD_OPEN, "Open", url=build.url, label=f"Open {shown.name(build)} in Bitrise")


def again_button(build: BuildView) -> ButtonElement | None:
    if not build.build.is_finished:
        return None
    return button(ids.BUILD_AGAIN, "Run again", value=build.build.build_slug, label=f"Run {shown.name(build)} again")


def change_button(build: BuildView) -> ButtonElement | None:
    if not build.build.is_finished:
        return None
    label = f"Change the parameters of {shown.name(build)} and run it"
    return button(ids.BUILD_AGAIN_FORM, "Change and run…", value=build.build.build_slug, label=label)


def install_button(build: BuildView) -> ButtonElement | None:
    """Only when there is something to install."""
    if not build.is_installable:
        return None
    return button(ids.BUILD_INSTALL, "Install", value=build.build.build_slug, label=f"Install from {shown.name(build)}")


def log_button(build: BuildView) -> ButtonElement | None:
    if build.build.outcome != Outcome.FAILED or build.build.is_pipeline:
        return None
    return button(ids.BUILD_LOG, "Log", value=build.build.build_slug, label=f"Why {shown.name(build)} failed")


def stop_button(build: BuildView) -> ButtonElement | None:
    row = build.build
    if row.is_finished or shown.is_stopping(row):
        return None
    label = f"Stop {shown.name(build)}"
    return button(ids.BUILD_STOP, "Stop…", value=row.build_slug, style="danger", label=label)


def older_button(offer: Offer | None) -> ButtonElement | None:
    if offer is None:
        return None
    text = f"Stop {offer.count} older build{'' if offer.count == 1 else 's'}…"
    return button(ids.BUILD_STOP_OLDER, text, value=offer.build_slug, label=f"{text[:-1]}, which this one replaces")


def announcement(builds: Sequence[BuildView], *, mention_user: str | None) -> Message:
    """The end of a card's builds, a line each; ``mention_user`` (a user id) is mentioned once."""
    told = [ended_line(build) for build in builds[:BUILDS_ON_A_CARD]]
    if len(builds) > BUILDS_ON_A_CARD:
        told.append(f"{len(builds) - BUILDS_ON_A_CARD} more ended as well.")
    told[-1] += f" Asked for by {mention(mention_user)}." if mention_user else ""
    return Message("\n".join(told))


def ended_line(build: BuildView) -> str:
    """The end in one line of mrkdwn. The outcome comes first: a phone's preview shows about one line."""
    row, stands = build.build, shown.status_badge(build.build)
    ran = shown.took(row)
    preposition = "in" if row.outcome == Outcome.SUCCEEDED else "after"
    took = f" {preposition} {ran}" if ran else ""
    named = unmarked(f"{build.app_title} · {row.target}" if row.target else build.app_title, 150)
    what = " ".join(filter(None, (named, link(build.url, shown.number(row)), shown.where(row))))
    return f"{stands.emoji} *{stands.word}*{took}: {what}.{_why(row)}"


def _why(row: BuildRow) -> str:
    why = unmarked(shown.why_stopped(row), shown.SENTENCE_LIMIT).rstrip(".")
    if not why:
        return ""
    first = why.partition(" ")[0]
    return f" {why[0].upper() if first.isalpha() and first.islower() else why[0]}{why[1:]}."  # iOS stays iOS
