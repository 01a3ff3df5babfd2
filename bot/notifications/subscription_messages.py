"""Messages about subscriptions: replies, notes to a channel, and a list with buttons.

All in rich text, because the stars of patterns would make half a sentence bold in mrkdwn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.slack import ids, rich
from bot.slack.blocks import Block, Button, actions, button, lines, message, section
from bot.slack.rich import Line
from bot.slack.text import Message, escape, isolate
from storage.subscriptions import CHANGES, SubscriptionRow

STYLES = {
    "card": "a card for each build",
    "line": "one line for each build",
    "thread": "a thread for each branch",
    CHANGES: "only when the result changes",
}
FILTERS_LIMIT = 1_200
FILTERS_IN_LIST_LIMIT = 500
LISTED = 20
"""Two blocks each, of the 50 a message may have."""
REMOVED_NAMED = 3


@dataclass(frozen=True, slots=True)
class SubscriptionView:
    """``app_title`` None is every app; ``words`` are the filters in plain words, not escaped."""

    row: SubscriptionRow
    app_title: str | None
    words: str

    @property
    def includes_starts(self) -> bool:
        """Outcomes, reasons and changes are known only when a build finishes, so such filters exclude starts."""
        needs_result = self.row.filters.get("outcome") or self.row.filters.get("reason")
        return self.row.include_starts and self.row.style != CHANGES and not needs_result


def describe(view: SubscriptionView, *, limit: int = FILTERS_LIMIT) -> Line:
    """``iOS Shop: workflow deploy, only failed; one line for each build``."""
    app = rich.bold(view.app_title, 150) if view.app_title else rich.bold("every app")
    style = STYLES.get(view.row.style, view.row.style)
    return [app, ": ", rich.text(view.words, limit), f"; {style}{', its start too' if view.includes_starts else ''}"]


def _line_message(*line: Line) -> Message:
    return message(escape(rich.plain(line)), lines(line))


# Replies.


def saved(view: SubscriptionView, *, is_new: bool) -> Message:
    lead = "Subscribed to " if is_new else "Updated: "
    if not view.row.include_starts or view.includes_starts:
        return _line_message(lead, describe(view), ".")
    why = "changes" if view.row.style == CHANGES else "results"
    return _line_message(lead, describe(view), f". Not notified of starts, because {why} are known only at the end.")


def preview(matching: int, finished: int, *, days: int, is_cut: bool) -> Message:
    """How many past builds the filter matches. ``is_cut``: there were more builds than were read."""
    if is_cut:
        return _line_message(f"This would have matched {matching} of the last {finished} builds.")
    if not finished:
        return _line_message(f"No builds finished in the last {days} days.")
    builds = f"{finished} build{'' if finished == 1 else 's'}"
    return _line_message(f"This would have matched {matching} of {builds} in the last {days} days.")


def preview_failed(why: str) -> Message:
    return _line_message("Saved. Couldn't preview matching builds: ", rich.text(why, 500))


def removed(views: Sequence[SubscriptionView]) -> Message:
    line: list[Line] = []
    for view in views[:REMOVED_NAMED]:
        line += [" And " if line else "Removed: ", describe(view, limit=FILTERS_IN_LIST_LIMIT), "."]
    more = len(views) - REMOVED_NAMED
    return _line_message(*line, f" And {more} more." if more > 0 else None)


def no_subscriptions(sentence: str, *, command: str) -> Message:
    example, form = rich.code(f"{command} subscribe shop outcome:failed"), rich.code(f"{command} subscribe")
    return _line_message(f"{sentence} To subscribe a channel to an app, run ", example, ", or ", form, " for a form.")


# Notes to a channel. Names are not mentions: nobody is pinged.


def saved_note(view: SubscriptionView, *, by: str, is_new: bool, command: str) -> Message:
    did = " subscribed this channel to " if is_new else " updated this channel's subscription to "
    manage: Line = ["Manage: ", rich.code(f"{command} subscriptions")]
    return _line_message(rich.text(f"@{by}", 80), did, describe(view), ". ", manage)


def removed_note(view: SubscriptionView, *, by: str) -> Message:
    return _line_message(rich.text(f"@{by}", 80), " unsubscribed this channel from ", describe(view), ".")


def resumed_note(count: int, *, by: str) -> Message:
    which = "subscription" if count == 1 else f"{count} subscriptions"
    return _line_message(rich.text(f"@{by}", 80), f" resumed this channel's paused {which}.")


# Lists.


def subscription_list(
    views: Sequence[SubscriptionView],
    *,
    command: str,
    heading: str = "This channel's subscriptions",
    names_channel: bool = False,
) -> Message:
    """Each subscription with its buttons; ``names_channel`` if they belong to several channels."""
    blocks: list[Block] = [section(f"*{heading}*")]
    for view in views[:LISTED]:
        blocks += [lines(*_entry(view, names_channel=names_channel)), *actions(*_buttons(view))]
    if len(views) > LISTED:
        more = f"…and {len(views) - LISTED} more. To see them, run "
        blocks.append(lines([more, rich.code(f"{command} subscriptions"), " in their channels."]))
    descriptions = ". ".join(escape(rich.plain(describe(view, limit=100))) for view in views[:LISTED])
    return message(f"{heading}: {descriptions}.", blocks)


def choose_subscription(views: Sequence[SubscriptionView], *, command: str) -> Message:
    """Ask which of several matching subscriptions to remove."""
    listed = subscription_list(views, command=command, heading="Which subscription do you want to remove?")
    value = " ".join(view.row.subscription_id for view in views)
    remove_all = button(ids.SUBSCRIPTION_REMOVE, f"Remove all {len(views)}", value=value, style="danger")
    return listed + message("", actions(remove_all))


def _entry(view: SubscriptionView, *, names_channel: bool) -> list[Line]:
    row = view.row
    channel: Line = [rich.channel(row.channel_id), "  "] if names_channel else None
    entry: list[Line] = [
        [channel, describe(view, limit=FILTERS_IN_LIST_LIMIT)],
        ["Set up by ", rich.user(row.created_by), ", since ", rich.date(row.created_at)],
    ]
    if row.paused_at is not None:
        why: Line = [": ", rich.text(row.pause_reason, 200)] if row.pause_reason else None
        entry.append(["⏸️ ", rich.bold("Paused"), " since ", rich.date(row.paused_at), why])
    return entry


def _buttons(view: SubscriptionView) -> list[Button]:
    row, name = view.row, f"the subscription to {isolate(view.app_title or 'every app')}"
    edit = button(ids.SUBSCRIPTION_EDIT, "Edit…", value=row.subscription_id, label=f"Edit {name}")
    remove = button(ids.SUBSCRIPTION_REMOVE, "Remove", value=row.subscription_id, label=f"Remove {name}")
    resume = button(ids.SUBSCRIPTION_RESUME, "Resume", value=row.channel_id, label="Resume the channel's subscriptions")
    return [edit, remove, resume] if row.paused_at is not None else [edit, remove]
