"""Redact what is recognizable as a secret without a name: issued tokens, keys, signed URLs, random strings. Pure.

The prefixes and alphabets of tokens are facts of gitleaks' maintained rules (https://github.com/gitleaks/gitleaks); the
lengths are lower bounds.
"""

from __future__ import annotations

import re

from bot.logs import SECRET_URLS, SECRETS, STARS

_ISSUED = (
    r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA|A3T[A-Z0-9])[A-Z0-9]{16}|ABSK[\w+/]{40,}|bedrock-api-key-[\w+/]{20,}",  # AWS
    r"gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}",
    r"gl(?:pat|ptt|rt|dt|ft|imt|cbt|oas|soat|ffct|agent)-[\w.-]{16,}|GR1348941[\w-]{16,}",  # GitLab
    r"AIza[\w-]{30,}|ya29\.[\w.-]{16,}|GOCSPX-[\w-]{16,}|1//0[\w-]{30,}",  # Google
    r"npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|rubygems_[0-9a-f]{40,}|oy2[a-z0-9]{43}|CLOJARS_\w{50,}|cio[A-Za-z0-9]{32}",
    r"dckr_[a-z]{2,4}_[\w-]{20,}|AKCp[A-Za-z0-9]{60,}|cmVmd[A-Za-z0-9]{55,}",  # Docker, Artifactory
    r"[spr]k_(?:live|test|prod)_\w{10,}|whsec_\w{16,}|sq0[a-z]{3}-[\w-]{20,}|EAAA[\w-]{50,}",  # Stripe, Square
    r"SG\.[\w-]{16,}\.[\w-]{16,}|xkeysib-[0-9a-f]{60,}|key-[0-9a-f]{32}|[0-9a-f]{32}-us\d{1,2}|SK[0-9a-fA-F]{32}",
    r"sk-(?:ant|proj|svcacct|admin|or)-[\w-]{20,}|sk-[A-Za-z0-9]{40,}|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}",
    r"do[opr]_v1_[0-9a-f]{60,}|dapi[0-9a-f]{32}|dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}|dt0c01\.[\w.]{60,}",
    r"sntry[su]_[\w+/=-]{40,}|NR(?:AK|II|JS|RA)-[\w-]{19,}|gl(?:c|sa)_[\w+/=-]{32,}|snyk_[a-z]{2,4}\.[\w.-]{30,}",
    r"hv[bsr]\.[\w-]{24,}|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{50,}|pul-[0-9a-f]{40}|sha256~[\w-]{40,}",  # HashiCorp
    r"AT[AC]TT3[\w=-]{50,}|ATBB\w{24,}|lin_(?:api|oauth)_\w{30,}|ntn_\w{40,}|secret_[A-Za-z0-9]{43}",  # Atlassian
    r"PMAK-[0-9a-f]{20,}-[0-9a-f]{30,}|figd_[\w-]{30,}|fo1_[\w-]{40,}|fm[12][ar]?_[\w+/=-]{80,}|HRKU-AA[\w-]{50,}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|EZ[AT]K\w{50,}|duffel_(?:test|live)_[\w=-]{40,}|shippo_(?:live|test)_\w{40}",
    r"pscale_[a-z]{2,5}_[\w=.-]{32,}|pnu_\w{36}|rdme_\w{60,}|tk-us-[\w-]{40,}|sgp_\w{40,}|sq[apu]_\w{40,}|pplx-\w{40,}",
    r"A3-[A-Z0-9]{6}-[A-Z0-9-]{20,}|ops_eyJ\w{100,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}|LTAI[A-Za-z0-9]{20}|p8e-\w{32}",
    r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}|API-[A-Z0-9]{26}|\w{6}_\w{29}_mmk|4b1d[A-Za-z0-9]{38}",  # Airtable, Octopus
    r"\w{3}\dQ~[\w.~-]{31,}|[ps]at\.[\w-]{22}\.\w{24}\.\w{20}|\d{8,10}:AA[\w-]{32,}|v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}",
    r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?|ZXlK[\w+/=-]{40,}",  # JSON Web Tokens
)
_TOKENS = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_ISSUED)})\w*+")
_SCHEME = re.compile(
    r"(\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)[ \t]{1,3})"
    r"(?=[\w.~+/=-]{0,400}(?:[a-z][A-Z]|[0-9=+/_])|[\w.~+/=-]{20})[\w.~+/=-]{8,}"
)
_USER_INFO = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)(?!git@)"
    r"(?:[^\s/\"'<>]{1,500}@|[^\s/:@\"'<>]{0,100}:(?!\d{1,5}/)[^\s@\"'<>]{1,200}@(?=[\w.-]+[:/]))"
)
_LOGIN = re.compile(
    r"(?<![\w/:@])[\w.+-]{1,60}:(?!\d+:)[^\s/:@\"'<>]{3,100}@(?=[a-z0-9][\w-]{0,60}(?:\.[\w-]{1,60})*[.][a-z]{2,}[:/])"
)
"""``user:password@host/path`` without a scheme."""
_QUERY = re.compile(r"""(?i)(https?://[^\s?"'<>]{1,500}\?)([^\s"'<>]+)""")
_SECRET_PARAMETER = re.compile(r"(?i)sig|token|key|x-amz-|x-goog-|secret|passw|auth|credential|expires|policy|code=")
_WEBHOOK = re.compile(
    r"(?i)((?:\.webhook\.office\.com/|discord(?:app)?\.com/api/webhooks/|hooks\.zapier\.com/|logic\.azure\.com/"
    r"|api\.telegram\.org/(?:file/)?bot))[^\s\"'<>\\]+"
)

_SECRET_WORD = re.compile(
    r"(?i)(?<![a-z])(?:key|secret|token|password|credential|certificate|signature|auth|session|hash)s?(?![a-z])"
)
_RANDOM_STRING = re.compile(r"(?<![\w+/=.~-])[A-Za-z0-9+/_-]{32,}={0,2}(?![\w+/=])")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32,}")

_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z ]{0,10}-----"
_KEY_BLOCK = re.compile(
    rf"{_KEY_BEGIN}(?:(?:[^-]|-(?!----)){{0,20000}}-----END [A-Z0-9 ]{{0,50}}-----|(?:\s{{1,3}}[A-Za-z0-9+/=]{{20,}})+)"
)
"""The whole block, or all its lines if its end is missing."""
_KEY_END = re.compile(r"(?m)(?:^[A-Za-z0-9+/=]{1,200}\s{1,3}){1,80}-----END [A-Z0-9 ]{0,50}-----")
"""The end of a key whose beginning isn't in the log."""
_BASE64_LINES = re.compile(
    r"(?m)^[ \t]*[A-Za-z0-9+/]{60,}={0,2}[ \t]*$(?:\n[ \t]*(?:[A-Za-z0-9+/]{20,}={0,2}|[A-Za-z0-9+/]+={1,2})[ \t]*$)*"
)
"""A file as text: lines of nothing else explain no failure."""


def redact_files(text: str) -> str:
    """Redact private keys, certificates and encoded files, which have several lines."""
    text = _BASE64_LINES.sub(lambda match: STARS if _is_mixed(match[0]) else match[0], _KEY_BLOCK.sub(STARS, text))
    return _KEY_END.sub(STARS, text) if "-----END" in text else text


def redact_addresses(line: str) -> str:
    """Redact what stands before an @ or after a ? in URLs, and addresses that let anybody post."""
    line = _LOGIN.sub(f"{STARS}@", _USER_INFO.sub(rf"\1{STARS}@", line))
    line = _WEBHOOK.sub(rf"\1{STARS}", SECRET_URLS.sub(rf"\1{STARS}", line))
    return _QUERY.sub(lambda match: match[1] + (STARS if _SECRET_PARAMETER.search(match[2]) else match[2]), line)


def redact_tokens(line: str) -> str:
    return _SCHEME.sub(rf"\1{STARS}", _TOKENS.sub(STARS, SECRETS.sub(STARS, line)))


def redact_random(line: str) -> str:
    """A long hexadecimal string is as often a commit as a key: it is redacted only beside a word about secrets."""
    return _RANDOM_STRING.sub(_redact_random, line) if _SECRET_WORD.search(line) else line


def _redact_random(match: re.Match[str]) -> str:
    is_path = match[0].count("/") > 2
    return STARS if _HEXADECIMAL.fullmatch(match[0]) or (_is_mixed(match[0]) and not is_path) else match[0]


def _is_mixed(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isupper() for c in text) and any(c.islower() for c in text)
