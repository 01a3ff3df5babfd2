"""What a channel hears, as a form: the app, patterns as they are typed, what can be chosen, the style."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    CheckboxesElement,
    InputBlock,
    Option,
    RadioButtonsElement,
    StaticMultiSelectElement,
    UserMultiSelectElement,
)

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Cause, Outcome
from bot.notifications.filters import EXCLUDES, Filters, matches, sides
from bot.slack import ids
from bot.slack.blocks import context, plain
from bot.slack.forms import (
    INPUT_LIMIT,
    Payload,
    choice,
    choice_input,
    modal,
    option,
    read_checked,
    read_lines,
    read_metadata,
    read_option,
    read_options,
    read_users,
    search_input,
    text_input,
)
from bot.slack.text import capital, channel_mention, is_user, length
from storage.subscriptions import CHANGES

ALL_APPS = "*"
DEFAULT_STYLE = "card"
TEXTS = {
    "workflow": ids.SUBSCRIBE_WORKFLOW,
    "branch": ids.SUBSCRIBE_BRANCH,
    "tag": ids.SUBSCRIBE_TAG,
    "by": ids.SUBSCRIBE_BY,
    "reason": ids.SUBSCRIBE_REASON,
}
"""Filters that are typed, and their fields."""
_STYLES = {
    "card": ("A card for each build", "All about it, with its buttons"),
    "line": ("One line for each build", "Short: how it ended, and what caused it"),
    "thread": ("A thread for each branch", "One message a branch, its builds as lines below"),
    CHANGES: ("Only when the result changes", "Broken, back to normal, flaky; aborted and skipped never count"),
}


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """What the form shows at first; ``subscription_id`` None is a new one, ``app_slug`` ALL_APPS every app."""

    channel_id: str
    subscription_id: str | None = None
    app_slug: str | None = None
    app_title: str | None = None
    filters: Filters = field(default_factory=Filters)
    style: str = DEFAULT_STYLE
    starts: bool = False


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """The submission. ``texts`` are the typed patterns by filter, not yet read; one the form did not ask for is
    missing. ``app_slug`` None is every app."""

    channel_id: str
    subscription_id: str | None
    has_app: bool
    app_slug: str | None
    texts: Mapping[str, str]
    outcomes: tuple[str, ...]
    causes: tuple[str, ...]
    people: tuple[str, ...]
    style: str
    starts: bool


def subscription_form(draft: SubscriptionDraft) -> Payload:
    wanted = draft.filters
    blocks: list[Block] = [
        context(f"For {channel_mention(draft.channel_id)}. What is left empty lets every build through."),
        _app(draft),
        _patterns("workflow", "Workflows and pipelines", "deploy, release-*", wanted.workflow),
        _patterns("branch", "Branches", "main, release/*, !release/old", wanted.branch),
        _patterns("tag", "Tags", "v*", wanted.tag),
        _chosen(ids.SUBSCRIBE_OUTCOME, "How it ended", "Any end", Outcome, chosen_of(wanted.outcome, Outcome)),
        _chosen(ids.SUBSCRIBE_CAUSE, "What caused it", "Any cause", Cause, chosen_of(wanted.cause, Cause)),
        _people(wanted.by),
        _patterns("by", "Names at the Git host", "octocat, !dependabot*", _others(wanted.by)),
        _patterns("reason", "Why it was stopped", ", ".join(list(Reason)[:3]), wanted.reason),
        _style(draft.style),
        _starts(draft.starts),
    ]
    metadata = {"channel": draft.channel_id, "subscription": draft.subscription_id}
    return modal(ids.SUBSCRIPTION_EDIT, "What this channel hears", blocks, submit="Save", metadata=metadata)


def _app(draft: SubscriptionDraft) -> InputBlock:
    known = None
    if draft.app_slug is not None:
        known = all_apps() if draft.app_slug == ALL_APPS else option(draft.app_title or draft.app_slug, draft.app_slug)
    return search_input(ids.SUBSCRIBE_APP, "App", placeholder="Type a part of its name", initial=known, optional=False)


def all_apps() -> Option:
    return choice("All apps", ALL_APPS)


def _patterns(key: str, label: str, example: str, patterns: Sequence[str]) -> Block:
    """Too many to fit the field are not shown, and so are not changed either."""
    text = written(patterns)
    if length(text) > INPUT_LIMIT:
        return context(f"{label}: there are more than fit here; they stay as they are.")
    hint = "Separated by commas; * stands for any characters, ! in front excludes." if key == "workflow" else None
    return text_input(TEXTS[key], label, placeholder=example, hint=hint, initial=text or None)


def _chosen(
    field_id: str, label: str, empty: str, values: Iterable[Outcome | Cause], chosen: Sequence[str]
) -> InputBlock:
    offered = {str(value): choice(capital(value.label), str(value)) for value in values}
    select = StaticMultiSelectElement(
        action_id=field_id,
        placeholder=plain(empty, 150),
        options=list(offered.values()),
        initial_options=[offered[value] for value in chosen] or None,
    )
    return choice_input(field_id, label, select, optional=True)


def _people(patterns: Sequence[str]) -> InputBlock:
    known = [pattern for pattern in patterns if is_user(pattern)]
    select = UserMultiSelectElement(
        action_id=ids.SUBSCRIBE_PEOPLE, placeholder=plain("Anybody", 150), initial_users=known or None
    )
    return choice_input(ids.SUBSCRIBE_PEOPLE, "Whose builds", select, optional=True)


def _others(patterns: Sequence[str]) -> list[str]:
    """What the list of people cannot show: names from elsewhere, and who is excluded, with the @ of typed ids."""
    others = [pattern for pattern in patterns if not is_user(pattern)]
    return [f"{EXCLUDES}@{name}" if is_user(name := each.removeprefix(EXCLUDES)) else each for each in others]


def _style(style: str) -> InputBlock:
    offered = {value: choice(label, value, sentence) for value, (label, sentence) in _STYLES.items()}
    radio = RadioButtonsElement(
        action_id=ids.SUBSCRIBE_STYLE,
        options=list(offered.values()),
        initial_option=offered.get(style, offered[DEFAULT_STYLE]),
    )
    return choice_input(ids.SUBSCRIBE_STYLE, "How it is told", radio)


def _starts(is_on: bool) -> InputBlock:
    starts = choice("Tell when a build starts, too", "starts", "Not with chosen ends, reasons or only changes")
    boxes = CheckboxesElement(
        action_id=ids.SUBSCRIBE_STARTS, options=[starts], initial_options=[starts] if is_on else None
    )
    return choice_input(ids.SUBSCRIBE_STARTS, "Starts", boxes, optional=True)


# Patterns as text, and back.


def written(patterns: Sequence[str]) -> str:
    """``main, release/*``; a pattern that holds a comma stands in quotes."""
    return ", ".join(_cell(pattern) for pattern in patterns)


def _cell(pattern: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([pattern])
    return line.getvalue()


def parts_of(text: str) -> list[str]:
    """The patterns of a field; blanks around them do not count."""
    return [part for part in map(str.strip, _cells(text)) if part]


def _cells(text: str) -> list[str]:
    return [cell for row in csv.reader(text.splitlines(), skipinitialspace=True) for cell in row]


def chosen_of(patterns: Sequence[str], values: Iterable[str]) -> tuple[str, ...]:
    """The values that patterns let through; none when they let all."""
    every = tuple(map(str, values))
    asked, excluded = sides(patterns)
    taken = [value for value in every if not asked or any(matches(each, value) for each in asked)]
    chosen = tuple(value for value in taken if not any(matches(each, value) for each in excluded))
    return () if chosen == every else chosen


def read_subscription_form(view: Mapping[str, Any]) -> SubscriptionForm:
    metadata, app = read_metadata(view), read_option(view, ids.SUBSCRIBE_APP)
    style = read_option(view, ids.SUBSCRIBE_STYLE)
    asked = {block.get("block_id") for block in view.get("blocks") or []}
    return SubscriptionForm(
        channel_id=metadata.get("channel", ""),
        subscription_id=metadata.get("subscription") or None,
        has_app=bool(app),
        app_slug=None if app == ALL_APPS else app or None,
        texts={key: read_lines(view, field_id) for key, field_id in TEXTS.items() if field_id in asked},
        outcomes=_known(read_options(view, ids.SUBSCRIBE_OUTCOME), Outcome),
        causes=_known(read_options(view, ids.SUBSCRIBE_CAUSE), Cause),
        people=tuple(filter(is_user, read_users(view, ids.SUBSCRIBE_PEOPLE))),
        style=style if style in _STYLES else DEFAULT_STYLE,
        starts=read_checked(view, ids.SUBSCRIBE_STARTS),
    )


def _known(chosen: Sequence[str], values: Iterable[str]) -> tuple[str, ...]:
    """In our order; all of them is the same as none, every build."""
    return chosen_of([value for value in map(str, values) if value in chosen], values) if chosen else ()
