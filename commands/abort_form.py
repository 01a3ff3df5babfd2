"""The stop form: why a build is stopped, and what is reported for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from slack_sdk.models.blocks import Block, CheckboxesElement, InputBlock, RadioButtonsElement, StaticSelectElement

from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from bot.slack import build_text, ids
from bot.slack.blocks import context, lines, plain
from bot.slack.build_text import BuildView
from bot.slack.forms import (
    FormRefused,
    Payload,
    choice,
    choice_input,
    modal,
    read_checked,
    read_metadata,
    read_option,
    read_text,
    text_input,
)
from bot.slack.text import capital

SENTENCE_LIMIT = 300
COUNTS = "In Buildbell it counts as *aborted*, or as *skipped* when it is reported green; never as a success."


class Report(StrEnum):
    """What is reported to the Git host for the stopped build."""

    FAILED = "failed"
    GREEN = "green"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Why:
    """Why something is stopped, and what is told of it outside Slack."""

    category: Reason
    sentence: str
    report: Report
    skip_notifications: bool = False


@dataclass(frozen=True, slots=True)
class StopForm:
    """Which build, and why."""

    build_slug: str
    why: Why


def stop_form(
    build: BuildView,
    *,
    may_report_green: bool,
    channel_id: str | None = None,
    category: Reason | None = None,
    sentence: str = "",
) -> Payload:
    """``channel_id`` is where people hear of it. Reporting green is only offered to those who may."""
    blocks: list[Block] = [
        lines(build_text.title_line(build), build_text.commit_line(build.build)),
        *reason_inputs(category, sentence),
        report_input(may_report_green, may_be_silent=not build.build.is_pipeline),
        context(_consequence(build)),
        quiet_input(),
    ]
    metadata = {"build": build.build.build_slug, "channel": channel_id}
    title = f"Stop {build_text.number(build.build)}"
    return modal(ids.BUILD_ABORT, title, blocks, submit="Stop build", close="Keep it", metadata=metadata)


def reason_inputs(category: Reason | None, sentence: str) -> list[Block]:
    told = text_input(
        ids.ABORT_SENTENCE, "In your words", initial=sentence, limit=SENTENCE_LIMIT, hint="Shown on the card."
    )
    return [_category(category), told]


def _category(category: Reason | None) -> InputBlock:
    by_value = {reason: choice(capital(reason.label), reason.value) for reason in REASONS_TO_CHOOSE}
    select = StaticSelectElement(
        action_id=ids.ABORT_REASON,
        placeholder=plain("Choose a reason", 150),
        options=list(by_value.values()),
        initial_option=by_value.get(category) if category else None,
    )
    return choice_input(ids.ABORT_REASON, "Why?", select)


def report_input(may_report_green: bool, *, may_be_silent: bool) -> InputBlock:
    """Bitrise always reports a pipeline; only a build can be stopped without a word."""
    failed = choice("Failed", Report.FAILED, "The commit shows a failed check")
    green = choice("Green", Report.GREEN, "The commit shows a passed check, although nothing passed")
    nothing = choice("Nothing", Report.NOTHING, "The check stays pending; a required one keeps blocking")
    offered = [failed, *([green] if may_report_green else []), *([nothing] if may_be_silent else [])]
    radio = RadioButtonsElement(action_id=ids.ABORT_REPORT, options=offered, initial_option=failed)
    return choice_input(ids.ABORT_REPORT, "What shall be reported?", radio)


def _consequence(build: BuildView) -> str:
    """What the person's choice does, in terms of what they will see."""
    row = build.build
    where = f"Pull request #{row.pull_request_id}" if row.pull_request_id else "The commit's page at the Git host"
    return f"{where} will show what you choose here as the result of this build. {COUNTS}"


def quiet_input() -> InputBlock:
    boxes = CheckboxesElement(
        action_id=ids.ABORT_QUIET, options=[choice("No e-mails or other notifications from Bitrise", "quiet")]
    )
    return choice_input(ids.ABORT_QUIET, "Notifications", boxes, optional=True)


def build_ended(build: BuildView) -> Payload:
    """In the place of the form when there is nothing to stop any more."""
    told = lines(build_text.title_line(build), build_text.stop_line(build.build))
    ended = lines("This build has ended, so there is nothing to stop.")
    return modal(ids.MESSAGE_CLOSED, f"Stop {build_text.number(build.build)}", [ended, told], close="Close")


def read_stop_form(view: Mapping[str, Any]) -> StopForm:
    """The submission. Raises `FormRefused`; whether the person may report green is not checked here."""
    return StopForm(read_metadata(view).get("build", ""), read_why(view))


def read_why(view: Mapping[str, Any]) -> Why:
    """Reason and report, which the forms for one build and for many have in common. Raises `FormRefused`."""
    errors = dict[str, str]()
    chosen, sentence = read_option(view, ids.ABORT_REASON), read_text(view, ids.ABORT_SENTENCE)
    report = read_option(view, ids.ABORT_REPORT) or Report.FAILED
    if chosen not in REASONS_TO_CHOOSE:
        errors[ids.ABORT_REASON] = "Choose why the build is stopped."
    if chosen == Reason.OTHER and not sentence:
        errors[ids.ABORT_SENTENCE] = "Say in a few words why."
    if report not in set(Report):
        errors[ids.ABORT_REPORT] = "Choose what shall be reported."
    if errors:
        raise FormRefused(errors)
    return Why(Reason(chosen), sentence, Report(report), skip_notifications=read_checked(view, ids.ABORT_QUIET))
