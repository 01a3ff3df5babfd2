"""Verify deliveries of Bitrise's outgoing webhooks and parse which build they are about. Pure.

A delivery carries no time and no id, and may come twice, late or never, so it is only a hint to sync.
https://docs.bitrise.io/en/bitrise-ci/api/incoming-and-outgoing-webhooks.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.bitrise.http import SLUG
from bot.bitrise.parsing import as_mapping, as_text, parse_json

SIGNATURE_HEADER: Final = "Bitrise-Hook-Signature"
SECRET_HEADER: Final = "X-Buildbell-Secret"
"""Our own, registered with the URL: no page of Bitrise says that it signs."""
EVENT_HEADER: Final = "Bitrise-Event-Type"
APP_HEADER: Final = "Bitrise-App-Id"
EVENT = re.compile(r"[a-z_-]{1,30}/[a-z_-]{1,30}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """``event`` is ``build/triggered`` or ``build/finished`` so far; None is what is missing or can't be read."""

    event: str | None = None
    app_slug: str | None = None
    build_slug: str | None = None


def verify_delivery(*, raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Whether the sender knows ``secret``: by its signature of the raw body, or by our own header.

    A signature must be right if there is one. Only ``sha256=`` counts, which Bitrise sends; its old ``sha1=`` would
    be a second, weaker way in.
    """
    if not secret:
        return False
    if signatures := _header_values(headers, SIGNATURE_HEADER):
        expected = f"sha256={hmac.new(_encode(secret), raw, hashlib.sha256).hexdigest()}"
        return all(hmac.compare_digest(_encode(each), _encode(expected)) for each in signatures)
    secrets = _header_values(headers, SECRET_HEADER)
    return bool(secrets) and all(hmac.compare_digest(_encode(each), _encode(secret)) for each in secrets)


def parse_hint(raw: bytes, headers: Mapping[str, str]) -> WebhookHint:
    """Parse as much of a delivery as possible. Raises nothing."""
    fields = as_mapping(parse_json(raw))
    event, app_slug = (next(iter(_header_values(headers, name)), "") for name in (EVENT_HEADER, APP_HEADER))
    return WebhookHint(
        event=event if EVENT.fullmatch(event) else None,
        app_slug=_slug(fields.get("app_slug")) or _slug(app_slug),
        build_slug=_slug(fields.get("build_slug")),
    )


def _header_values(headers: Mapping[str, str], name: str) -> list[str]:
    return [value.strip() for key, value in headers.items() if key.lower() == name.lower()]


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # a header may hold bytes that aren't text


def _slug(value: object) -> str | None:
    slug = as_text(value)
    return slug if slug and SLUG.fullmatch(slug) else None
