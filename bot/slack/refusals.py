"""What Slack's refusals of a message mean, by its word for them.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

UNREACHABLE = frozenset(
    [
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "restricted_action",
        "restricted_action_read_only_channel",
        "restricted_action_thread_only_channel",
        "user_not_in_channel",
        "messages_tab_disabled",
        "cannot_dm_bot",
        "user_not_found",
        "user_disabled",
        "user_not_visible",
    ]
)
CARD_LOST = frozenset(["message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"])
TOKEN_DEAD = frozenset(
    ["token_revoked", "token_expired", "invalid_auth", "not_authed", "account_inactive", "missing_scope"]
)
UNREADABLE = frozenset(["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
