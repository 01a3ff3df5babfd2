"""Redact secrets in build logs: rather a word too many than a secret too few. Pure.

Logs contain what scripts printed: the environment, a header, a signed URL. Redacting a text again changes nothing.
"""

from __future__ import annotations

import re

from bot.logs import SECRET_URLS, SECRETS, STARS

# Secrets after a name. Every repetition below is bounded, or of a class that its neighbors exclude: logs are long, and
# a pattern that backtracks over a line of base64 again and again would take minutes.

_NAME = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|cookie|session|signature"
    r"|(?:api|access|private|secret|signing|encryption|account|shared|auth|license|storage|master)[_.-]?key|authori[sz]ation)"
)
_VALUE = r"""(?:"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\S+)"""
_ASSIGNED = re.compile(
    rf"(?i)({_NAME}[\w.-]{{0,40}}"
    # No bracket far from a colon: "-[LoginTests testExpiredSession] : the form is not shown" has no secret.
    r"(?:[\"'\]]{0,2}\s{0,3}(?:=>|:=|=)|(?:[\"'\]]{0,2}|[\"']?\s{0,3}):(?=\s?\S{4})))([ \t]{0,3})"
    rf"{_VALUE}"
)
_FLAG = re.compile(rf"(?i)(?<![\w-])(--?[\w-]{{0,40}}{_NAME}[\w-]{{0,20}}[ \t]{{1,3}})(?!-){_VALUE}")
_WHOLE_LINE = re.compile(
    r"(?im)((?:authori[sz]ation|(?:set-)?cookie|(?<![\w-])x-[\w-]{0,30}(?:key|token|auth)[\w-]{0,20}|passphrase)[\"']?"
    r"[ \t]{0,3}[:=])[ \t]{0,3}[^\n]+"
)
_SCHEME = re.compile(
    r"(\b(?:[Bb]earer|BEARER|[Bb]asic|BASIC)[ \t]{1,3})"
    r"(?=[\w.~+/=-]{0,400}(?:[a-z][A-Z]|[0-9=+/_])|[\w.~+/=-]{20})[\w.~+/=-]{8,}"
)

# Secrets with a recognizable form.

_FORMS = re.compile(
    r"\b(?:"
    r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}"
    r"|gl(?:pat|ptt|rt|dt|cbt|agent)-[\w-]{16,}"
    r"|AIza[\w-]{30,}|ya29\.[\w.-]{16,}"  # Google
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}"
    r"|[spr]k_(?:live|test)_\w{10,}"  # Stripe
    r"|SG\.[\w-]{16,}\.[\w-]{16,}"  # SendGrid
    r"|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?"  # JSON Web Token
    r")"
)
_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)[A-Z ]{0,10}-----"
_KEY_BLOCK = re.compile(
    rf"{_KEY_BEGIN}(?:(?:[^-]|-(?!----)){{0,20000}}-----END [A-Z0-9 ]{{0,50}}-----|(?:\s{{1,3}}[A-Za-z0-9+/=]{{20,}})+)"
)
"""The whole block, or all its lines if its end is missing."""
_KEY_END = re.compile(r"(?m)(?:^[A-Za-z0-9+/=]{1,200}\s{1,3}){1,80}-----END [A-Z0-9 ]{0,50}-----")
"""The end of a key whose beginning isn't in the log."""
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)(?!git@)[^\s/\"'<>]{1,500}@")
_QUERY = re.compile(r"""(?i)(https?://[^\s?"'<>]{1,500}\?)([^\s"'<>]+)""")
_SECRET_PARAMETER = re.compile(r"(?i)sig|token|key|x-amz-|x-goog-|secret|passw|auth|credential|expires|policy")

_SECRET_WORD = re.compile(
    r"(?i)(?<![a-z])(?:key|secret|token|password|credential|certificate|signature|auth|session|hash)s?(?![a-z])"
)
_RANDOM_STRING = re.compile(r"(?<![\w+/=.~-])[A-Za-z0-9+/_-]{32,}={0,2}(?![\w+/=])")
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]{32,}")


def redact_keys(text: str) -> str:
    """Redact private keys and certificates, which have several lines. The rest can be redacted line by line."""
    text = _KEY_BLOCK.sub(STARS, text)
    return _KEY_END.sub(STARS, text) if "-----END" in text else text


def redact_secrets(text: str) -> str:
    """Replace every known and every likely secret by stars."""
    while (redacted := _redact_once(text)) != text:  # stars may join two parts into a recognizable secret
        text = redacted
    return text


def _redact_once(text: str) -> str:
    text = redact_keys(text)
    text = _QUERY.sub(_redact_query, _USER_INFO.sub(rf"\1{STARS}@", text))
    text = _FORMS.sub(STARS, SECRET_URLS.sub(rf"\1{STARS}", SECRETS.sub(STARS, text)))
    text = _SCHEME.sub(rf"\1{STARS}", _WHOLE_LINE.sub(rf"\1 {STARS}", text))
    text = _FLAG.sub(rf"\1{STARS}", _ASSIGNED.sub(rf"\1\2{STARS}", text))
    # A long hexadecimal string is as often a commit as a key: it is redacted only beside a word about secrets.
    return "\n".join(
        _RANDOM_STRING.sub(_redact_random, line) if _SECRET_WORD.search(line) else line for line in text.split("\n")
    )


def _redact_query(match: re.Match[str]) -> str:
    return match[1] + (STARS if _SECRET_PARAMETER.search(match[2]) else match[2])


def _redact_random(match: re.Match[str]) -> str:
    text = match[0]
    is_mixed = any(c.isdigit() for c in text) and any(c.isupper() for c in text) and any(c.islower() for c in text)
    is_path = text.count("/") > 2
    return STARS if _HEXADECIMAL.fullmatch(text) or (is_mixed and not is_path) else text
