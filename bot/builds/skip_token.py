"""What a step of a running build says about its build, and the secret that lets it speak. Pure.

The secret of an app is made from the secret of the workspace and the app's slug: what is stored in one app is of no use
for the builds of another, and the workspace's own secret never leaves us.
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

SENTENCE_CHARACTERS = 200
MOST_FIELDS = 20
BEARER = re.compile(r"Bearer bbskip_(?P<key>[0-9a-f]{32})_(?P<proof>[0-9a-f]{64})", re.ASCII)
NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
LEAST_OF_A_COMMIT = 7


@dataclass(frozen=True, slots=True)
class Claim:
    """``key`` names the workspace, ``proof`` is what only a holder of the app's secret can say.

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
    """What a step of that app's builds carries."""
    return f"bbskip_{key}_{_proof(secret, app_slug)}"


def read_claim(raw: bytes, headers: Mapping[str, str]) -> Claim | None:
    """What a request says, None when it cannot be one of ours. Raises nothing, whatever comes."""
    carried = BEARER.fullmatch(headers.get("Authorization", "").strip())
    try:
        told = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return None
    number = told.get("number", "")
    slugs = (told.get("app", ""), told.get("build", ""))
    if carried is None or not NUMBER.fullmatch(number) or not all(SLUG.fullmatch(slug) for slug in slugs):
        return None
    return Claim(
        key=carried["key"],
        proof=carried["proof"],
        app_slug=slugs[0],
        build_slug=slugs[1],
        build_number=int(number),
        commit=told.get("commit", ""),
        request_id=told.get("request", ""),
        reason=told.get("reason") or Reason.NO_CHANGES,
        sentence=one_line(told.get("sentence", ""))[:SENTENCE_CHARACTERS],
    )


def is_true(claim: Claim, secret: str) -> bool:
    """Whether whoever says it holds the secret of the app that it names."""
    return bool(secret) and hmac.compare_digest(claim.proof, _proof(secret, claim.app_slug))


def fits(claim: Claim, build: BuildRow) -> bool:
    """Whether the build is as its step says. The id of a start of ours is known to that build alone."""
    return (
        not build.is_pipeline
        and build.app_slug == claim.app_slug
        and build.number == claim.build_number
        and (not claim.commit or not build.commit_hash or _is_same_commit(claim.commit, build.commit_hash))
        and hmac.compare_digest((build.request_id or "").encode(), claim.request_id.encode("utf-8", "replace"))
    )


def _is_same_commit(one: str, other: str) -> bool:
    """Either may be shortened."""
    shorter, longer = sorted((one.lower(), other.lower()), key=len)
    return shorter == longer or (len(shorter) >= LEAST_OF_A_COMMIT and longer.startswith(shorter))


def _proof(secret: str, app_slug: str) -> str:
    return hmac.new(secret.encode(), f"skip:{app_slug}".encode(), hashlib.sha256).hexdigest()
