"""The form of a subscription: the app, patterns as they are typed, results and causes to choose, the style."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from bot.domain.abort_reasons import Reason
from bot.domain.builds import Cause, Outcome
from bot.notifications.filters import EXCLUDES, Filters, matches, quote, split_excluded
from bot.slack import ids
from bot.slack.fields import Checkbox, Hidden, MultiSelect, Option, Radio, Slot, Text, Users, choice
from bot.slack.forms import Form, Payload
from bot.slack.text import capital, channel_mention, escape, is_user
from commands.subscription_syntax import read_subscription
from commands.suggestions import app_field
from commands.tokenizer import ArgumentsUnclear, tokenize
from storage.subscriptions import CHANGES


@dataclass(frozen=True, slots=True)
class SubscriptionForm:
    """The submission. ``app_slug`` None is every app; a filter is None if its patterns didn't fit the form."""

    subscription_id: str
    app_slug: str | None
    style: str
    starts: bool
    filters: Mapping[str, tuple[str, ...] | None]

    def apply_to(self, existing: Filters) -> Filters:
        """Return the filters, each unchanged one as it was: ``!schedule`` is displayed as all the other causes."""
        displayed = {"outcome": chosen_of(existing.outcome, Outcome), "cause": chosen_of(existing.cause, Cause)}
        changed = {key: value for key, value in self.filters.items() if value not in (None, displayed.get(key))}
        return replace(existing, **changed)


def subscription_form(
    channel_id: str,
    *,
    subscription_id: str | None = None,
    app: Option | None = None,
    filters: Filters | None = None,
    style: str = "",
    starts: bool = False,
) -> Payload:
    """Return the form of a subscription, a new one without ``subscription_id``."""
    filters = filters or Filters()
    return FORM.view(
        channel_id=channel_id,
        subscription_id=subscription_id,
        heading=f"For {channel_mention(channel_id)}. Leave a field empty to match all builds.",
        app_slug=app,
        workflow=join_patterns(filters.workflow),
        branch=join_patterns(filters.branch),
        tag=join_patterns(filters.tag),
        outcome=chosen_of(filters.outcome, Outcome),
        cause=chosen_of(filters.cause, Cause),
        people=list(filter(is_user, filters.by)),
        by=join_patterns([with_at(pattern) for pattern in filters.by if not is_user(pattern)]),
        reason=join_patterns(filters.reason),
        style=style,
        starts=starts,
    )


def subscription_from_values(
    subscription_id: str, app_slug: str | None, style: str, starts: bool, people: tuple[str, ...], **filters: Any
) -> SubscriptionForm:
    """Join chosen people and typed names, which are one filter with one limit."""
    if filters["by"] is not None:
        filters["by"] = read_patterns("by", filters["by"], people)
    return SubscriptionForm(subscription_id, app_slug, style, starts, filters)


def check_by(values: Mapping[str, Any]) -> Mapping[str, str]:
    try:
        if values["by"] is not None:
            read_patterns("by", values["by"], values["people"])
    except ArgumentsUnclear as error:
        return {"by": error.sentence}
    return {}


# Patterns.


def read_patterns(key: str, text: str, people: Sequence[str] = ()) -> tuple[str, ...]:
    """Read patterns as if they had been typed after their key. Raises ArgumentsUnclear."""
    typed = [*(f"by:@{user_id}" for user_id in people), *typed_patterns(key, text)]
    patterns: tuple[str, ...] = getattr(read_subscription(tokenize(escape(" ".join(typed))))[1].filters, key)
    return patterns


def typed_patterns(key: str, text: str) -> list[str]:
    return [f"{key}:{quote(pattern)}" for pattern in split_patterns(tokenize(escape(text)).text)]


def join_patterns(patterns: Sequence[str]) -> str:
    """Return ``main, release/*``; a pattern with a comma is in quotes, as in CSV."""
    quotes = str.maketrans({'"': '""'})
    return ", ".join(f'"{each.translate(quotes)}"' if set(each) & set(',"') else each for each in patterns)


def split_patterns(text: str) -> list[str]:
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    return [pattern for row in rows for cell in row if (pattern := cell.strip())]


def with_at(pattern: str) -> str:
    """A user who is excluded can't be among the chosen people: ``!U012AB`` is typed as ``!@U012AB``."""
    name = pattern.removeprefix(EXCLUDES)
    return f"{EXCLUDES}@{name}" if is_user(name) else pattern


def chosen_of(patterns: Sequence[str], values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that match the patterns; none if all match."""
    every = tuple(map(str, values))
    included, excluded = split_excluded(patterns)
    taken = [value for value in every if not included or any(matches(each, value) for each in included)]
    chosen = tuple(value for value in taken if not any(matches(each, value) for each in excluded))
    return () if chosen == every else chosen


# The fields.


def patterns(name: str, label: str, placeholder: str, **more: Any) -> Text:
    overflow = f"{label}: too many to show here. They stay unchanged."
    more = {"parse": partial(read_patterns, name)} | more
    return Text(name, label, placeholder=placeholder, optional=True, overflow=overflow, **more)


def choices(name: str, label: str, placeholder: str, values: type[Outcome] | type[Cause]) -> MultiSelect:
    options = [choice(capital(value.label), value) for value in values]
    parse = partial(chosen_of, values=values)
    return MultiSelect(name, label, options, placeholder=placeholder, optional=True, parse=parse)


FORM = Form(
    ids.SUBSCRIPTION_EDIT, "subscribe", title="Channel notifications", submit="Save", record=subscription_from_values,
    check=check_by,
    fields=(
        Hidden("subscription_id"),
        Slot("heading"),
        app_field(or_all=True),
        patterns(
            "workflow", "Workflows and pipelines", "deploy, release-*",
            hint="Separate with commas. * matches anything; ! excludes.",
        ),
        patterns("branch", "Branches", "main, release/*, !release/old"),
        patterns("tag", "Tags", "v*"),
        choices("outcome", "Result", "Any result", Outcome),
        choices("cause", "Trigger", "Any trigger", Cause),
        Users("people", "Author", placeholder="Anybody", optional=True),
        patterns("by", "Git names", "octocat, !dependabot*", parse=str),
        patterns("reason", "Stop reason", ", ".join(list(Reason)[:3])),
        Radio(
            "style", "Notification style", default="card",
            options=(
                choice("A card for each build", "card", "All details and buttons"),
                choice("One line for each build", "line", "Only the result and the trigger"),
                choice("A thread for each branch", "thread", "One message per branch, with its builds in the thread"),
                choice(
                    "Only when the result changes", CHANGES,
                    "Broken, fixed or flaky. Aborted and skipped builds don't count",
                ),
            ),
        ),
        Checkbox(
            "starts", "Starts", "Also notify when a build starts",
            "Not available with result, reason or “only changes” filters",
        ),
    ),
)  # fmt: skip
