"""Table of Slack's error codes: what becomes of a refused message and who is notified of it.

https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

from enum import StrEnum


class Remedy(StrEnum):
    """The reaction to an error code. `docs/reliability.md` explains each to operators."""

    WAIT = "wait"
    TOKEN = "token"
    CONTENT = "content"
    EDIT = "edit"
    THREAD = "thread"
    CHANNEL = "channel"
    RESPONSE_URL = "response_url"
    INTERACTION = "interaction"
    PREVIEW = "preview"
    CALL = "call"
    UNINSTALLED = "uninstalled"
    UNKNOWN = "unknown"


CODES: dict[Remedy, str] = {
    Remedy.WAIT: """
        external_channel_migrating fatal_error internal_error message_limit_exceeded rate_limited ratelimited
        request_timeout service_unavailable team_added_to_org update_failed
    """,
    Remedy.TOKEN: """
        accesslimited account_inactive ekm_access_denied enterprise_is_restricted invalid_auth missing_scope
        no_permission not_allowed_token_type not_authed org_login_required team_access_not_granted token_expired
        token_revoked two_factor_setup_required
    """,
    Remedy.CONTENT: """
        attachment_payload_limit_exceeded blocked_file_type file_deleted file_is_deleted file_not_found
        file_share_limit_reached invalid_arguments invalid_array_arg invalid_attachments invalid_blocks
        invalid_blocks_format invalid_charset invalid_metadata_format invalid_metadata_schema markdown_text_conflict
        max_file_sharing_exceeded metadata_must_be_sent_from_app metadata_too_large missing_file_data
        msg_blocks_too_long msg_too_long no_text slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked
        slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
        slack_connect_file_upload_sharing_blocked slack_connect_lists_sharing_blocked too_many_attachments
        too_many_contact_cards unable_to_share_files
    """,
    Remedy.EDIT: """
        block_mismatch cant_broadcast_message cant_update_message edit_window_closed message_not_found
        no_dual_broadcast_content_update streaming_state_conflict
    """,
    Remedy.THREAD: """
        cannot_reply_to_message restricted_action_non_threadable_channel restricted_action_thread_locked thread_locked
        thread_not_found
    """,
    Remedy.CHANNEL: """
        access_denied app_access_restricted cannot_dm_bot channel_is_limited_access channel_not_found is_archived
        is_inactive messages_tab_disabled not_in_channel posting_to_channel_denied restricted_action
        restricted_action_read_only_channel restricted_action_thread_only_channel team_not_found user_disabled
        user_not_found user_not_in_channel user_not_visible
    """,
    Remedy.RESPONSE_URL: """
        action_prohibited expired_url http_400 http_403 http_404 http_410 no_service no_team used_url
    """,
    Remedy.INTERACTION: """
        alt_txt_too_large channels_limit_exceeded duplicate_external_id exchanged_trigger_id expired_trigger_id
        file_type_not_allowed file_update_failed file_upload_size_restricted file_uploads_disabled
        file_uploads_except_images_disabled hash_conflict invalid_channel invalid_trigger_id missing_argument
        missing_profile_id not_enabled not_found not_implemented push_limit_reached snippet_too_large
        storage_limit_reached unknown_snippet_type unknown_subtype view_too_large
    """,
    Remedy.PREVIEW: """
        cannot_auth_user cannot_find_channel cannot_find_message cannot_find_service cannot_parse_attachment
        cannot_prompt cannot_unfurl_message cannot_unfurl_url invalid_source invalid_unfurl_id invalid_unfurls_format
        missing_channel missing_source missing_ts missing_unfurl_id missing_unfurls
    """,
    Remedy.CALL: """
        as_user_not_supported deprecated_endpoint draft_already_deleted draft_already_sent draft_has_conflict
        draft_not_found duplicate_channel_not_found duplicate_message_not_found invalid_arg_name invalid_form_data
        invalid_post_type is_bot method_deprecated missing_post_type send_on_behalf_not_allowed unknown_method
    """,
    Remedy.UNINSTALLED: "not_installed",
}
REMEDIES = {code: remedy for remedy, codes in CODES.items() for code in codes.split()}


def remedy_of(error: str) -> Remedy:
    return REMEDIES.get(error, Remedy.UNKNOWN)
