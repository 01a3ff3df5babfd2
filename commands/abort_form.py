"""The form that stops a build: the reason, and the result to report to the Git host."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from bot.builds.abort import AbortParameters
from bot.domain.abort_reasons import REASONS_TO_CHOOSE, Reason
from bot.slack import build_text, ids
from bot.slack.blocks import lines
from bot.slack.build_text import BuildView
from bot.slack.fields import Checkbox, Hidden, Radio, Select, Slot, Text, choice
from bot.slack.forms import Form, Payload, modal
from bot.slack.text import capital

SENTENCE_LIMIT = 300
COUNTS = "Buildbell counts it as *aborted* (or *skipped* if reported as passed), never as a success."


class Report(StrEnum):
    """The result that the Git host shows for a stopped build."""

    FAILED = "failed"
    GREEN = "green"
    NOTHING = "nothing"


def check_abort(values: Mapping[str, Any]) -> Mapping[str, str]:
    needs_sentence = values.get("category") == Reason.OTHER and not values["sentence"]
    return {"sentence": "Enter a short explanation."} if needs_sentence else {}


ABORT_FIELDS = (
    Select(
        "category", "Why?", [choice(capital(reason.label), reason) for reason in REASONS_TO_CHOOSE], key="reason",
        placeholder="Choose a reason", missing="Choose why the build is stopped.", parse=Reason,
    ),
    Text("sentence", "Details", hint="Everyone in the channel sees this.", optional=True, limit=SENTENCE_LIMIT),
    Radio(
        "report", "Result to report", default=Report.FAILED, missing="Choose a result to report.",
        options=(
            choice("Failed", Report.FAILED, "The commit shows a failed check"),
            choice("Passed", Report.GREEN, "The check passes, even though the build did not"),
            choice("Nothing", Report.NOTHING, "The check stays pending; a required one keeps blocking"),
        ),
    ),
    Slot("consequence"),
    Checkbox("skip_notifications", "Notifications", "Don't send Bitrise email or other notifications", key="quiet"),
)  # fmt: skip
"""The fields of `AbortParameters`, for one build or several."""

FORM = Form(
    ids.BUILD_ABORT, "abort", title="Stop a build", submit="Stop build", close="Cancel", record=AbortParameters,
    check=check_abort, fields=(Hidden("build_slug"), Slot("build"), *ABORT_FIELDS),
)  # fmt: skip
"""Whether the person may report the build as passed is not checked here."""


def abort_form(
    build: BuildView,
    *,
    may_report_green: bool,
    channel_id: str | None = None,
    category: Reason | None = None,
    sentence: str = "",
) -> Payload:
    row = build.build
    where = f"pull request #{row.pull_request_id}" if row.pull_request_id else "the commit"
    return FORM.view(
        title=f"Stop {build_text.number(row)}",
        channel_id=channel_id,
        build_slug=row.build_slug,
        build=[lines(build_text.title_line(build), build_text.commit_line(row))],
        category=category,
        sentence=sentence,
        consequence=f"Sets the check of {where}. {COUNTS}",
        without=reports_not_offered(may_report_green, may_be_silent=not row.is_pipeline),
    )


def reports_not_offered(may_report_green: bool, *, may_be_silent: bool) -> list[Report]:
    """Return the options to leave out. Bitrise always reports a pipeline; only a build can be stopped silently."""
    return [*([] if may_report_green else [Report.GREEN]), *([] if may_be_silent else [Report.NOTHING])]


def build_finished(build: BuildView) -> Payload:
    """Return the notice that takes the place of the form when the build has finished."""
    finished = lines("This build has already finished.")
    result = lines(build_text.title_line(build), build_text.stop_line(build.build))
    return modal(ids.MESSAGE_CLOSED, f"Stop {build_text.number(build.build)}", [finished, result], close="Close")
