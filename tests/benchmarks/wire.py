"""What Slack and Bitrise send, as bytes: each request is another one, so that nobody gets away with remembering it."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import random
import time
from collections.abc import Iterator
from urllib.parse import urlencode

SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, USER, CHANNEL = "T0001EXAMP", "U2147483697", "C2147483705"
NUMBERS = itertools.count(random.getrandbits(32) << 20)


def slash_fields(number: int) -> dict[str, str]:
    """``/build shop deploy feature-N``: no two are equal, else the second would be asked about instead of started."""
    return {
        "token": "gIkuvaNzQIHg97ATvDxqgjtO", "team_id": TEAM, "team_domain": "example", "channel_id": CHANNEL,
        "channel_name": "ci", "user_id": USER, "user_name": "steve", "command": "/build",
        "text": f"shop deploy feature-{number:x}", "api_app_id": "A123456789", "is_enterprise_install": "false",
        "response_url": f"https://hooks.slack.com/commands/{TEAM}/{number}/abcdefghijklmnopqrstuvwx",
        "trigger_id": f"13345224609.738474920.{number:032x}",
    }  # fmt: skip


def button_fields(number: int) -> dict[str, str]:
    """A press on the link button of a card: nothing is stored, only found and acknowledged."""
    payload = {
        "type": "block_actions", "team": {"id": TEAM, "domain": "example"}, "api_app_id": "A123456789",
        "user": {"id": USER, "username": "steve", "name": "steve", "team_id": TEAM}, "token": "gIkuvaNzQIHg97ATvDxqgjt",
        "container": {"type": "message", "message_ts": "1548261231.000200", "channel_id": CHANNEL},
        "trigger_id": f"13345224609.738474920.{number:032x}", "channel": {"id": CHANNEL, "name": "ci"},
        "message": {"bot_id": "BAH5CA16Z", "type": "message", "text": "Build #123 is running", "ts": "1548261231.0002"},
        "response_url": f"https://hooks.slack.com/actions/{TEAM}/{number}/abcdefghijklmnopqrstuvwx",
        "actions": [{"action_id": "build.open", "block_id": "b2", "type": "button", "value": f"build-{number:x}",
                     "text": {"type": "plain_text", "text": "Open"}, "action_ts": "1548426417.840180"}],
    }  # fmt: skip
    return {"payload": json.dumps(payload)}


def signed(body: bytes, path: str = "/slack/events") -> bytes:
    """A whole HTTP request with Slack's signature of now."""
    sent_at = str(int(time.time()))
    signature = hmac.new(SIGNING_SECRET.encode(), b"v0:" + sent_at.encode() + b":" + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\n"
        "Accept-Encoding: gzip,deflate\r\nAccept: application/json,*/*\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"X-Slack-Signature: v0={signature}\r\nX-Slack-Request-Timestamp: {sent_at}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def commands() -> Iterator[bytes]:
    """Slash commands without end."""
    for number in NUMBERS:
        yield signed(urlencode(slash_fields(number)).encode())


def presses() -> Iterator[bytes]:
    for number in NUMBERS:
        yield signed(urlencode(button_fields(number)).encode())
