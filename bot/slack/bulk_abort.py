"""The message that shows how it goes when several builds are stopped together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slack_sdk.models.blocks import Block

from bot.domain.abort_reasons import Reason
from bot.domain.builds import STOPPED
from bot.slack import build_text as shown
from bot.slack.blocks import Line, context, lines, linked, message, person, said, words
from bot.slack.build_text import OF_BITRISE, BuildView
from bot.slack.text import DASH, Message, capital, quoted
from storage.requests import RequestRow

REFUSALS_TOLD = 3


class Ending(StrEnum):
    """How it went with one build; the value is how several of them are counted."""

    STOPPED = "stopped"
    STOPPING = "still stopping"
    FINISHED = "had already finished"
    BY_OTHERS = "stopped by somebody else"
    NOT_STOPPED = "not stopped"


@dataclass(frozen=True, slots=True)
class Asked:
    """A build and what was asked for it here; ``request`` is None when somebody else was first."""

    build: BuildView
    request: RequestRow | None

    @property
    def ending(self) -> Ending:
        row, is_ours = self.build.build, self.request is not None and self.request.state != "refused"
        is_ours = is_ours and row.abort_requested_by is not None
        by_hand = row.outcome in STOPPED and row.reason not in (
            *OF_BITRISE,
            Reason.IN_BITRISE,
        )
        if not row.is_finished:
            others = Ending.BY_OTHERS if shown.is_stopping(row) else Ending.NOT_STOPPED
            return Ending.STOPPING if is_ours else others
        if by_hand:
            return Ending.STOPPED if is_ours else Ending.BY_OTHERS
        return Ending.NOT_STOPPED if self.refusal else Ending.FINISHED

    @property
    def refusal(self) -> str | None:
        """Why it was not stopped, as Bitrise or we said it."""
        refused = self.request is not None and self.request.state == "refused"
        return (self.request.result or "no reason given") if refused and self.request else None

    @property
    def is_delayed(self) -> bool:
        return self.request is not None and self.request.told_at is not None and self.request.settled_at is None


def progress(asked: Sequence[Asked], facts: Mapping[str, Any]) -> Message:
    """A line for each build; ``facts`` are what was asked for, by whom and why."""
    heading = summary([each.ending for each in asked], of=facts.get("of", ""), by=facts.get("by", ""))
    head: list[Line] = [[said(heading, 600, bold=True)], _why(asked, facts)]
    refusals = dict.fromkeys(each.refusal for each in asked if each.refusal and each.ending is Ending.NOT_STOPPED)
    blocks: list[Block] = [lines(*head), lines(*map(_line, asked))]
    notes = [context(f"Not stopped: {quoted(why, 500)}") for why in list(refusals)[:REFUSALS_TOLD]]
    return message(quoted(heading, 1_000), *blocks, *notes)


def summary(endings: Sequence[Ending], *, of: str, by: str) -> str:
    """``Stopping 5 builds of main, asked by @ana: 3 stopped, 1 had already finished, 1 still stopping.``, as it is."""
    counts = {ending: endings.count(ending) for ending in Ending}
    total, stopped = len(endings), counts[Ending.STOPPED]
    noun = f"build{'' if total == 1 else 's'} of {of}"
    if counts[Ending.STOPPING]:
        what = f"Stopping {total} {noun}"
    else:
        counts[Ending.STOPPED] = 0  # said already
        share = f"{total}" if stopped == total else f"{stopped or 'none'} of {total}"
        what = f"Stopped {share} {noun}"
    told = ", ".join(f"{count} {ending}" for ending, count in counts.items() if count)
    return f"{what}, asked by @{by}" + (f": {told}." if told else ".")


def _why(asked: Sequence[Asked], facts: Mapping[str, Any]) -> Line:
    """``iOS Shop · Replaced by a newer build: “typed”``."""
    known = facts.get("category") in set(Reason)
    label = Reason(facts["category"]).label if known else ""
    typed = [words("“"), said(facts["sentence"], 300), words("”")] if facts.get("sentence") else []
    spoken = [words(capital(label))] if label else []
    told = [*spoken, *([words(": ")] if spoken and typed else []), *typed]
    app = said(asked[0].build.app_title, 80) if asked else words(DASH)
    return [app, *([words(" · ")] if told else []), *told]


def _line(asked: Asked) -> Line:
    row, stands = asked.build.build, shown.status_badge(asked.build.build)
    place = [words("  "), *shown.place_parts(row)] if shown.place_parts(row) else []
    return [
        words(f"{stands.emoji} {stands.word}  "),
        said(row.target or "build", 60),
        words(" "),
        linked(asked.build.url, shown.number(row)),
        *place,
        *_note(asked),
    ]


def _note(asked: Asked) -> Line:
    row = asked.build.build
    match asked.ending:
        case Ending.BY_OTHERS:
            return [words(f" {DASH} asked by "), person(row.abort_requested_by or row.reason_by or "somebody else")]
        case Ending.FINISHED:
            why = shown.why_stopped(row)
            took = shown.took(row)
            by_itself = f" {DASH} had finished" + (f" after {took}" if took else "")
            return [words(by_itself), *([words(": "), said(why, 100)] if why else [])]
        case Ending.NOT_STOPPED:
            return [words(f" {DASH} not stopped")]
        case Ending.STOPPING if asked.is_delayed:
            return [words(f" {DASH} Bitrise has not taken it yet; I keep trying")]
        case _:
            return []
