"""Cards: the message that tracks builds live, its buttons, and the message that announces their results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.builds import Outcome
from bot.slack import build_text, ids, rich
from bot.slack.blocks import Block, Button, actions, button, context, divider, lines, link_button, message
from bot.slack.build_text import BuildView
from bot.slack.rich import Line
from bot.slack.text import Message, isolate, link, mention, plural, unmarked
from storage.builds import BuildRow

BUILDS_ON_A_CARD = 10
"""Three blocks each, of the 50 a message may have."""


@dataclass(frozen=True, slots=True)
class Offer:
    """``count`` older builds, which the build ``build_slug`` replaces, are still running."""

    build_slug: str
    count: int


def card(
    views: Sequence[BuildView], *, now: datetime, notes: Sequence[str] = (), offer: Offer | None = None
) -> Message:
    """One message for one or several builds, as they are at ``now``. ``notes``, mrkdwn, are shown small, below."""
    blocks: list[Block] = []
    for view in views[:BUILDS_ON_A_CARD]:
        # A running build has only Stop, so that a thumb that aims at another button doesn't stop a build.
        buttons = stop_button(view), *rebuild_buttons(view), log_button(view), install_button(view)
        rows = [lines(*build_lines(view, now)), *actions(*buttons)]
        blocks += [divider(), *rows] if blocks else rows
    more = len(views) - BUILDS_ON_A_CARD
    notes = [*notes, build_text.more_not_shown(more)] if more > 0 else notes
    sentences = " ".join(map(build_text.sentence, views))
    return message(
        sentences if len(views) == 1 else f"{len(views)} builds: {sentences}",
        *blocks,
        actions(stop_older_button(offer)),
        *(context(note) for note in notes[:BUILDS_ON_A_CARD] if note),
    )


def build_lines(view: BuildView, now: datetime) -> list[Line]:
    build = view.build
    return [
        build_text.title_line(view),
        build_text.commit_line(build),
        rich.join(" · ", [build_text.message_part(build, 300), build_text.variables_part(view)]),
        build_text.progress(build, view.eta, now),
        build_text.stop_line(build),
        build_text.cause_line(view),
    ]


def open_button(view: BuildView) -> Button | None:
    return link_button(ids.BUILD_OPEN, "Open", url=view.url, label=f"Open {build_text.name(view)} in Bitrise")


def rebuild_buttons(view: BuildView) -> tuple[Button, ...]:
    if not view.build.is_finished:
        return ()
    name, value = build_text.name(view), view.build.build_slug
    return (
        button(ids.BUILD_AGAIN, "Rerun", value=value, label=f"Rerun {name}"),
        button(ids.BUILD_AGAIN_FORM, "Edit and run…", value=value, label=f"Edit the parameters of {name} and run it"),
    )


def install_button(view: BuildView) -> Button | None:
    if not view.is_installable:
        return None
    label = f"Install from {build_text.name(view)}"
    return button(ids.BUILD_INSTALL, "Install", value=view.build.build_slug, label=label)


def log_button(view: BuildView) -> Button | None:
    if view.build.outcome != Outcome.FAILED or view.build.is_pipeline:
        return None
    return button(ids.BUILD_LOG, "Log", value=view.build.build_slug, label=f"Why {build_text.name(view)} failed")


def stop_button(view: BuildView) -> Button | None:
    if view.build.is_finished or build_text.is_stopping(view.build):
        return None
    label = f"Stop {build_text.name(view)}"
    return button(ids.BUILD_STOP, "Stop…", value=view.build.build_slug, style="danger", label=label)


def stop_older_button(offer: Offer | None) -> Button | None:
    if offer is None:
        return None
    text = f"Stop {plural(offer.count, 'older build')}"
    return button(ids.BUILD_STOP_OLDER, f"{text}…", value=offer.build_slug, label=f"{text} superseded by this one")


def announcement(views: Sequence[BuildView], *, mention_user: str | None, followers: Sequence[str] = ()) -> Message:
    """The results of a card's builds, one a line. ``mention_user`` and ``followers``, user ids, are mentioned once."""
    texts = [result_line(view) for view in views[:BUILDS_ON_A_CARD]]
    if len(views) > BUILDS_ON_A_CARD:
        texts.append(f"…and {len(views) - BUILDS_ON_A_CARD} more finished.")
    texts[-1] += f" Started by {mention(mention_user)}." if mention_user else ""
    texts[-1] += f" Followed by {', '.join(map(mention, followers))}." if followers else ""
    return Message("\n".join(texts))


def result_line(view: BuildView) -> str:
    """A result in one line of mrkdwn, the outcome first: a phone's preview shows about one line."""
    build, badge = view.build, build_text.status_badge(view.build)
    ran = build_text.duration(build)
    after = f" {'in' if build.outcome == Outcome.SUCCEEDED else 'after'} {ran}" if ran else ""
    word = f"Stopped{build_text.stopped_by_name(build)}" if build.outcome == Outcome.ABORTED else badge.word
    return f"{badge.emoji} *{word}*{after}: {linked_name(view)}.{_reason(build)}"


def linked_name(view: BuildView) -> str:
    """``iOS Shop · deploy #812 on `release/3.2` ``, the number being a link, as mrkdwn."""
    build = view.build
    name = unmarked(" · ".join(map(isolate, filter(None, (view.app_title, build.target)))), 150)
    return " ".join(filter(None, (name, link(view.url, build_text.number(build)), build_text.on_branch(build))))


def _reason(build: BuildRow) -> str:
    reason = unmarked(build_text.stop_reason(build), build_text.REASON_LIMIT).rstrip(".")
    if not reason:
        return ""
    first = reason.partition(" ")[0]
    is_word = first.isalpha() and first.islower()  # iOS stays iOS
    return f" {reason[0].upper() if is_word else reason[0]}{reason[1:]}."
