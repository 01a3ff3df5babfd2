"""Write and parse abort reasons: the category, sentence and person in the text that Bitrise stores. Pure.

A text of unknown form becomes ``other`` with the text kept, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Categories that people choose, then those that Bitrise gives itself."""

    SUPERSEDED = "superseded"
    WRONG_TARGET = "wrong-target"
    NO_CHANGES = "no-changes"
    STUCK = "stuck"
    DUPLICATE = "duplicate"
    SAVING_CREDITS = "saving-credits"
    OTHER = "other"
    ROLLING_BUILD = "rolling-build"
    IN_BITRISE = "in-bitrise"
    LOST_AGENT = "lost-agent"
    ON_HOLD_EXPIRED = "on-hold-expired"
    TIME_OUT = "time-out"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Reason.SUPERSEDED: "superseded",
    Reason.WRONG_TARGET: "wrong branch or workflow",
    Reason.NO_CHANGES: "no changes",
    Reason.STUCK: "stuck or too slow",
    Reason.DUPLICATE: "duplicate",
    Reason.SAVING_CREDITS: "save credits",
    Reason.OTHER: "other",
    Reason.ROLLING_BUILD: "replaced by a rolling build",
    Reason.IN_BITRISE: "stopped in Bitrise",
    Reason.LOST_AGENT: "Bitrise lost the machine",
    Reason.ON_HOLD_EXPIRED: "on hold too long",
    Reason.TIME_OUT: "time limit reached",
}

REASONS_TO_CHOOSE = (
    Reason.SUPERSEDED,
    Reason.WRONG_TARGET,
    Reason.NO_CHANGES,
    Reason.STUCK,
    Reason.DUPLICATE,
    Reason.SAVING_CREDITS,
    Reason.OTHER,
)

AUTOMATIC = (Reason.ROLLING_BUILD, Reason.LOST_AGENT, Reason.ON_HOLD_EXPIRED, Reason.TIME_OUT)
"""Categories of builds that Bitrise stopped, not a person."""

_BY_TAG = {reason.value: reason for reason in Reason}

_MAX_TEXT = 500
_MAX_NAME = 60
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_OURS = re.compile(
    r"\[(?P<tag>[a-z-]+)\](?: (?P<sentence>.*))? "
    r"\((?:(?P<name>[^()@]*?), )?(?:@(?P<handle>[^\s,()@]+), )?via Buildbell\)\.?",
    re.DOTALL,
)
_TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<sentence>.*)", re.DOTALL)
# Bitrise prefixes a reason given by API with the token's owner. An abort in its web page has only the prefix.
_REQUESTED = re.compile(
    r"(?:User )?(?P<owner>.+?) requested to abort this build(?: with reason: ?(?P<reason>.*)|\.?)", re.DOTALL
)
# The first two wordings were observed. The last two are documented nowhere, so each pattern requires two signs.
_BITRISE_WORDINGS = {
    Reason.ROLLING_BUILD: r"(automatically )?(aborted|cancell?ed) (via|by|due to) rolling builds?\b.*",
    Reason.LOST_AGENT: r"lost connection (to|with) (the )?(build )?(agent|machine)\b.*",
    Reason.ON_HOLD_EXPIRED: r"(?=.*\bbuild\b)(?=.*\bon[- ]hold\b).*(\b\d+ days\b|\btoo long\b|\bexpired\b).*",
    Reason.TIME_OUT: r"(?=.*\bbuild\b).*(\btimed[- ]?out\b|\btime[- ]?out\b|\btime limit\b|\bmaximum build time\b).*",
}
_PATTERNS = {reason: re.compile(wording, re.I | re.DOTALL) for reason, wording in _BITRISE_WORDINGS.items()}


@dataclass(frozen=True, slots=True)
class AbortReason:
    """A parsed abort text. ``is_ours`` is only what the text claims; a stored abort request is better evidence."""

    category: Reason
    sentence: str
    by: str | None = None
    handle: str | None = None
    is_ours: bool = False


def abort_reason_text(category: Reason, sentence: str, person_name: str, handle: str = "") -> str:
    """Write ``[wrong-target] wrong branch (Bo Li, @bo, via Buildbell)``, at most 500 characters.

    Bitrise names the owner of the token, never the person in Slack, so the text names the person.
    """
    tag, signature = f"[{category.value}]", f"({_signature(person_name, handle)})"
    room = _MAX_TEXT - len(tag) - len(signature) - 2
    return " ".join(part for part in (tag, _shorten(one_line(sentence), room), signature) if part)


def parse_abort_reason(text: str | None) -> AbortReason:
    """Parse an ``abort_reason`` of Bitrise: our own form, Bitrise's texts, a bare tag of ours, or else ``other``."""
    reason = (text or "").strip()
    if ours := _parse_ours(reason):
        return ours
    if match := _REQUESTED.fullmatch(reason):
        return _parse_requested(match["owner"], (match["reason"] or "").strip())
    for category, pattern in _PATTERNS.items():
        if pattern.fullmatch(reason):
            return AbortReason(category, reason)
    return _parse_tagged(reason)


def _parse_requested(owner: str, reason: str) -> AbortReason:
    if not reason:
        return AbortReason(Reason.IN_BITRISE, "", by=owner)
    if ours := _parse_ours(reason):
        return ours
    if _PATTERNS[Reason.ROLLING_BUILD].fullmatch(reason):  # home-made rolling builds send Bitrise's sentence by API
        return AbortReason(Reason.ROLLING_BUILD, reason, by=owner)
    parsed = _parse_tagged(reason, by=owner)
    return parsed if parsed.category is not Reason.OTHER else AbortReason(Reason.IN_BITRISE, reason, by=owner)


def _parse_ours(text: str) -> AbortReason | None:
    match = _OURS.fullmatch(text)
    if match is None or match["tag"] not in _BY_TAG:
        return None
    by = match["name"] or match["handle"]
    return AbortReason(_BY_TAG[match["tag"]], match["sentence"] or "", by, match["handle"], is_ours=True)


def _parse_tagged(text: str, by: str | None = None) -> AbortReason:
    """Parse a bare tag of ours, which any script may send; an unknown tag stays in the sentence."""
    match = _TAGGED.fullmatch(text)
    if match is None or match["tag"] not in _BY_TAG:
        return AbortReason(Reason.OTHER, text, by)
    return AbortReason(_BY_TAG[match["tag"]], match["sentence"], by)


def _signature(person_name: str, handle: str) -> str:
    """Name the person. Parentheses and ``@`` are replaced, so that the last parentheses of the text are always ours."""
    name = one_line(one_line(person_name).translate(str.maketrans("()", "[]", "@")))
    at = re.sub(r"[\s,()@]+", "", one_line(handle))[:_MAX_NAME]
    return ", ".join(part for part in (_shorten(name, _MAX_NAME), at and f"@{at}", "via Buildbell") if part)


def one_line(text: str) -> str:
    """Remove line breaks, control characters and characters that change the writing direction."""
    kept = (" " if unicodedata.category(ch) in ("Cc", "Zl", "Zp") else ch for ch in text if ch not in _BIDI)
    return " ".join("".join(ch for ch in kept if unicodedata.category(ch) != "Cs").split())


def _shorten(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
