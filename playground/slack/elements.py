"""Schemas of block elements (buttons, selects, inputs), and the blocks each is allowed in.

https://docs.slack.dev/reference/block-kit/block-elements
"""

from __future__ import annotations

from playground.slack.objects import (
    ACTION_ID,
    CONFIRM,
    CONVERSATION_FILTER,
    DISPATCH_ACTION_CONFIG,
    PLAIN_OPTION,
    RICH_OPTION,
    SELECT_OPTIONS,
    SELECTED_MOST,
    SLACK_FILE,
    WORKFLOW,
    initial_is_offered,
    plain_text,
)
from playground.slack.schema import (
    Check,
    Rule,
    anything,
    choice,
    flag,
    listing,
    matching,
    needs_one_of,
    not_together,
    shape,
    string,
    url,
    whole,
)
from playground.slack.sizes import SIZES, fewest, longest, most

NUMBER = matching(r"-?\d+(\.\d+)?")
DATE = matching(r"\d{4}-\d{2}-\d{2}")
TIME = matching(r"([01]\d|2[0-3]):[0-5]\d")
ACTION = {"action_id": ACTION_ID}
FOCUS = {"focus_on_load": flag}


def _element(required: dict[str, Check], optional: dict[str, Check], *rules: Rule) -> Check:
    return shape({"type": string(), **required}, {**ACTION, **optional}, *rules)


def _menu(optional: dict[str, Check], *rules: Rule) -> Check:
    placeholder = plain_text(longest("select.placeholder"))
    return _element({}, {"placeholder": placeholder, "confirm": CONFIRM, **FOCUS, **optional}, *rules)


def _many(optional: dict[str, Check], *rules: Rule) -> Check:
    return _menu({"max_selected_items": SELECTED_MOST, **optional}, *rules)


def _typed(placeholder: str, optional: dict[str, Check]) -> Check:
    common = {"placeholder": plain_text(longest(f"{placeholder}.placeholder"))}
    return _element({}, {**common, "dispatch_action_config": DISPATCH_ACTION_CONFIG, **FOCUS, **optional})


def _within(name: str) -> Check:
    return whole(SIZES.get(f"{name}.min"), SIZES.get(f"{name}.max"))


BUTTON = _element(
    {"text": plain_text(longest("button.text"))},
    {
        "url": url(longest("button.url")),
        "value": string(longest("button.value")),
        "style": choice("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(longest("button.accessibility_label")),
        "agent_prompt": string(longest("button.agent_prompt")),
    },
)

WORKFLOW_BUTTON = _element(
    {"text": plain_text(longest("workflow_button.text")), "workflow": WORKFLOW},
    {
        "style": choice("primary", "danger"),
        "accessibility_label": string(longest("workflow_button.accessibility_label")),
    },
)

IMAGE = shape(
    {"type": string(), "alt_text": string(longest("image_element.alt_text"), least=1)},
    {"image_url": url(longest("image_element.image_url")), "slack_file": SLACK_FILE},
    needs_one_of("image_url", "slack_file"),
    not_together("image_url", "slack_file"),
)

OVERFLOW = _element(
    {"options": listing(PLAIN_OPTION, fewest("overflow.options"), most("overflow.options"))}, {"confirm": CONFIRM}
)

CHECKBOXES = _element(
    {"options": listing(RICH_OPTION, fewest("checkboxes.options"), most("checkboxes.options"))},
    {"initial_options": listing(RICH_OPTION, 1), "confirm": CONFIRM, **FOCUS},
    initial_is_offered,
)

RADIO_BUTTONS = _element(
    {"options": listing(RICH_OPTION, fewest("radio_buttons.options"), most("radio_buttons.options"))},
    {"initial_option": RICH_OPTION, "confirm": CONFIRM, **FOCUS},
    initial_is_offered,
)

ONE_KIND = (needs_one_of("options", "option_groups"), not_together("options", "option_groups"))
SEARCHED = {"min_query_length": whole(SIZES["select.min_query_length.min"])}
CONVERSATION = {"default_to_current_conversation": flag, "filter": CONVERSATION_FILTER}
ANSWERS = {"response_url_enabled": flag}
IDS = listing(string())

SELECTS: dict[str, Check] = {
    "static_select": _menu({**SELECT_OPTIONS, "initial_option": PLAIN_OPTION}, *ONE_KIND, initial_is_offered),
    "external_select": _menu({**SEARCHED, "initial_option": PLAIN_OPTION}),
    "users_select": _menu({"initial_user": string()}),
    "conversations_select": _menu({**CONVERSATION, **ANSWERS, "initial_conversation": string()}),
    "channels_select": _menu({**ANSWERS, "initial_channel": string()}),
    "multi_static_select": _many(
        {**SELECT_OPTIONS, "initial_options": listing(PLAIN_OPTION, 1)}, *ONE_KIND, initial_is_offered
    ),
    "multi_external_select": _many({**SEARCHED, "initial_options": listing(PLAIN_OPTION, 1)}),
    "multi_users_select": _many({"initial_users": IDS}),
    "multi_conversations_select": _many({**CONVERSATION, "initial_conversations": IDS}),
    "multi_channels_select": _many({"initial_channels": IDS}),
}

PICKERS: dict[str, Check] = {
    "datepicker": _element(
        {},
        {
            "initial_date": DATE,
            "confirm": CONFIRM,
            "placeholder": plain_text(longest("date_picker.placeholder")),
            **FOCUS,
        },
    ),
    "timepicker": _element(
        {},
        {
            "initial_time": TIME,
            "timezone": string(),
            "confirm": CONFIRM,
            "placeholder": plain_text(longest("time_picker.placeholder")),
            **FOCUS,
        },
    ),
    "datetimepicker": _element({}, {"initial_date_time": whole(0), "confirm": CONFIRM, **FOCUS}),
}

CHOICES: dict[str, Check] = {"checkboxes": CHECKBOXES, "radio_buttons": RADIO_BUTTONS, **SELECTS, **PICKERS}

TYPED: dict[str, Check] = {
    "plain_text_input": _typed(
        "plain_text_input",
        {
            "initial_value": string(),
            "multiline": flag,
            "min_length": _within("plain_text_input.min_length"),
            "max_length": _within("plain_text_input.max_length"),
        },
    ),
    "email_text_input": _typed("email_input", {"initial_value": string()}),
    "url_text_input": _typed("url_input", {"initial_value": string()}),
    "number_input": shape(
        {"type": string(), "is_decimal_allowed": flag},
        {
            **ACTION,
            **FOCUS,
            "initial_value": NUMBER,
            "min_value": NUMBER,
            "max_value": NUMBER,
            "placeholder": plain_text(longest("number_input.placeholder")),
            "dispatch_action_config": DISPATCH_ACTION_CONFIG,
        },
    ),
    "rich_text_input": _typed(
        "rich_text_input",
        {
            "initial_value": anything,
            "min_lines": _within("rich_text_input.min_lines"),
            "max_lines": _within("rich_text_input.max_lines"),
        },
    ),
}

FILE_INPUT = _element({}, {"filetypes": listing(string(), 1), "max_files": _within("file_input.max_files")})

_FEEDBACK_BUTTON = shape(
    {
        "text": plain_text(longest("feedback_button.text")),
        "value": string(longest("feedback_button.value")),
    },
    {"accessibility_label": string(longest("feedback_button.accessibility_label"))},
)

IN_CONTEXT_ACTIONS: dict[str, Check] = {
    "feedback_buttons": _element({"positive_button": _FEEDBACK_BUTTON, "negative_button": _FEEDBACK_BUTTON}, {}),
    "icon_button": _element(
        {"icon": choice("trash"), "text": plain_text(longest("button.text"))},
        {
            "value": string(longest("icon_button.value")),
            "confirm": CONFIRM,
            "accessibility_label": string(longest("icon_button.accessibility_label")),
            "visible_to_user_ids": listing(string(), 0, most("icon_button.visible_to_user_ids")),
        },
    ),
}

IN_ACTIONS: dict[str, Check] = {
    "button": BUTTON,
    "workflow_button": WORKFLOW_BUTTON,
    "overflow": OVERFLOW,
    **CHOICES,
}
IN_SECTION: dict[str, Check] = {**IN_ACTIONS, "image": IMAGE}
IN_INPUT: dict[str, Check] = {**CHOICES, **TYPED, "file_input": FILE_INPUT}
