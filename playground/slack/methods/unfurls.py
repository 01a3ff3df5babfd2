"""chat.unfurl: https://docs.slack.dev/reference/methods/chat.unfurl"""

from __future__ import annotations

from html import unescape
from typing import Any

from playground.slack.calls import Call
from playground.slack.core import Core
from playground.slack.errors import SlackError, refusal
from playground.slack.links import COMPOSER, Draft, SharedLinks, links_in
from playground.slack.posts import find_channel
from playground.slack.schema import Finding, Findings
from playground.slack.state import initial_values, name_all
from playground.slack.validation import check_blocks
from playground.slack.world import JSON, Installation, Message

FIELDS = {"blocks", "color", "fallback", "fields", "footer", "image_url", "preview", "text", "title", "title_link"}
CONTENT = ("blocks", "text", "title", "fallback")
NO_TEXT = "[no preview available]"


def unfurl(core: Core, call: Call) -> JSON:
    """Add an attachment to each link; a later call replaces it."""
    unfurls = _unfurls(call)
    place = _by_id(core, call) if call.given("unfurl_id") or call.given("source") else _by_ts(core, call)
    attachments = {_link(core, call.bot, place, url): content for url, content in unfurls.items()}
    for url, content in attachments.items():
        if found := _findings(core, call.bot, url, content):
            raise refusal("cannot_parse_attachment", found)
    for url, content in attachments.items():
        _hang(core, call.bot, place, url, content)
    return {}


def _unfurls(call: Call) -> JSON:
    unfurls = call.nested("unfurls")
    if unfurls in (None, ""):
        raise SlackError("missing_unfurls")
    if not isinstance(unfurls, dict) or not unfurls or not all(isinstance(each, dict) for each in unfurls.values()):
        raise SlackError("invalid_unfurls_format")
    return unfurls


def _by_id(core: Core, call: Call) -> Message | Draft:
    for name in ("unfurl_id", "source"):
        if not call.given(name):
            raise SlackError(f"missing_{name}")
    if call.text("source") not in ("composer", "conversations_history"):
        raise SlackError("invalid_source")
    shared = core.links.with_id(call.bot, call.text("unfurl_id"), call.text("source"))
    if shared is None:
        raise SlackError("invalid_unfurl_id")
    return _standing(call.bot, shared)


def _standing(app: Installation, shared: SharedLinks) -> Message | Draft:
    place = shared.place
    if isinstance(place, Message):
        _check_may_unfurl(app, place)
    return place


def _by_ts(core: Core, call: Call) -> Message | Draft:
    for name in ("channel", "ts"):
        if not call.given(name):
            raise SlackError(f"missing_{name}")
    if call.text("channel") == COMPOSER:
        return _draft(core, call)
    try:
        channel = find_channel(core.world, call.bot, call.text("channel"))
    except SlackError as error:
        raise SlackError("cannot_find_channel") from error
    message = channel.find(call.text("ts"))
    if message is None:
        raise SlackError("cannot_find_message")
    _check_may_unfurl(call.bot, message)
    return message


def _draft(core: Core, call: Call) -> Message | Draft:
    shared = core.links.with_id(call.bot, call.text("ts"), "composer")
    if shared is None:
        raise SlackError("cannot_find_message")
    return shared.place


def _check_may_unfurl(app: Installation, message: Message) -> None:
    """Require membership of the channel, as for messages. Slack's documentation leaves it open."""
    if message.channel.find(message.ts) is not message:
        raise SlackError("cannot_find_message")
    if app.bot_user not in message.channel.members or message.channel.is_archived:
        raise SlackError("no_permission")


def _link(core: Core, app: Installation, place: Message | Draft, url: str) -> str:
    """Return the link as the message has it. The app must have got it in ``link_shared``."""
    written = next((each for each in links_in(place.text) if unescape(each) == unescape(url)), None)
    if written is None:
        raise SlackError("cannot_unfurl_message")
    shared = core.links.about(app, place)
    if shared is None or written not in shared.links:
        raise SlackError("cannot_unfurl_url")
    return written


def _findings(core: Core, app: Installation, url: str, content: JSON) -> Findings:
    at = f"/unfurls/{url.replace('~', '~0').replace('/', '~1')}"
    if unknown := set(content) - FIELDS:
        return [Finding(at, f"invalid additional property: {name}") for name in sorted(unknown)]
    if not any(content.get(name) for name in CONTENT):
        return [Finding(at, f"one of these fields is required: {', '.join(CONTENT)}")]
    blocks = content.get("blocks") or []
    return check_blocks(blocks, "unfurl", f"{at}/blocks") or core.files.check(app, blocks, f"{at}/blocks")


def _hang(core: Core, app: Installation, place: Message | Draft, url: str, content: JSON) -> None:
    before = place.unfurls.get(url)
    blocks = name_all(content.get("blocks") or [], core.world.letters)
    hung: dict[str, Any] = {
        "id": before["id"] if before else _next_id(place),
        "app_id": app.app.id,
        "bot_id": app.bot_id,
        "bot_team_id": app.team.id,
        "app_unfurl_url": url,
        "from_url": url,
        "is_app_unfurl": True,
        "fallback": NO_TEXT,
    }
    # the preview is for the composer; Slack ignores it under a posted message
    kept = FIELDS if isinstance(place, Draft) else FIELDS - {"preview"}
    hung |= {name: value for name, value in content.items() if name in kept and value is not None}
    place.unfurls[url] = {**hung, "blocks": blocks} if blocks else hung
    if isinstance(place, Message):
        place.state = {**place.state, **initial_values(blocks, kept=place.state)}


def _next_id(place: Message | Draft) -> int:
    others = len(place.attachments) if isinstance(place, Message) else 0
    return others + len(place.unfurls) + 1
