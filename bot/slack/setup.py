"""Bitrise's webhooks in words: the offer, that it is done, and what to paste when the stored token may not do it."""

from __future__ import annotations

from slack_sdk.models.blocks import Block

from bot.slack import ids
from bot.slack.blocks import actions, button, message, section
from bot.slack.text import Message, code, quoted

EVENTS = "Build triggered, Build finished"


def offer(app_slug: str, app_title: str) -> list[Block]:
    """Below an answer about a subscription."""
    told = (
        f"Until Bitrise calls me, I look every minute, and more often while something of {quoted(app_title, 100)} runs."
    )
    ask = button(ids.WEBHOOK_ASK, "Let Bitrise call me", value=app_slug, label=f"Register a webhook for {app_title}")
    return [section(told), *actions(ask)]


def asked(app_title: str) -> Message:
    told = f"Done: Bitrise calls me at once when something happens to {quoted(app_title, 100)}."
    return message(told, section(told))


def to_paste(app_title: str, *, url: str, header: str, secret: str) -> Message:
    """For whoever is an admin of the app at Bitrise. It is told privately, for the secret is in it."""
    told = (
        f"The stored token may not change webhooks of {quoted(app_title, 100)} (that takes the role Admin). "
        "Somebody who may can do it by hand at Bitrise, in the app's settings under *Integrations*, *Webhooks*, "
        "*Outgoing webhooks*:"
    )
    fields = (
        f"URL: {code(url, 400)}\nEvents: {EVENTS}\nSecret: {code(secret)}\nHeader {code(header)} with the same secret."
    )
    return message(f"{told} see the message for the address and the secret.", section(told), section(fields))
