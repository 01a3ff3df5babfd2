"""What a build leaves behind, from JSON: its log, the summary of its steps, its artifacts. Nothing here raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.bitrise.fields import flag, mapping, moment, plain, sequence, text, whole
from bot.bitrise.models import Artifact, LogChunk, LogPart, LogSummary, StepResult
from bot.bitrise.parsing import log_left_out

LONGEST_FACT = 200


def read_log(value: object) -> LogPart:
    fields = mapping(value)
    chunks: dict[int, LogChunk] = {}
    for item in map(mapping, sequence(fields.get("log_chunks"))):
        position = whole(item.get("position"))
        if position is not None:
            chunks[position] = LogChunk(position, plain(item.get("chunk")))
    return LogPart(
        is_archived=flag(fields.get("is_archived")),
        chunks=tuple(chunks[position] for position in sorted(chunks)),
        expiring_raw_log_url=text(fields.get("expiring_raw_log_url")),
        next_after=_stamp(fields.get("next_after_timestamp")),
        next_before=_stamp(fields.get("next_before_timestamp")),
    )


def _stamp(value: object) -> str | None:
    """A moment as Bitrise spells it, to the last fraction; ``0001-01-01`` is none."""
    return text(value) if moment(value) else None


def read_step_log_url(value: object) -> str | None:
    return text(mapping(value).get("expiring_raw_log_url"))


def read_log_summary(value: object) -> LogSummary | None:
    """None for anything but the shape we know: nobody promised it."""
    workflows = mapping(mapping(value).get("execution")).get("workflows")
    if not isinstance(workflows, list):
        return None
    steps = (step for workflow in map(mapping, workflows) for step in sequence(workflow.get("steps")))
    return LogSummary(tuple(_step(step) for step in map(mapping, steps)))


def _step(fields: Mapping[str, Any]) -> StepResult:
    return StepResult(
        uuid=text(fields.get("uuid")),
        title=text(fields.get("title")) or text(fields.get("step_id")),
        status=text(fields.get("status")),
        status_reason=text(fields.get("status_reason")),
        error_messages=tuple(_messages(fields.get("errors"))),
    )


def _messages(value: object) -> Iterator[str]:
    for item in map(mapping, sequence(value)):
        if message := text(item.get("message")):
            yield message


def read_artifact(value: object) -> Artifact | None:
    fields = mapping(value)
    slug = text(fields.get("slug"))
    if slug is None:
        log_left_out("artifact")
        return None
    return Artifact(
        slug=slug,
        title=text(fields.get("title")),
        kind=text(fields.get("artifact_type")),
        size_bytes=whole(fields.get("file_size_bytes")),
        is_public=flag(fields.get("is_public_page_enabled")),
        install_page_url=text(fields.get("public_install_page_url")),  # empty when it is off
        **_app_facts(mapping(fields.get("artifact_meta"))),
    )


def _app_facts(meta: Mapping[str, Any]) -> dict[str, str | None]:
    """What the step that uploads an app found in it; the reference says only that it is an object.

    https://github.com/bitrise-steplib/steps-deploy-to-bitrise-io
    """
    about = {**meta, **mapping(meta.get("app_info"))}
    return {
        "version": _fact(about, "version", "version_name"),
        "build_number": _fact(about, "build_number", "version_code"),
    }


def _fact(about: Mapping[str, Any], *names: str) -> str | None:
    """The first that is there; a number of a version may come as a number."""
    facts = (text(plain(about.get(name))) for name in names)
    return next((fact for fact in facts if fact and len(fact) <= LONGEST_FACT), None)
