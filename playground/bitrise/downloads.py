"""Signed download URLs, valid for ten minutes without a token, like those of Bitrise's storage."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from playground.bitrise.refusals import Refused

LIVES_FOR = timedelta(minutes=10)


class Signer:
    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def sign(self, url: str, path: str, now: datetime) -> str:
        expires = str(int((now + LIVES_FOR).timestamp()))
        return f"{url}{path}?expires={expires}&signature={self._signature(path, expires)}"

    def check(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now: datetime) -> None:
        """Check a URL. It is refused if it is forged, expired, or sent with a token (two authentications)."""
        if "Authorization" in headers:
            raise Refused(400, "Only one auth mechanism allowed", form="html")
        expires = query.get("expires", "")
        good = hmac.compare_digest(self._signature(path, expires), query.get("signature", ""))
        if not good or now.timestamp() >= float(expires):
            raise Refused(403, "Access denied: the request has expired", form="html")

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}?{expires}".encode(), hashlib.sha256).hexdigest()
