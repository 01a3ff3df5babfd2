"""Schemas of composition objects: text, options, confirmations and other parts of elements.

https://docs.slack.dev/reference/block-kit/composition-objects
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playground.slack.schema import (
    Check,
    Finding,
    Findings,
    by_type,
    choice,
    flag,
    listing,
    needs_one_of,
    not_together,
    shape,
    string,
    url,
    whole,
)
from playground.slack.sizes import SIZES, fewest, longest, most


def plain_text(length: int) -> Check:
    return by_type({"plain_text": _text(length, emoji=flag)})


def any_text(length: int) -> Check:
    return by_type({"plain_text": _text(length, emoji=flag), "mrkdwn": _text(length, verbatim=flag)})


def _text(length: int, **optional: Check) -> Check:
    return shape({"type": string(), "text": string(length, least=SIZES["text.min_length"])}, optional)


ACTION_ID = string(longest("action_id"))
BLOCK_ID = string(longest("block_id"))

CONFIRM = shape(
    {
        "title": plain_text(longest("confirmation.title")),
        "text": any_text(longest("confirmation.text")),
        "confirm": plain_text(longest("confirmation.confirm")),
        "deny": plain_text(longest("confirmation.deny")),
    },
    {"style": choice("primary", "danger")},
)


def option(text: Check) -> Check:
    return shape(
        {"text": text, "value": string(longest("option.value"), least=1)},
        {"description": any_text(longest("option.description")), "url": url(longest("option.url"))},
    )


PLAIN_OPTION = option(plain_text(longest("option.text")))
RICH_OPTION = option(any_text(longest("option.text")))
"""Options of radio buttons, checkboxes and overflow menus, which may use mrkdwn."""

OPTION_GROUP = shape(
    {
        "label": plain_text(longest("option_group.label")),
        "options": listing(PLAIN_OPTION, fewest("option_group.options"), most("option_group.options")),
    }
)

SELECT_OPTIONS = {
    "options": listing(PLAIN_OPTION, fewest("select.options"), most("select.options")),
    "option_groups": listing(OPTION_GROUP, fewest("select.option_groups"), most("select.option_groups")),
}

SUGGESTIONS = shape(
    {},
    {
        "options": listing(PLAIN_OPTION, 0, most("select.options")),
        "option_groups": listing(OPTION_GROUP, 0, most("select.option_groups")),
    },
    not_together("options", "option_groups"),
)
"""The response to a block_suggestion, which may be empty."""

DISPATCH_ACTION_CONFIG = shape(
    {
        "trigger_actions_on": listing(
            choice("on_enter_pressed", "on_character_entered"),
            fewest("dispatch_action_configuration.trigger_actions_on"),
            most("dispatch_action_configuration.trigger_actions_on"),
        )
    }
)

CONVERSATION_FILTER = shape(
    {},
    {
        "include": listing(choice("im", "mpim", "private", "public"), fewest("conversation_filter.include")),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
    needs_one_of("include", "exclude_external_shared_channels", "exclude_bot_users"),
)

SLACK_FILE = shape({}, {"id": string(least=1), "url": url()}, needs_one_of("id", "url"), not_together("id", "url"))

TRIGGER = shape(
    {"url": url()},
    {"customizable_input_parameters": listing(shape({"name": string(), "value": string()}))},
)
WORKFLOW = shape({"trigger": TRIGGER})

SELECTED_MOST = whole(SIZES["multi_select.max_selected_items.min"])


def initial_is_offered(value: Mapping[str, Any], at: str, findings: Findings) -> None:
    """Check that the initial options are among the options."""
    offered = options_of(value)
    chosen = _listed(value, "initial_options") or [value.get("initial_option")]
    field = "initial_options" if value.get("initial_options") else "initial_option"
    if any(each is not None and each not in offered for each in chosen):
        findings.append(Finding(f"{at}/{field}", "must be one of the provided options"))


def options_of(element: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return every option of an unchecked element or suggestion response, grouped or not."""
    groups = [group for group in _listed(element, "option_groups") if isinstance(group, dict)]
    return [*_listed(element, "options"), *(option for group in groups for option in _listed(group, "options"))]


def _listed(holder: Mapping[str, Any], name: str) -> list[Any]:
    value = holder.get(name)
    return value if isinstance(value, list) else []
