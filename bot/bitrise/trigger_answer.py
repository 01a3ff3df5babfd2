"""What came of a start: Bitrise's answer to it, read with care, because it tells whether a build is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.bitrise.errors import Answer, refused, unreadable
from bot.bitrise.fields import mapping, sequence, text, whole
from bot.bitrise.models import TriggerAnswer, TriggeredBuild, TriggerParams
from bot.bitrise.quoting import Quoting
from bot.errors import BitriseError, BitriseUnavailable


@dataclass(frozen=True, slots=True)
class Read:
    """``is_unclear``: something may have been started that the answer does not name."""

    started: tuple[TriggeredBuild, ...]
    refused: tuple[str, ...]
    is_unclear: bool


def read_trigger(body: object, quoting: Quoting) -> Read:
    """``results``, or the older fields beside them. ``slug`` at the top is the app, not a build."""
    fields = mapping(body)
    items = [mapping(item) for item in sequence(fields.get("results"))]
    if not any(text(item.get("build_slug")) for item in items) and (not items or text(fields.get("build_slug"))):
        items.append(fields)
    started = tuple(read_result(item) for item in items if text(item.get("build_slug")))
    others = [item for item in items if not text(item.get("build_slug"))]
    errors = [item for item in others if item.get("status") == "error"]
    words = tuple(quoting.said(item) or "Bitrise did not say why." for item in errors)
    return Read(started, words, is_unclear=len(errors) < len(others))


def read_result(fields: Mapping[str, Any]) -> TriggeredBuild:
    """Whoever has a slug has been started, whatever else is said about it."""
    return TriggeredBuild(
        slug=text(fields.get("build_slug")) or "",
        number=whole(fields.get("build_number")),
        workflow=text(fields.get("triggered_workflow")),
        pipeline=text(fields.get("triggered_pipeline")),
    )


def outcome_of(
    answer: Answer, failure: BitriseError | None, params: TriggerParams, quoting: Quoting
) -> TriggerAnswer | BitriseError:
    """What was started, if anything was, be the status what it may; else why not, or that it is not known."""
    read = read_trigger(answer.body, quoting)
    if read.started:
        return TriggerAnswer(tuple(_named(item, params) for item in read.started), read.refused)
    if failure is not None:
        return failure
    if read.is_unclear or not read.refused:
        if answer.is_empty or not isinstance(answer.body, dict):
            return unreadable(answer.status)
        return BitriseUnavailable("Bitrise took the start, but does not say which build it gave.", status=answer.status)
    return refused(" ".join(read.refused), answer.status)


def _named(item: TriggeredBuild, params: TriggerParams) -> TriggeredBuild:
    """Nowhere is said in which field the name of a started pipeline comes back: it is the one we asked for."""
    return replace(item, pipeline=params.pipeline, workflow=None) if params.pipeline else item


def quoting_of(params: TriggerParams, token: str) -> Quoting:
    """Bitrise may repeat what it does not like. Values of variables stay hidden, unless they were sent openly too."""
    return Quoting(token, params.hidden_values)
