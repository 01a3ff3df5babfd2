"""The form that takes the Bitrise token: what it is for, who sees it, and the notices about its check."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.errors import BuildbellError
from bot.slack import ids
from bot.slack.blocks import Block, context, section
from bot.slack.fields import Slot, Text
from bot.slack.forms import Form, Payload, notice
from bot.slack.text import escape, one_line, plural, quoted

TOKEN_LIMIT = 500
TOKEN_LEAST = 20
WRAPPING = " \"'`<>\u201c\u201d\u2018\u2019"
"""Characters to strip from a pasted token: a phone's quotes, code formatting."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
_OF_SLACK = re.compile(r"x(?:ox[a-z]|app|oxe)[-.]")

EXPLANATION = (
    "One Bitrise token serves this whole Slack workspace: it reaches every app its owner can reach, "
    "and nothing is set up app by app.\n"
    "• *What is stored:* the token, sealed with AES-GCM under a key that only this Buildbell has, "
    "and the name of its owner.\n"
    "• *Who sees it:* nobody. It is sent to Bitrise only; it is never shown again, logged or put on a command line.\n"
    "• *What it can do:* whatever its owner may do. Everybody in this workspace starts and stops builds with it."
)
RECOMMENDATION = (
    "Take a *workspace API token*, or a personal token of a *dedicated user with the Developer role*: "
    "a Tester cannot start builds, and a token of a person stops when that person leaves."
)


@dataclass(frozen=True, slots=True)
class ConnectForm:
    """``token`` stays out of reprs."""

    token: str = field(repr=False)


def connect_form(
    *, channel_id: str | None = None, connected_as: str | None = None, failure: str | None = None
) -> Payload:
    """``connected_as`` names the owner of the token that will be replaced; ``failure`` says why the last try failed.

    The field is always empty: a token never travels back to a client.
    """
    blocks: list[Block] = []
    if failure:
        blocks.append(section(f"⚠️ *That did not work.* {quoted(failure, 1_000)}"))
    if connected_as:
        kept = f"Connected as {quoted(connected_as, 100)}. That token stays until the new one has been tested."
        blocks.append(section(kept))
    return FORM.view(channel_id=channel_id, status=blocks)


def read_token(text: str) -> str:
    """No error repeats what was typed."""
    token = one_line(text).strip(WRAPPING)
    if not token:
        raise BuildbellError("Paste a Bitrise token.")
    if _OF_SLACK.match(token):
        raise BuildbellError("That is a token of Slack. Bitrise's begin with bitpat_ or bitwat_.")
    if " " in token:
        raise BuildbellError("A token is one word. Paste only the token.")
    if not _TOKEN.fullmatch(token) or len(token) < TOKEN_LEAST:
        raise BuildbellError("That does not look like a Bitrise token: it is too short or has signs that no token has.")
    return token


FORM = Form(
    ids.CONNECTION_CONNECT, "connect", title="Connect Bitrise", submit="Connect", record=ConnectForm,
    fields=(
        Slot("status"),
        section(EXPLANATION),
        section(RECOMMENDATION),
        Text("token", "Bitrise token", placeholder="bitpat_… or bitwat_…", limit=TOKEN_LIMIT, parse=read_token),
        context("It is tested with one harmless call before it is stored."),
    ),
)  # fmt: skip


# Notices.


def checking_view() -> Payload:
    """While Bitrise is asked; updated with what comes of it."""
    return notice("Connect Bitrise", "⏳ Checking the token with Bitrise… You may close this window.")


def connected_view(owner: str, apps: int, *, command: str) -> Payload:
    advice = "" if apps else " It reaches no app yet: give its owner a role in one."
    return notice(
        "Connect Bitrise",
        f"✅ *Connected as {quoted(owner, 100)}, {plural(apps, 'app')}.*{advice}",
        f"Try `{escape(command)}` in a channel to start a build.",
    )
