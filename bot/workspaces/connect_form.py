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
    "One token connects this whole Slack workspace to every app that its owner can access. "
    "No setup per app.\n"
    "• *Stored:* the token, encrypted with a key that only this Buildbell has, and its owner's name.\n"
    "• *Visible to:* nobody. Buildbell sends it to Bitrise only, and never shows or logs it.\n"
    "• *Allows:* everything its owner can do. Everybody in this workspace starts and stops builds with it."
)
RECOMMENDATION = (
    "Use a *workspace API token*, or a personal token of a *dedicated user with the Developer role*. "
    "Testers can't start builds, and a person's token stops working when they leave."
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
        blocks.append(section(f"⚠️ *Couldn't connect Bitrise.* {quoted(failure, 1_000)}"))
    if connected_as:
        kept = f"Connected as {quoted(connected_as, 100)}. That token is kept until the new one is verified."
        blocks.append(section(kept))
    return FORM.view(channel_id=channel_id, status=blocks)


def read_token(text: str) -> str:
    """No error repeats what was typed."""
    token = one_line(text).strip(WRAPPING)
    if not token:
        raise BuildbellError("Paste a Bitrise token.")
    if _OF_SLACK.match(token):
        raise BuildbellError("That's a Slack token. Bitrise tokens start with bitpat_ or bitwat_.")
    if " " in token:
        raise BuildbellError("Tokens can't contain spaces. Paste only the token.")
    if not _TOKEN.fullmatch(token) or len(token) < TOKEN_LEAST:
        raise BuildbellError("That doesn't look like a Bitrise token: it's too short or contains invalid characters.")
    return token


FORM = Form(
    ids.CONNECTION_CONNECT, "connect", title="Connect Bitrise", submit="Connect", record=ConnectForm,
    fields=(
        Slot("status"),
        section(EXPLANATION),
        section(RECOMMENDATION),
        Text("token", "Bitrise token", placeholder="bitpat_… or bitwat_…", limit=TOKEN_LIMIT, parse=read_token),
        context("Buildbell verifies the token with a read-only request before storing it."),
    ),
)  # fmt: skip


# Notices.


def checking_view() -> Payload:
    """While Bitrise is asked; updated with what comes of it."""
    return notice("Connect Bitrise", "⏳ Verifying the token with Bitrise… You can close this window.")


def connected_view(owner: str, apps: int, *, command: str) -> Payload:
    advice = "" if apps else " It can't access any app yet. In Bitrise, give its owner a role in one."
    return notice(
        "Connect Bitrise",
        f"✅ *Connected as {quoted(owner, 100)}, {plural(apps, 'app')}.*{advice}",
        f"To start a build, run `{escape(command)}` in a channel.",
    )
