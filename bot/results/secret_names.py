"""Tell names of secrets (``MATCH_PASSWORD``, ``--api-key``, ``storePassword``) from names of other things. Pure.

The last words decide: ``token_url`` is a URL, ``url_token`` is a token.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""The words of ``API_TOKEN``, ``api-token``, ``apiToken`` and ``APIToken``."""
_SECRETS = _words(
    "apikey authorization cookie credential cred jwt otp passcode passphrase passwd password pat psw pwd secret token"
)
_ENDINGS = ("apikey", "credentials", "keypass", "passphrase", "passwd", "password", "secret", "storepass", "token")
"""Endings of words that were written together: ``keystorepassword``, ``authtoken``."""
_WEAK = _words("auth oauth pass session sig signature")
"""Ordinary words as well: "Session: started"."""
_KEYS = _words(
    "access account admin api app auth authorization bot client consumer customer deploy deployment dev encryption"
    " hmac host installation integration jwt keystore license live maps master private prod production project"
    " publish publishing read recovery rsa secret server service session shared sign signing ssh ssl storage store"
    " subscription team tls upload webhook write"
)
"""Words that make a following "key" a secret."""
_OTHER_KEYS = _words("bundle cache foreign group issue map object partition primary public registry row sort")
"""Words that keep a following "KEY" of a variable from being a secret."""
_OTHERS = _words(
    "algorithm alias count dir directory disabled enabled endpoint env error errors exception expected expiration"
    " expired expires expiry factory failed field file filename format handler helper hint host invalid is issuer"
    " label length limit manager max min missing mode model name names not path pattern policy prompt provider regex"
    " repository request required response rule scope scopes screen service size spec stats status stdin store tests"
    " ttl type types uri url valid validation validator version view"
)
"""Last words of names that stand for something about a secret."""
_FILE = re.compile(
    r"(?i)\.(?:c|cc|cpp|cs|dart|go|gradle|groovy|h|hpp|html|java|js|json|jsx|kts?|lock|log|md|mm?|php|plist|properties"
    r"|py|rb|rs|scala|sh|storyboard|swift|toml|tsx?|txt|xib|xml|ya?ml)$"
)
_SERVICES = _words(
    "adafruit adobe airtable algolia alibaba artifactory asana atlassian beamer bintray bitbucket bittrex cloudflare"
    " codecov cohere coinbase confluence confluent contentful datadog discord droneci dropbox etsy facebook fastly"
    " finicity finnhub flickr freshbooks gitter gocardless heroku hubspot intercom jfrog jira kraken kucoin"
    " launchdarkly linkedin lob looker mailchimp mailgun mapbox mattermost meraki messagebird netlify newrelic nytimes"
    " okta plaid rapidapi sendbird sentry snyk sonar squarespace sumologic telegram travis twitch twitter typeform"
    " yandex zendesk"
)
"""Services whose keys have no form of their own: ``ALGOLIA_ADMIN=<32 letters and digits>``. From gitleaks' rules."""

HINT = re.compile(
    "auth(?!or)|cookie|cred|jwt|key|otp|pass(?!ed|es|ing)|pat(?![a-z])|psw|pwd|secret|session|sig(?:nature)?(?![a-z])|token"
    f"|authori|bundle_|{'|'.join(sorted(_SERVICES))}"
)
"""Finds something of every name of a secret in a text in lower case."""


class NameKind(Enum):
    SECRET = "secret"
    WEAK = "weak"
    """Its value is a secret unless it is an ordinary word or a number."""
    SERVICE = "service"
    """Its value is a secret if it looks random."""


@lru_cache(maxsize=4_096)
def classify_name(name: str) -> NameKind | None:
    """Return how far the value of a variable, field, flag or header is a secret; None if it isn't."""
    words = _WORDS.findall(name)
    if _FILE.search(name):
        return None
    if name.startswith("BUNDLE_") and "__" in name:  # Bundler's credentials of a host
        return NameKind.SECRET
    for index in reversed(range(len(words))):
        word = words[index].lower()
        singular = word.removesuffix("s")
        if singular in _SECRETS or word.endswith(_ENDINGS) or _is_secret_key(words[: index + 1]):
            return NameKind.SECRET
        if word in _WEAK:
            is_clear = len(words) > 1 and (word == "pass" or name.isupper())
            return NameKind.SECRET if is_clear else NameKind.WEAK
        if word in _OTHERS:
            return None
    return NameKind.SERVICE if _SERVICES.intersection(word.lower() for word in words) else None


def _is_secret_key(words: list[str]) -> bool:
    last = words[-1].lower().removesuffix("s")
    if last != "key":
        return last.endswith("key") and last.removesuffix("key") in _KEYS
    before = words[-2].lower() if len(words) > 1 else ""
    return before in _KEYS or (words[-1].isupper() and bool(before) and before not in _OTHER_KEYS)
