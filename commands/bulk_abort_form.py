"""The form that stops several builds: all matches selected, one reason, one report, one confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block, Option

from bot.builds.abort import AbortParameters
from bot.builds.bulk_abort import Found
from bot.domain.abort_reasons import Reason
from bot.slack import build_text, ids
from bot.slack.blocks import plain_text, section
from bot.slack.build_text import BuildView
from bot.slack.fields import Field, Hidden, Slot, all_selected, option, state_of
from bot.slack.forms import Form, FormRefused, Payload, notice, redrawn
from bot.slack.text import clean, plural, quoted
from commands.abort_form import ABORT_FIELDS, COUNTS, check_abort, reports_not_offered

IN_GROUP = 10
"""The most that Slack takes in one group of checkboxes."""
GROUPS = 5
TITLE = "Stop builds"
OF_LIMIT = 200


@dataclass(frozen=True, slots=True)
class BulkForm:
    """``newer`` is the build whose card offered to stop the older ones."""

    stops: tuple[AbortParameters, ...]
    of: str
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class Builds(Field):
    """Checkboxes, all of them checked, in one block for every ten builds. They dispatch, so that the button counts."""

    def blocks(self, field_id: str, initial: Sequence[Option]) -> list[Block]:
        groups = [list(initial[at : at + IN_GROUP]) for at in range(0, len(initial), IN_GROUP)]
        blocks: list[Block] = []
        for number, group in enumerate(groups, start=1):
            first = (number - 1) * IN_GROUP + 1
            label = self.label if len(groups) == 1 else f"{self.label} {first} to {first + len(group) - 1}"
            boxes = {"type": "checkboxes", "options": group, "initial_options": group}
            blocks.append(self.input(ids.numbered(field_id, number), label, boxes))
        return blocks

    def read(self, view: Mapping[str, Any], field_id: str) -> tuple[str, ...]:
        groups = [state_of(view, ids.numbered(field_id, number)) for number in range(1, GROUPS + 1)]
        selected = tuple(dict.fromkeys(slug for group in groups for slug in all_selected(group)))
        if not selected:
            raise FormRefused({ids.numbered(field_id, 1): self.missing})
        return selected


def stops_from_values(builds: tuple[str, ...], of: str, newer: str, **how: Any) -> BulkForm:
    return BulkForm(tuple(AbortParameters(build_slug, **how) for build_slug in builds), of, newer or None)


BUILDS = Builds("builds", "Builds", optional=True, dispatch=True, missing="Tick at least one build, or close this.")
FORM = Form(
    ids.BUILD_ABORT_MANY, "abort", title=TITLE, submit="Stop nothing", close="Keep them", record=stops_from_values,
    check=check_abort, fields=(Hidden("of"), Hidden("newer"), Slot("summary"), BUILDS, *ABORT_FIELDS),
)  # fmt: skip
"""Whether the person may report green is not checked here."""


def looking() -> Payload:
    """The notice while builds are looked up at Bitrise."""
    return notice(TITLE, "⏳ Looking what runs…")


def bulk_form(
    found: Found,
    views: Sequence[BuildView],
    *,
    now: datetime,
    may_report_green: bool,
    channel_id: str | None,
    category: Reason | None = None,
    sentence: str = "",
    newer: str | None = None,
) -> Payload:
    """The form for ``views`` of the builds found, or a notice when nothing can be stopped."""
    of = quoted(found.of if found.of == found.app.title else f"{found.of} in {found.app.title}", 300)
    left_out = " ".join(_left_out(found))
    if not views:
        return notice(TITLE, f"No build of {of} runs or waits that I could stop. {left_out}".rstrip())
    builds = views[: IN_GROUP * GROUPS]
    pipelines = [each for each in builds if each.build.is_pipeline]
    always = " Pipelines are reported in any case: as failed, if you choose nothing." if pipelines else ""
    return FORM.view(
        submit=submit_label(len(builds)),
        channel_id=channel_id,
        of=clean(found.of, OF_LIMIT),
        newer=newer,
        summary=[section(f"*{plural(len(builds), 'build')} of {of}*. Untick what shall go on. {left_out}")],
        builds=[each for each in (_option(build, now) for build in builds) if each is not None],
        category=category or Reason.SUPERSEDED,
        sentence=sentence,
        consequence=f"The pull requests and commits will show what you choose here. {COUNTS}{always}",
        without=reports_not_offered(may_report_green, may_be_silent=len(pipelines) < len(builds)),
    )


def submit_label(count: int) -> str:
    return f"Stop {plural(count, 'build')}" if count else FORM.submit


def _left_out(found: Found) -> list[str]:
    sentences = []
    if found.parts:
        belong = "1 build belongs" if found.parts == 1 else f"{found.parts} builds belong"
        sentences.append(f"{belong} to a pipeline and can only be stopped with it.")
    if found.stopping:
        sentences.append(f"{found.stopping} {'is' if found.stopping == 1 else 'are'} being stopped already.")
    if found.is_more:
        sentences.append("More are running: these are the newest, ask again for the others.")
    return sentences


def _option(view: BuildView, now: datetime) -> Option | None:
    build = view.build
    target = " ".join(filter(None, (build_text.number(build), build.target)))
    code = build.tag or build.branch or ""
    cause = plain_text(build_text.cause_line(view), default="somebody")
    progress = build_text.progress(build, None, now)
    return option(f"{target} · {code}" if code else target, build.build_slug, f"{progress} · {cause}")


def relabelled(view: Mapping[str, Any]) -> Payload:
    """The open form with a button that counts the builds that are selected by now."""
    try:
        count = len(BUILDS.read(view, FORM.id("builds")))
    except FormRefused:
        count = 0
    return redrawn(view, submit=submit_label(count))
