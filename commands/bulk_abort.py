"""Stop several builds: a form with all matches selected, one reason and one report, then one message about all."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_bolt.async_app import AsyncAck

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
from bot.slack.text import clean, plural, quoted
from commands.abort_form import ABORT_FIELDS, COUNTS, check_abort, reports_not_offered
from commands.command import Command
from commands.interaction import (
    Payload,
    Typed,
    actor_of_press,
    answering,
    answering_in_form,
    failed,
    later,
    pressed_value,
)

BROKEN = "Something broke on my side, and I could not look."
IN_GROUP = 10
"""The most that Slack takes in one group of checkboxes."""
GROUPS = 5
TITLE = "Stop builds"
OF_LIMIT = 200


# The form.


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
        if slugs := self.selected(view, field_id):
            return slugs
        raise FormRefused({ids.numbered(field_id, 1): self.missing})

    def selected(self, view: Mapping[str, Any], field_id: str) -> tuple[str, ...]:
        groups = [state_of(view, ids.numbered(field_id, number)) for number in range(1, GROUPS + 1)]
        return tuple(dict.fromkeys(slug for group in groups for slug in all_selected(group)))


def stops_from_values(builds: tuple[str, ...], of: str, newer: str, **how: Any) -> BulkForm:
    return BulkForm(tuple(AbortParameters(build_slug, **how) for build_slug in builds), of, newer or None)


BUILDS = Builds("builds", "Builds", optional=True, dispatch=True, missing="Tick at least one build, or close this.")
FORM = Form(
    ids.BUILD_ABORT_MANY, "abort", title=TITLE, submit="Stop nothing", close="Keep them", record=stops_from_values,
    check=check_abort, fields=(Hidden("of"), Hidden("newer"), Slot("summary"), BUILDS, *ABORT_FIELDS),
)  # fmt: skip
"""Whether the person may report green is not checked here."""


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
    """The form with the views of all matches selected, or a notice if no build can be stopped."""
    description, title = matches.description, matches.app.title
    of = quoted(description if description == title else f"{description} in {title}", 300)
    left_out = " ".join(_left_out(matches))
    if not views:
        return notice(TITLE, f"No build of {of} runs or waits that I could stop. {left_out}".rstrip())
    builds = views[: IN_GROUP * GROUPS]
    pipelines = [each for each in builds if each.build.is_pipeline]
    always = " Pipelines are reported in any case: as failed, if you choose nothing." if pipelines else ""
    return FORM.view(
        submit=submit_label(len(builds)),
        channel_id=channel_id,
        of=clean(description, OF_LIMIT),
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


def _left_out(matches: Matches) -> list[str]:
    sentences = []
    if matches.in_pipeline:
        belong = "1 build belongs" if matches.in_pipeline == 1 else f"{matches.in_pipeline} builds belong"
        sentences.append(f"{belong} to a pipeline and can only be stopped with it.")
    if matches.stopping:
        sentences.append(f"{matches.stopping} {'is' if matches.stopping == 1 else 'are'} being stopped already.")
    if matches.is_more:
        sentences.append("More are running: these are the newest, ask again for the others.")
    return sentences


def _option(view: BuildView, now: datetime) -> Option | None:
    build = view.build
    target = " ".join(filter(None, (build_text.number(build), build.target)))
    code = build.tag or build.branch or ""
    cause = rich.plain(build_text.cause_line(view), default="somebody")
    progress = build_text.progress(build, None, now)
    return option(f"{target} · {code}" if code else target, build.build_slug, f"{progress} · {cause}")


def redraw_button(view: Mapping[str, Any]) -> View:
    """The open form with a button that counts the builds that are selected by now."""
    return redrawn(view, submit=submit_label(len(BUILDS.selected(view, FORM.id("builds")))))


# Handlers.


async def ask_about_matches(
    typed: Typed, filters: BulkFilter, ctx: Context, category: Reason | None, note: str
) -> None:
    """Open the form for the builds that typed filters pick."""

    async def load() -> View:
        matches = await bulk_abort.find_matches(ctx, typed.actor, filters)
        return await form_for(typed.actor, matches, ctx, category=category, sentence=note)

    await open_form(typed.actor, typed.trigger_id, load, ctx, typed=typed)


async def ask_about_all(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        app_slug = pressed_value(action)

        async def load() -> View:
            return await form_for(actor, await bulk_abort.find_matches(ctx, actor, BulkFilter(app=app_slug)), ctx)

        await open_form(actor, body["trigger_id"], load, ctx)


async def ask_about_older(ack: AsyncAck, action: Payload, body: Payload, ctx: Context) -> None:
    await ack()
    actor = actor_of_press(body)
    async with answering(ctx, actor):
        ctx.permissions.check_member(actor)
        newer = pressed_value(action)

        async def load() -> View:
            return await form_for(actor, await bulk_abort.find_superseded(ctx, actor, newer), ctx, newer=newer)

        await open_form(actor, body["trigger_id"], load, ctx)


async def open_form(
    actor: Actor, trigger_id: str, load: Callable[[], Awaitable[View]], ctx: Context, *, typed: Typed | None = None
) -> None:
    """Open a modal at once, because a trigger expires in 3 s, and fill it when the builds have been found."""
    view_id = await ctx.slack(actor.workspace_id).open_view(trigger_id, notice(TITLE, "⏳ Looking what runs…"))
    later(ctx, actor, fill(actor, view_id, load, ctx), name="abort many form", typed=typed)


async def fill(actor: Actor, view_id: str, load: Callable[[], Awaitable[View]], ctx: Context) -> None:
    """Show the form or an error in the modal that waits for it, and the error with buttons in a message, too."""
    slack = ctx.slack(actor.workspace_id)
    try:
        view = await load()
    except BuildbellError as error:
        await slack.update_view(view_id, failed(TITLE, error))
        if error.suggestions:
            raise
        return
    except Exception:
        await slack.update_view(view_id, notice(TITLE, BROKEN))
        raise
    await slack.update_view(view_id, view)


async def form_for(
    actor: Actor,
    matches: Matches,
    ctx: Context,
    *,
    category: Reason | None = None,
    sentence: str = "",
    newer: str | None = None,
) -> View:
    return bulk_form(
        matches,
        await views.load_views(ctx, matches.builds),
        now=ctx.clock.now(),
        may_report_green=ctx.permissions.may_report_green(actor),
        channel_id=actor.channel_id,
        category=category,
        sentence=sentence,
        newer=newer,
    )


async def count_selected(ack: AsyncAck, body: Payload, ctx: Context) -> None:
    """Show on the button how many builds it stops. If that fails, the form still works."""
    await ack()
    view = body["view"]
    with contextlib.suppress(SlackFailed):
        await ctx.slack(actor_of_press(body).workspace_id).update_view(view["id"], redraw_button(view))


async def abort_builds(ack: AsyncAck, view: Payload, body: Payload, ctx: Context) -> None:
    async with answering_in_form(ack):
        form, actor = FORM.read(view), actor_of_press(body)
        await bulk_abort.request_bulk_abort(
            ctx, actor, form.stops, view_id=view["id"], description=form.of, newer=form.newer
        )
        await ack()


COMMAND = Command(
    actions={
        ids.BUILD_STOP_ALL: ask_about_all,
        ids.BUILD_STOP_OLDER: ask_about_older,
        ids.any_number(FORM.id("builds")): count_selected,
    },
    views={ids.BUILD_ABORT_MANY: abort_builds},
)
