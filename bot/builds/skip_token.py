"""Parse skip requests from build steps and verify their token. Pure.

The secret of an app is derived from the secret of the workspace and the app's slug. So the secret of one app can't skip
builds of another, and the secret of the workspace is never shown.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from bot.bitrise.http import SLUG
from bot.domain.abort_reasons import Reason, one_line
from storage.builds import BuildRow

MAX_SENTENCE = 200
MAX_FIELDS = 20
BEARER = re.compile(r"Bearer bbskip_(?P<key>[0-9a-f]{32})_(?P<proof>[0-9a-f]{64})", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
MIN_COMMIT = 7


@dataclass(frozen=True, slots=True)
class SkipRequest:
    """``key`` identifies the workspace, ``proof`` shows that the sender has the app's secret.

    ``commit`` is empty for a build that was started without one, ``request_id`` for one that we did not start.
    """

    key: str
    proof: str = field(repr=False)
    app_slug: str
    build_slug: str
    build_number: int
    commit: str = ""
    request_id: str = field(default="", repr=False)
    reason: str = Reason.NO_CHANGES
    sentence: str = ""


def app_secret(key: str, secret: str, app_slug: str) -> str:
    """Return the secret for the steps of one app, derived from the key and the secret of the workspace."""
    return f"bbskip_{key}_{derive_proof(secret, app_slug)}"


def parse_skip(raw: bytes, headers: Mapping[str, str]) -> SkipRequest | None:
    """Return None for anything malformed; raises nothing."""
    token = BEARER.fullmatch(headers.get("Authorization", "").strip())
    try:
        fields = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        return None
    number, app_slug, build_slug = (fields.get(name, "") for name in ("number", "app", "build"))
    if token is None or not (NUMBER.fullmatch(number) and SLUG.fullmatch(app_slug) and SLUG.fullmatch(build_slug)):
        return None
    return SkipRequest(
        key=token["key"],
        proof=token["proof"],
        app_slug=app_slug,
        build_slug=build_slug,
        build_number=int(number),
        commit=fields.get("commit", ""),
        request_id=fields.get("request", ""),
        reason=fields.get("reason") or Reason.NO_CHANGES,
        sentence=one_line(fields.get("sentence", ""))[:MAX_SENTENCE],
    )


def verify(request: SkipRequest, secret: str) -> bool:
    """Whether the sender has the secret of the app."""
    return bool(secret) and hmac.compare_digest(request.proof, derive_proof(secret, request.app_slug))


def matches(request: SkipRequest, build: BuildRow) -> bool:
    """Whether the build is the one that its step describes. Only that build knows the id of a start of ours."""
    return (
        not build.is_pipeline
        and build.app_slug == request.app_slug
        and build.number == request.build_number
        and (not request.commit or not build.commit_hash or is_same_commit(request.commit, build.commit_hash))
        and hmac.compare_digest((build.request_id or "").encode(), request.request_id.encode("utf-8", "replace"))
    )


def is_same_commit(one: str, other: str) -> bool:
    """Compare two hashes, of which either may be shortened."""
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return shorter == longer or (len(shorter) >= MIN_COMMIT and longer.startswith(shorter))


def derive_proof(secret: str, app_slug: str) -> str:
    return hmac.new(secret.encode(), f"skip:{app_slug}".encode(), hashlib.sha256).hexdigest()
