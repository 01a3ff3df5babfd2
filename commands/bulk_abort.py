"""Stop several builds: a form with all matches selected, one reason and one report for all of them."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bot.builds import bulk_abort, views
from bot.builds.abort import AbortParameters
from bot.builds.bulk_abort import BulkFilter, Matches
from bot.context import Context
from bot.domain.abort_reasons import Reason
from bot.errors import BuildbellError
from bot.permissions import Actor
from bot.slack import build_text, ids, rich
from bot.slack.blocks import Block, section
from bot.slack.build_text import BuildView
from bot.slack.errors import SlackFailed
from bot.slack.fields import Field, Hidden, Option, Slot, all_selected, option, state_of
from bot.slack.forms import Form, FormRefused, notice, redrawn
from bot.slack.forms import Payload as View
from bot.slack.text import clean, isolate, plural, quoted
from commands.abort_form import ABORT_FIELDS, COUNTS, check_abort, reports_not_offered
from commands.command import Command
from commands.interaction import (
    Action,
    Interaction,
    Submission,
    Typed,
    error_view,
    open_view,
    run_in_background,
)

IN_GROUP = 10
"""Slack's limit for one group of checkboxes."""
GROUPS = 5
TITLE = "Stop builds"
OF_LIMIT = 200
Find = Callable[[], Awaitable[Matches]]


# The form.


@dataclass(frozen=True, slots=True)
class BulkForm:
    """``newer`` is the build whose card offered to stop the older ones."""

    stops: tuple[AbortParameters, ...]
    of: str
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class Builds(Field):
    """Selected checkboxes in a block for every ten builds. They dispatch, so that the button can show the count."""

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
        if slugs := self.selected(view, field_id):
            return slugs
        raise FormRefused({ids.numbered(field_id, 1): self.missing})

    def selected(self, view: Mapping[str, Any], field_id: str) -> tuple[str, ...]:
        groups = [state_of(view, ids.numbered(field_id, number)) for number in range(1, GROUPS + 1)]
        return tuple(dict.fromkeys(slug for group in groups for slug in all_selected(group)))


def stops_from_values(builds: tuple[str, ...], of: str, newer: str, **how: Any) -> BulkForm:
    return BulkForm(tuple(AbortParameters(build_slug, **how) for build_slug in builds), of, newer or None)


BUILDS = Builds("builds", "Builds", optional=True, dispatch=True, missing="Select at least one build, or cancel.")
FORM = Form(
    ids.BUILD_ABORT_MANY, "abort", title=TITLE, submit="Stop builds", close="Cancel", record=stops_from_values,
    check=check_abort, fields=(Hidden("of"), Hidden("newer"), Slot("summary"), BUILDS, *ABORT_FIELDS),
)  # fmt: skip
"""Whether the person may report builds as passed is not checked here."""


def bulk_form(
    matches: Matches,
    views: Sequence[BuildView],
    *,
    now: datetime,
    may_report_green: bool,
    channel_id: str | None,
    category: Reason | None = None,
    sentence: str = "",
    newer: str | None = None,
) -> View:
    """Return the form with the views of all matches selected, or a notice if no build can be stopped."""
    description, title = matches.description, matches.app.title
    of = quoted(description if description == title else f"{isolate(description)} in {isolate(title)}", 300)
    left_out = " ".join(describe_left_out(matches))
    if not views:
        return notice(TITLE, f"No running or queued builds of {of} can be stopped. {left_out}".rstrip())
    builds = views[: IN_GROUP * GROUPS]
    pipelines = [each for each in builds if each.build.is_pipeline]
    always = " Pipelines always report a result: failed, unless you choose otherwise." if pipelines else ""
    return FORM.view(
        submit=submit_label(len(builds)),
        channel_id=channel_id,
        of=clean(description, OF_LIMIT),
        newer=newer,
        summary=[section(f"*{plural(len(builds), 'build')} of {of}*. Clear any you want to keep running. {left_out}")],
        builds=[each for each in (build_option(build, now) for build in builds) if each is not None],
        category=category or Reason.SUPERSEDED,
        sentence=sentence,
        consequence=f"Sets the checks of the commits. {COUNTS}{always}",
        without=reports_not_offered(may_report_green, may_be_silent=len(pipelines) < len(builds)),
    )


def submit_label(count: int) -> str:
    return f"Stop {plural(count, 'build')}" if count else FORM.submit


def describe_left_out(matches: Matches) -> list[str]:
    sentences = []
    if matches.in_pipeline:
        belong = "1 build belongs" if matches.in_pipeline == 1 else f"{matches.in_pipeline} builds belong"
        sentences.append(f"{belong} to a pipeline and can only be stopped with it.")
    if matches.stopping:
        sentences.append(f"{matches.stopping} {'is' if matches.stopping == 1 else 'are'} already stopping.")
    if matches.is_more:
        sentences.append("These are the newest. Run the command again for the others.")
    return sentences


def build_option(view: BuildView, now: datetime) -> Option | None:
    build = view.build
    target = " ".join(filter(None, (build_text.number(build), build.target)))
    code = build.tag or build.branch or ""
    cause = rich.plain(build_text.cause_line(view), default="somebody")
    progress = build_text.progress(build, None, now)
    return option(f"{target} · {code}" if code else target, build.build_slug, f"{progress} · {cause}")


def redraw_button(view: Mapping[str, Any]) -> View:
    """Return the open form with the number of selected builds on its button."""
    return redrawn(view, submit=submit_label(len(BUILDS.selected(view, FORM.id("builds")))))


# Handlers.


async def ask_about_matches(
    ctx: Context, typed: Typed, filters: BulkFilter, category: Reason | None, sentence: str
) -> None:
    """Open the form for the builds that match typed filters."""
    await ctx.permissions.check_may_act(typed.actor)
    find = partial(bulk_abort.find_matches, ctx, typed.actor, filters)
    await open_form(ctx, typed, find, category=category, sentence=sentence)


async def ask_about_all(ctx: Context, action: Action) -> None:
    await ctx.permissions.check_may_act(action.actor)
    await open_form(ctx, action, partial(bulk_abort.find_matches, ctx, action.actor, BulkFilter(app=action.value)))


async def ask_about_older(ctx: Context, action: Action) -> None:
    """Open the form for the builds that a newer one of the same branch or pull request replaces."""
    await ctx.permissions.check_may_act(action.actor)
    newer = action.value
    await open_form(ctx, action, partial(bulk_abort.find_superseded, ctx, action.actor, newer), newer=newer)


async def open_form(ctx: Context, interaction: Interaction, find: Find, **initial: Any) -> None:
    """Open a modal at once, because a trigger expires in 3 s, and fill it when the builds are found."""
    view_id = await open_view(ctx, interaction, notice(TITLE, "⏳ Finding running builds…"))
    work = fill_form(ctx, interaction.actor, view_id, find, **initial)
    run_in_background(ctx, interaction, work, name="abort many form")


async def fill_form(ctx: Context, actor: Actor, view_id: str, find: Find, **initial: Any) -> None:
    """Show the form in the open modal, or an error, which is repeated in a message if that can have buttons."""
    slack = ctx.slack(actor.workspace_id)
    try:
        matches = await find()
        view = bulk_form(
            matches,
            await views.load_views(ctx, matches.builds),
            now=ctx.clock.now(),
            may_report_green=ctx.permissions.may_report_green(actor),
            channel_id=actor.channel_id,
            **initial,
        )
    except BuildbellError as error:
        await slack.update_view(view_id, error_view(TITLE, error))
        if error.suggestions:
            raise
        return
    except Exception:
        await slack.update_view(view_id, notice(TITLE, "Something went wrong. Try again in a few minutes."))
        raise
    await slack.update_view(view_id, view)


async def count_selected(ctx: Context, action: Action) -> None:
    """Show on the button how many builds it stops. If that fails, the form still works."""
    with contextlib.suppress(SlackFailed):
        await ctx.slack(action.actor.workspace_id).update_view(action.view["id"], redraw_button(action.view))


async def submit_form(ctx: Context, submission: Submission) -> None:
    form, view_id = FORM.read(submission.view), submission.view["id"]
    await bulk_abort.request_bulk_abort(
        ctx, submission.actor, form.stops, view_id=view_id, description=form.of, newer=form.newer
    )


COMMAND = Command(
    actions={
        ids.BUILD_STOP_ALL: ask_about_all,
        ids.BUILD_STOP_OLDER: ask_about_older,
        ids.any_number(FORM.id("builds")): count_selected,
    },
    views={ids.BUILD_ABORT_MANY: submit_form},
)
