"""Subscriptions in words: what a channel hears, as an answer, a note for all in it, and a list with buttons.

All in rich text: the stars of patterns would make half a sentence bold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, ButtonElement, RichTextElementParts

from bot.slack import ids
from bot.slack.blocks import Line, Part, actions, button, coded, lines, message, moment, person, said, section, words
from bot.slack.text import Message, escape
from storage.subscriptions import CHANGES, SubscriptionRow

STYLES = {
    "card": "a card for each build",
    "line": "one line for each build",
    "thread": "a thread for each branch",
    CHANGES: "only when the result changes",
}
WORDS_LIMIT = 1_200
WORDS_IN_LIST = 500
LISTED = 20
"""Two blocks each, of the 50 a message may have."""
REMOVED_NAMED = 3


@dataclass(frozen=True, slots=True)
class ShownSubscription:
    """``app_title`` None is every app; ``words`` are the filters in plain words, from outside and not escaped."""

    row: SubscriptionRow
    app_title: str | None
    words: str

    @property
    def tells_starts(self) -> bool:
        """Who asks for outcomes or reasons hears of ends only, and a change is an end."""
        asks_for_ends = self.row.filters.get("outcome") or self.row.filters.get("reason")
        return self.row.tells_starts and self.row.style != CHANGES and not asks_for_ends


def told(shown: ShownSubscription, *, limit: int = WORDS_LIMIT) -> list[Part]:
    """``iOS Shop: workflow deploy, only failed; one line for each build``."""
    app = said(shown.app_title, 150, bold=True) if shown.app_title else words("every app", bold=True)
    style = STYLES.get(shown.row.style, shown.row.style)
    starts = ", its start too" if shown.tells_starts else ""
    return [app, words(": "), said(shown.words, limit), words(f"; {style}{starts}")]


def _sentence(*parts: Part | str) -> Message:
    line = [words(part) if isinstance(part, str) else part for part in parts]
    return message(_plain(line), lines(line))


def _plain(line: Line) -> str:
    """For the notification, which shows no styles; escaped."""
    return escape("".join(getattr(part, "text", None) or "" for part in line))


# Answers, privately.


def saved(shown: ShownSubscription, *, is_new: bool) -> Message:
    """What the channel will hear."""
    lead = "From now on this channel hears of " if is_new else "Changed. This channel hears of "
    if not shown.row.tells_starts or shown.tells_starts:
        return _sentence(lead, *told(shown), ".")
    why = "changes are told at the end" if shown.row.style == CHANGES else "nobody knows the end at the start"
    return _sentence(lead, *told(shown), f". Starts are not told with that: {why}.")


def counted(told: int, ended: int, *, days: int, is_cut: bool) -> Message:
    """What the filter would have let through. ``is_cut``: there were more builds than were read."""
    if is_cut:
        return _sentence(f"Of the last {ended} builds, {told or 'none'} would have been told here.")
    if not ended:
        return _sentence(f"In the last {days} days there was no build that this could have been about.")
    builds = f"{ended} build{'' if ended == 1 else 's'}"
    return _sentence(f"In the last {days} days {told or 'none'} of {builds} would have been told here.")


def uncounted(why: str) -> Message:
    return _sentence("It is saved. What it would have told in the last days I can't say: ", said(why, 500))


def removed(gone: Sequence[ShownSubscription]) -> Message:
    parts: list[Part | str] = []
    for shown in gone[:REMOVED_NAMED]:
        parts += [" And " if parts else "Removed: ", *told(shown, limit=WORDS_IN_LIST), "."]
    if len(gone) > REMOVED_NAMED:
        parts.append(f" And {len(gone) - REMOVED_NAMED} more.")
    return _sentence(*parts)


# Notes, for all in the channel. Names are no mentions: nobody is pinged.


def set_up_note(shown: ShownSubscription, *, by: str, is_new: bool, command: str) -> Message:
    did = " has subscribed this channel to " if is_new else " has changed what this channel hears of "
    lists = [coded(f"{command} subscriptions"), words(" lists and changes what is heard here.")]
    return _sentence(said(f"@{by}", 80), did, *told(shown), ". ", *lists)


def removed_note(shown: ShownSubscription, *, by: str) -> Message:
    return _sentence(said(f"@{by}", 80), " has removed what this channel heard of ", *told(shown), ".")


def resumed_note(count: int, *, by: str) -> Message:
    which = "the subscription" if count == 1 else f"the {count} subscriptions"
    resumed = f" has resumed {which} of this channel that had been paused. Builds are told again from now on."
    return _sentence(said(f"@{by}", 80), resumed)


# The list.


def build_list(
    shown: Sequence[ShownSubscription],
    *,
    command: str,
    heading: str = "What this channel hears",
    names_channel: bool = False,
) -> Message:
    """Each with its buttons. ``names_channel`` where they are of several channels."""
    blocks: list[Block] = [section(f"*{heading}*")]
    for each in shown[:LISTED]:
        blocks += [lines(*_entry(each, names_channel=names_channel)), *actions(*_buttons(each))]
    if len(shown) > LISTED:
        more = f"{len(shown) - LISTED} more are not shown; in their channels "
        blocks.append(lines([words(more), coded(f"{command} subscriptions"), words(" lists them.")]))
    spoken = ". ".join(_plain(told(each, limit=100)) for each in shown[:LISTED])
    return message(f"{heading}: {spoken}.", *blocks)


def nothing_heard(sentence: str, *, command: str) -> Message:
    example, form = coded(f"{command} subscribe shop outcome:failed"), coded(f"{command} subscribe")
    return _sentence(f"{sentence} ", example, " subscribes a channel to an app, ", form, " opens a form.")


def which_one(shown: Sequence[ShownSubscription], *, command: str) -> Message:
    """Several fit: a button for each, and one for all."""
    listed = build_list(shown, command=command, heading="Several fit. Which one shall be removed?")
    everything = " ".join(each.row.subscription_id for each in shown)
    all_of_them = button(ids.SUBSCRIPTION_REMOVE, f"Remove all {len(shown)}", value=everything, style="danger")
    return Message(listed.text, (*listed.blocks, *(block.to_dict() for block in actions(all_of_them))))


def under(done: Message, listed: Message) -> Message:
    """A list under what was just done."""
    return Message(f"{done.text} {listed.text}", (*done.blocks, *listed.blocks))


def _entry(shown: ShownSubscription, *, names_channel: bool) -> list[Line]:
    row = shown.row
    where: Line = [RichTextElementParts.Channel(channel_id=row.channel_id), words("  ")] if names_channel else []
    set_up: Line = [words("Set up by "), person(row.owner), words(", since "), moment(row.created_at)]
    entry: list[Line] = [[*where, *told(shown, limit=WORDS_IN_LIST)], set_up]
    if row.paused_at is None:
        return entry
    why = [words(", because "), said(row.paused_why, 200)] if row.paused_why else []
    return [*entry, [words("⏸️ "), words("Paused", bold=True), words(" since "), moment(row.paused_at), *why]]


def _buttons(shown: ShownSubscription) -> list[ButtonElement]:
    row, name = shown.row, f"the subscription to {shown.app_title or 'every app'}"
    edit = button(ids.SUBSCRIPTION_EDIT, "Edit…", value=row.subscription_id, label=f"Edit {name}")
    remove = button(ids.SUBSCRIPTION_REMOVE, "Remove", value=row.subscription_id, label=f"Remove {name}")
    resume = button(ids.SUBSCRIPTION_RESUME, "Resume", value=row.channel_id, label="Resume what the channel hears")
    return [edit, remove, *([resume] if row.paused_at is not None else [])]
