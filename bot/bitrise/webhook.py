"""Bitrise's outgoing webhooks, where they come in: is it from there, and which build does it hint at. Pure.

A delivery has no time, no id and no name in it, and may come twice, late or never: it is a hint to look, no more.
https://docs.bitrise.io/en/bitrise-ci/api/incoming-and-outgoing-webhooks.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.bitrise.errors import parse
from bot.bitrise.fields import mapping, text
from bot.bitrise.http import SLUG

SIGNATURE_HEADER: Final = "Bitrise-Hook-Signature"
SECRET_HEADER: Final = "X-Buildbell-Secret"
"""Our own, given to Bitrise with the address: no page of Bitrise says that it signs."""
EVENT_HEADER: Final = "Bitrise-Event-Type"
APP_HEADER: Final = "Bitrise-App-Id"
EVENT = re.compile(r"[a-z_-]{1,30}/[a-z_-]{1,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that Bitrise tells of an app's builds. The address itself may be a secret, of ours or of others."""

    slug: str
    url: str | None = field(repr=False)
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """``event`` is ``build/triggered`` or ``build/finished`` so far; None is what was not said, or not understood."""

    event: str | None = None
    app_slug: str | None = None
    build_slug: str | None = None


def verify(*, raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether the sender knows ``secret``: by its signature over the very bytes, or by our own header.

    A signature that is there has to be right, whatever else is. Only ``sha256=``: that is what Bitrise sends, and its
    old ``sha1=`` would be a second, weaker door that nobody needs.
    """
    if not secret:
        return False
    if signatures := _all(headers, SIGNATURE_HEADER):
        expected = f"sha256={hmac.new(_bytes(secret), raw, hashlib.sha256).hexdigest()}"
        return all(_is_same(each, expected) for each in signatures)
    told = _all(headers, SECRET_HEADER)
    return bool(told) and all(_is_same(each, secret) for each in told)


def read_hint(raw: bytes, headers: Mapping[str, str]) -> WebhookHint:
    """What can be understood of a delivery. Raises nothing, whatever comes."""
    fields = mapping(parse(raw))
    event = next(iter(_all(headers, EVENT_HEADER)), "")
    return WebhookHint(
        event=event if EVENT.fullmatch(event) else None,
        app_slug=_slug(fields.get("app_slug")) or _slug(next(iter(_all(headers, APP_HEADER)), None)),
        build_slug=_slug(fields.get("build_slug")),
    )


def _all(headers: Mapping[str, str], name: str) -> list[str]:
    """Every value of that header, however its name is written."""
    return [value.strip() for key, value in headers.items() if key.lower() == name.lower()]


def _is_same(told: str, known: str) -> bool:
    return hmac.compare_digest(_bytes(told), _bytes(known))


def _bytes(words: str) -> bytes:
    return words.encode("utf-8", "surrogatepass")  # a header may hold bytes that are no text


def _slug(value: object) -> str | None:
    found = text(value)
    return found if found and SLUG.fullmatch(found) else None
