"""The table of Web API methods with their requirements. Other methods are ``unknown_method``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.limits import Tier
from playground.slack.methods import chat, conversations, files, oauth, people, sockets, unfurls, views
from playground.slack.world import JSON

Answer = Callable[[Core, Call], JSON]


@dataclass(frozen=True, slots=True)
class Method:
    """A method: the ``scope`` and kind of ``token`` it requires, and ``needs``, its non-empty arguments."""

    name: str
    answer: Answer
    tier: Tier
    scope: str | None = None
    needs: tuple[str, ...] = ()
    token: Literal["bot", "app", "any", "none"] = "bot"


# Tiers: https://docs.slack.dev/apis/web-api/rate-limits and each method's own page.
_TABLE = (
    Method("apps.connections.open", sockets.open_connection, Tier.ONE, "connections:write", token="app"),
    Method("auth.revoke", people.auth_revoke, Tier.THREE),
    Method("auth.test", people.auth_test, Tier.HUNDREDS, token="any"),
    Method("blocks.validate", views.validate, Tier.HUNDREDS),
    Method("chat.delete", chat.delete, Tier.THREE, "chat:write", ("channel", "ts")),
    Method("chat.getPermalink", chat.get_permalink, Tier.HUNDREDS, None, ("channel", "message_ts")),
    Method("chat.postEphemeral", chat.post_ephemeral, Tier.FOUR, "chat:write", ("channel", "user")),
    Method("chat.postMessage", chat.post_message, Tier.POST, "chat:write", ("channel",)),
    Method("chat.unfurl", unfurls.unfurl, Tier.THREE, "links:write"),
    Method("chat.update", chat.update, Tier.THREE, "chat:write", ("channel", "ts")),
    Method("conversations.info", conversations.info, Tier.THREE, None, ("channel",)),
    Method("conversations.join", conversations.join, Tier.THREE, "channels:join", ("channel",)),
    Method("conversations.list", conversations.list_all, Tier.TWO),
    Method("conversations.members", conversations.members, Tier.FOUR, None, ("channel",)),
    Method("conversations.open", conversations.open_conversation, Tier.THREE, "im:write"),
    Method("files.completeUploadExternal", files.complete_upload, Tier.FOUR, "files:write", ("files",)),
    Method("files.getUploadURLExternal", files.get_upload_url, Tier.FOUR, "files:write", ("filename", "length")),
    Method("oauth.v2.access", oauth.access, Tier.FOUR, token="none"),
    Method("reactions.add", people.add_reaction, Tier.THREE, "reactions:write", ("channel", "name", "timestamp")),
    Method("team.info", people.team_info, Tier.THREE, "team:read"),
    Method("users.info", people.user_info, Tier.FOUR, "users:read", ("user",)),
    Method("users.list", people.user_list, Tier.TWO, "users:read"),
    Method("users.lookupByEmail", people.user_by_email, Tier.THREE, "users:read.email", ("email",)),
    Method("views.open", views.open_view, Tier.FOUR, None, ("trigger_id", "view")),
    Method("views.publish", views.publish, Tier.FOUR, None, ("user_id", "view")),
    Method("views.push", views.push, Tier.FOUR, None, ("trigger_id", "view")),
    Method("views.update", views.update, Tier.FOUR, None, ("view",)),
)

METHODS = {method.name: method for method in _TABLE}
