"""Why a build was stopped: the text Bitrise is told, and what can be read out of the texts it gives back.

Pure. A text that nobody can place becomes ``other`` with its words kept, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """First what a person may choose, then what Bitrise itself says."""

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
    Reason.SUPERSEDED: "replaced by a newer build",
    Reason.WRONG_TARGET: "wrong branch or workflow",
    Reason.NO_CHANGES: "nothing changed",
    Reason.STUCK: "stuck or too slow",
    Reason.DUPLICATE: "the same build twice",
    Reason.SAVING_CREDITS: "saving credits",
    Reason.OTHER: "another reason",
    Reason.ROLLING_BUILD: "replaced by rolling builds",
    Reason.IN_BITRISE: "stopped in Bitrise",
    Reason.LOST_AGENT: "Bitrise lost the machine",
    Reason.ON_HOLD_EXPIRED: "waited too long for a machine",
    Reason.TIME_OUT: "ran into the time limit",
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

_BY_TAG = {reason.value: reason for reason in Reason}

_TEXT_CHARACTERS = 500
_NAME_CHARACTERS = 60
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_OURS = re.compile(
    r"\[(?P<tag>[a-z-]+)\](?: (?P<sentence>.*))? "
    r"\((?:(?P<name>[^()@]*?), )?(?:@(?P<handle>[^\s,()@]+), )?via Buildbell\)\.?",
    re.DOTALL,
)
_TAGGED = re.compile(r"\[(?P<tag>[a-z-]+)\]\s*(?P<sentence>.*)", re.DOTALL)
# Bitrise puts the token's owner in front of a reason given by API, and says only this of a press in its web page.
_ASKED = re.compile(
    r"(?:User )?(?P<owner>.+?) requested to abort this build(?: with reason: ?(?P<reason>.*)|\.?)", re.DOTALL
)
# The first two wordings were seen. Those of the last two are recorded nowhere: each asks for two telling parts.
_BITRISE_SAYS = {
    Reason.ROLLING_BUILD: r"(automatically )?(aborted|cancell?ed) (via|by|due to) rolling builds?\b.*",
    Reason.LOST_AGENT: r"lost connection (to|with) (the )?(build )?(agent|machine)\b.*",
    Reason.ON_HOLD_EXPIRED: r"(?=.*\bbuild\b)(?=.*\bon[- ]hold\b).*(\b\d+ days\b|\btoo long\b|\bexpired\b).*",
    Reason.TIME_OUT: r"(?=.*\bbuild\b).*(\btimed[- ]?out\b|\btime[- ]?out\b|\btime limit\b|\bmaximum build time\b).*",
}
_WORDINGS = {reason: re.compile(wording, re.I | re.DOTALL) for reason, wording in _BITRISE_SAYS.items()}


@dataclass(frozen=True, slots=True)
class AbortReason:
    """What an abort text says. ``via_us`` is the text's own claim; our record of the abort is the better witness."""

    category: Reason
    sentence: str
    by: str | None = None
    handle: str | None = None
    via_us: bool = False


def abort_reason_text(category: Reason, sentence: str, person_name: str, handle: str = "") -> str:
    """What Bitrise is told: ``[wrong-target] wrong branch (Bo Li, @bo, via Buildbell)``, at most 500 characters.

    Bitrise names the owner of the token, never the person in Slack, so the person is in the text.
    """
    tag, by = f"[{category.value}]", f"({_signature(person_name, handle)})"
    room = _TEXT_CHARACTERS - len(tag) - len(by) - 2
    return " ".join(part for part in (tag, _cut(one_line(sentence), room), by) if part)


def parse_abort_reason(text: str | None) -> AbortReason:
    """Read an ``abort_reason`` of Bitrise: our own form, Bitrise's texts, a bare tag of ours, or else ``other``."""
    said = (text or "").strip()
    if ours := _read_ours(said):
        return ours
    if asked := _ASKED.fullmatch(said):
        return _read_asked(asked["owner"], (asked["reason"] or "").strip())
    for category, wording in _WORDINGS.items():
        if wording.fullmatch(said):
            return AbortReason(category, said)
    return _read_tagged(said)


def _read_asked(owner: str, reason: str) -> AbortReason:
    if not reason:
        return AbortReason(Reason.IN_BITRISE, "", by=owner)
    if ours := _read_ours(reason):
        return ours
    if _WORDINGS[Reason.ROLLING_BUILD].fullmatch(reason):  # home-made ones send Bitrise's own sentence by API
        return AbortReason(Reason.ROLLING_BUILD, reason, by=owner)
    return _read_tagged(reason, by=owner)


def _read_ours(text: str) -> AbortReason | None:
    found = _OURS.fullmatch(text)
    if found is None or found["tag"] not in _BY_TAG:
        return None
    by = found["name"] or found["handle"]
    return AbortReason(_BY_TAG[found["tag"]], found["sentence"] or "", by, found["handle"], via_us=True)


def _read_tagged(text: str, by: str | None = None) -> AbortReason:
    """A tag of ours may be sent by anybody's script; a tag that is not ours stays in the sentence."""
    found = _TAGGED.fullmatch(text)
    if found is None or found["tag"] not in _BY_TAG:
        return AbortReason(Reason.OTHER, text, by)
    return AbortReason(_BY_TAG[found["tag"]], found["sentence"], by)


def _signature(person_name: str, handle: str) -> str:
    """Who asked. Without round brackets and ``@`` in the name, the last bracket of the text is always ours."""
    name = one_line(one_line(person_name).translate(str.maketrans("()", "[]", "@")))
    at = re.sub(r"[\s,()@]+", "", one_line(handle))[:_NAME_CHARACTERS]
    return ", ".join(part for part in (_cut(name, _NAME_CHARACTERS), at and f"@{at}", "via Buildbell") if part)


def one_line(text: str) -> str:
    """One line of printable text: no control characters, no line breaks, nothing that turns the writing direction."""
    kept = (" " if unicodedata.category(ch) in ("Cc", "Zl", "Zp") else ch for ch in text if ch not in _BIDI)
    return " ".join("".join(ch for ch in kept if unicodedata.category(ch) != "Cs").split())


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
