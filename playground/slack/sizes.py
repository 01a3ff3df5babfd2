"""Slack's numbers: how long a text and how many things may be, by the name of the part.

https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/reference/views. A name is
``part.field.what``, where ``what`` is ``max_length``, ``max_items``, ``min_items``, ``min`` or ``max``.
"""

from __future__ import annotations

SIZES = {
    "text.min_length": 1,
    "text.max_length": 3000,
    "action_id.max_length": 255,
    "block_id.max_length": 255,
    "button.text.max_length": 75,
    "button.url.max_length": 3000,
    "button.value.max_length": 2000,
    "button.accessibility_label.max_length": 75,
    "button.agent_prompt.max_length": 4000,
    "confirmation.title.max_length": 100,
    "confirmation.text.max_length": 300,
    "confirmation.confirm.max_length": 30,
    "confirmation.deny.max_length": 30,
    "option.text.max_length": 75,
    "option.value.max_length": 150,
    "option.description.max_length": 75,
    "option.url.max_length": 3000,
    "option_group.label.max_length": 75,
    "option_group.options.min_items": 1,
    "option_group.options.max_items": 100,
    "select.placeholder.max_length": 150,
    "select.options.min_items": 1,
    "select.options.max_items": 100,
    "select.option_groups.min_items": 1,
    "select.option_groups.max_items": 100,
    "select.min_query_length.min": 0,
    "overflow.options.min_items": 1,
    "overflow.options.max_items": 5,
    "checkboxes.options.min_items": 1,
    "checkboxes.options.max_items": 10,
    "radio_buttons.options.min_items": 1,
    "radio_buttons.options.max_items": 10,
    "file_input.max_files.min": 1,
    "file_input.max_files.max": 10,
    "plain_text_input.min_length.min": 0,
    "plain_text_input.min_length.max": 3000,
    "plain_text_input.max_length.min": 1,
    "plain_text_input.max_length.max": 3000,
    "plain_text_input.placeholder.max_length": 150,
    "email_input.placeholder.max_length": 150,
    "url_input.placeholder.max_length": 150,
    "number_input.placeholder.max_length": 150,
    "date_picker.placeholder.max_length": 150,
    "time_picker.placeholder.max_length": 150,
    "rich_text_input.placeholder.max_length": 150,
    "rich_text_input.min_lines.min": 1,
    "rich_text_input.min_lines.max": 100,
    "rich_text_input.max_lines.min": 1,
    "rich_text_input.max_lines.max": 100,
    "multi_select.max_selected_items.min": 1,
    "conversation_filter.include.min_items": 1,
    "dispatch_action_configuration.trigger_actions_on.min_items": 1,
    "dispatch_action_configuration.trigger_actions_on.max_items": 2,
    "actions.elements.max_items": 25,
    "alert.text.max_length": 200,
    "card.title.max_length": 150,
    "card.subtitle.max_length": 150,
    "card.body.max_length": 200,
    "card.subtext.max_length": 200,
    "card.actions.max_items": 3,
    "carousel.elements.min_items": 1,
    "carousel.elements.max_items": 10,
    "container.title.max_length": 150,
    "container.subtitle.max_length": 150,
    "container.child_blocks.min_items": 1,
    "container.child_blocks.max_items": 10,
    "context.elements.max_items": 10,
    "context_actions.elements.max_items": 5,
    "feedback_button.text.max_length": 75,
    "feedback_button.value.max_length": 2000,
    "feedback_button.accessibility_label.max_length": 75,
    "icon_button.value.max_length": 2000,
    "icon_button.accessibility_label.max_length": 75,
    "icon_button.visible_to_user_ids.max_items": 10,
    "workflow_button.text.max_length": 75,
    "workflow_button.accessibility_label.max_length": 75,
    "table.rows.max_items": 100,
    "table.columns.max_items": 20,
    "table.column_settings.max_items": 20,
    "data_table.rows.min_items": 2,
    "data_table.rows.max_items": 201,
    "header.text.max_length": 150,
    "image.image_url.max_length": 3000,
    "image.alt_text.max_length": 2000,
    "image.title.max_length": 2000,
    "image_element.image_url.max_length": 3000,
    "image_element.alt_text.max_length": 2000,
    "input.label.max_length": 2000,
    "input.hint.max_length": 2000,
    "markdown.text.max_length": 12000,
    "markdown.total_text.max_length": 12000,
    "plan.tasks.max_items": 50,
    "rich_text_list.indent.min": 0,
    "rich_text_list.indent.max": 8,
    "rich_text_list.offset.min": 0,
    "rich_text_list.border.min": 0,
    "rich_text_list.border.max": 1,
    "rich_text_quote.border.min": 0,
    "rich_text_quote.border.max": 1,
    "rich_text_preformatted.border.min": 0,
    "rich_text_preformatted.border.max": 1,
    "section.text.max_length": 3000,
    "section.fields.max_items": 10,
    "section.fields.item_max_length": 2000,
    "video.alt_text.max_length": 2000,
    "video.title.max_length": 200,
    "video.author_name.max_length": 50,
    "video.description.max_length": 200,
    "video.provider_name.max_length": 50,
    "video.thumbnail_url.max_length": 3000,
    "video.video_url.max_length": 3000,
    "video.title_url.max_length": 2000,
    "video.provider_icon_url.max_length": 2000,
    "message.data_visualizations.max_items": 2,
    "message.blocks.max_items": 50,
    "message.attachments.max_items": 100,
    "view.blocks.max_items": 100,
    "view.private_metadata.max_length": 3000,
    "view.callback_id.max_length": 255,
    "view.external_id.max_length": 255,
    "view.title.max_length": 24,
    "view.close.max_length": 24,
    "view.submit.max_length": 24,
}

POSTED_TEXT = 40_000
"""chat.postMessage cuts a longer text off. https://docs.slack.dev/reference/methods/chat.postMessage"""

UPDATED_TEXT = 4_000
"""chat.update refuses a longer text with ``msg_too_long``. https://docs.slack.dev/reference/methods/chat.update"""

MARKDOWN_TEXT = 12_000
STACK = 3
"""Views in one stack. https://docs.slack.dev/surfaces/modals"""


def longest(name: str) -> int:
    return SIZES[f"{name}.max_length"]


def most(name: str) -> int:
    return SIZES[f"{name}.max_items"]


def fewest(name: str) -> int:
    return SIZES[f"{name}.min_items"]
