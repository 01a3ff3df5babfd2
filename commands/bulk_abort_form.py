"""The form that stops several builds: all that fit, ticked; one reason, one report, one confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block, CheckboxesElement, InputBlock, Option

from bot.domain.abort_reasons import Reason
from bot.slack import build_text, ids
from bot.slack.blocks import context, plain, plain_text, section
from bot.slack.build_text import BuildView
from bot.slack.forms import FormRefused, Payload, modal, notice, option, read_metadata, read_options
from bot.slack.text import clean, quoted
from commands.abort_form import COUNTS, Why, quiet_input, read_why, reason_inputs, report_input

IN_GROUP = 10
"""The most that Slack takes in one group of checkboxes."""
GROUPS = 5
TITLE = "Stop builds"
OF_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Offered:
    """What can be stopped, newest first, with what was left out; ``of`` is what follows "5 builds of"."""

    app_title: str
    of: str
    builds: Sequence[BuildView]
    parts: int = 0
    stopping: int = 0
    is_more: bool = False


@dataclass(frozen=True, slots=True)
class BulkForm:
    """``newer`` is the build whose card offered to stop the older ones."""

    build_slugs: tuple[str, ...]
    why: Why
    of: str
    newer: str | None = None


def looking() -> Payload:
    """What is open while Bitrise is asked."""
    return notice(TITLE, "⏳ Looking what runs…")


def bulk_form(
    offered: Offered,
    *,
    now: datetime,
    may_report_green: bool,
    channel_id: str | None,
    category: Reason | None = None,
    sentence: str = "",
    newer: str | None = None,
) -> Payload:
    """Or a sentence, when there is nothing to stop."""
    if not offered.builds:
        return notice(
            TITLE, " ".join([f"No build of {_named(offered)} runs or waits that I could stop.", *_left_out(offered)])
        )
    builds = offered.builds[: IN_GROUP * GROUPS]
    pipelines = [each for each in builds if each.build.is_pipeline]
    blocks: list[Block] = [
        section(
            f"*{_count(len(builds))} of {_named(offered)}*. Untick what shall go on. {' '.join(_left_out(offered))}"
        ),
        *_groups(builds, now),
        *reason_inputs(category or Reason.SUPERSEDED, sentence),
        report_input(may_report_green, may_be_silent=len(pipelines) < len(builds)),
        context(_consequence(pipelines)),
        quiet_input(),
    ]
    metadata = {"channel": channel_id, "of": clean(offered.of, OF_LIMIT), "newer": newer}
    submit = submit_label(len(builds))
    return modal(ids.BUILD_ABORT_MANY, TITLE, blocks, submit=submit, close="Keep them", metadata=metadata)


def _named(offered: Offered) -> str:
    is_app = offered.of == offered.app_title
    return quoted(offered.of if is_app else f"{offered.of} in {offered.app_title}", 300)


def _count(count: int) -> str:
    return f"{count} build{'' if count == 1 else 's'}"


def submit_label(count: int) -> str:
    return f"Stop {_count(count)}" if count else "Stop nothing"


def _left_out(offered: Offered) -> list[str]:
    told = []
    if offered.parts:
        belong = "1 build belongs" if offered.parts == 1 else f"{offered.parts} builds belong"
        told.append(f"{belong} to a pipeline and can only be stopped with it.")
    if offered.stopping:
        told.append(f"{offered.stopping} {'is' if offered.stopping == 1 else 'are'} being stopped already.")
    if offered.is_more:
        told.append("More are running: these are the newest, ask again for the others.")
    return told


def _consequence(pipelines: Sequence[BuildView]) -> str:
    always = " Pipelines are reported in any case: as failed, if you choose nothing." if pipelines else ""
    return f"The pull requests and commits will show what you choose here. {COUNTS}{always}"


def _groups(builds: Sequence[BuildView], now: datetime) -> list[InputBlock]:
    groups = [builds[at : at + IN_GROUP] for at in range(0, len(builds), IN_GROUP)]
    return [_group(group, place, len(groups), now) for place, group in enumerate(groups, start=1)]


def _group(builds: Sequence[BuildView], place: int, groups: int, now: datetime) -> InputBlock:
    """Ticking tells us, so that the button can count."""
    field_id = ids.numbered(ids.ABORT_BUILDS, place)
    options = [drawn for drawn in (_option(build, now) for build in builds) if drawn is not None]
    boxes = CheckboxesElement(action_id=field_id, options=options, initial_options=options)
    first = (place - 1) * IN_GROUP + 1
    label = "Builds" if groups == 1 else f"Builds {first} to {first + len(builds) - 1}"
    return InputBlock(block_id=field_id, label=plain(label, 200), element=boxes, optional=True, dispatch_action=True)


def _option(shown_build: BuildView, now: datetime) -> Option | None:
    build = shown_build.build
    what = " ".join(filter(None, (build_text.number(build), build.target)))
    place = build.tag or build.branch or ""
    caused = plain_text(build_text.cause_line(shown_build), default="somebody")
    stands = build_text.progress(build, None, now)
    return option(f"{what} · {place}" if place else what, build.build_slug, f"{stands} · {caused}")


def relabelled(view: Mapping[str, Any]) -> Payload:
    """The open form with a button that counts what is ticked now; what was typed stays, for the fields are the same."""
    names = ("type", "callback_id", "title", "close", "blocks", "private_metadata")
    kept = {name: view[name] for name in names if view.get(name)}
    return kept | {"submit": plain(submit_label(len(read_ticked(view))), 24).to_dict()}


def read_ticked(view: Mapping[str, Any]) -> list[str]:
    fields = [ids.numbered(ids.ABORT_BUILDS, place) for place in range(1, GROUPS + 1)]
    ticked = [slug for field_id in fields for slug in read_options(view, field_id) if slug]
    return list(dict.fromkeys(ticked))


def read_bulk_form(view: Mapping[str, Any]) -> BulkForm:
    """The submission. Raises `FormRefused`; whether the person may report green is not checked here."""
    metadata, ticked = read_metadata(view), read_ticked(view)
    if not ticked:
        raise FormRefused({ids.numbered(ids.ABORT_BUILDS, 1): "Tick at least one build, or close this."})
    return BulkForm(tuple(ticked), read_why(view), metadata.get("of", ""), metadata.get("newer"))
