"""The connect form: what a token is for, who sees it, and the views that tell how the check went."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.models.blocks import Block

from bot.slack import ids
from bot.slack.blocks import context, section
from bot.slack.forms import FormRefused, Payload, modal, notice, read_lines, text_input
from bot.slack.text import escape, one_line, quoted

TOKEN_LIMIT = 500
TOKEN_LEAST = 20
WRAPPING = " \"'`<>\u201c\u201d\u2018\u2019"
"""What sticks to a pasted token: quotes of a phone, a code span."""

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
    blocks += [section(EXPLANATION), section(RECOMMENDATION)]
    blocks += [
        text_input(
            ids.CONNECT_TOKEN, "Bitrise token", placeholder="bitpat_… or bitwat_…", optional=False, limit=TOKEN_LIMIT
        ),
        context("It is tested with one harmless call before it is stored."),
    ]
    return modal(ids.CONNECTION_CONNECT, "Connect Bitrise", blocks, submit="Connect", metadata={"channel": channel_id})


def checking_view() -> Payload:
    """While Bitrise is asked; updated with what comes of it."""
    return notice("Connect Bitrise", "⏳ Checking the token with Bitrise… You may close this window.")


def connected_view(owner: str, apps: int, *, command: str) -> Payload:
    count = f"{apps} app{'' if apps == 1 else 's'}"
    advice = "" if apps else " It reaches no app yet: give its owner a role in one."
    return notice(
        "Connect Bitrise",
        f"✅ *Connected as {quoted(owner, 100)}, {count}.*{advice}",
        f"Try `{escape(command)}` in a channel to start a build.",
    )


def disconnected_sentence() -> str:
    return "The Bitrise token is forgotten. Revoke it at Bitrise too if nothing else uses it."


def read_connect_form(view: Mapping[str, Any]) -> ConnectForm:
    """The submission. Raises `FormRefused`; no error repeats what was typed."""
    token = one_line(read_lines(view, ids.CONNECT_TOKEN)).strip(WRAPPING)
    if wrong := _wrong_token(token):
        raise FormRefused({ids.CONNECT_TOKEN: wrong})
    return ConnectForm(token)


def _wrong_token(token: str) -> str | None:
    if not token:
        return "Paste a Bitrise token."
    if _OF_SLACK.match(token):
        return "That is a token of Slack. Bitrise's begin with bitpat_ or bitwat_."
    if " " in token:
        return "A token is one word. Paste only the token."
    if not _TOKEN.fullmatch(token) or len(token) < TOKEN_LEAST:
        return "That does not look like a Bitrise token: it is too short or has signs that no token has."
    return None
