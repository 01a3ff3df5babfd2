"""How a build is stopped: what is wanted, the one call to Bitrise, and the words for what came too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from bot.bitrise.client import BitriseClient
from bot.domain.abort_reasons import Reason, abort_reason_text
from bot.domain.builds import Outcome, format_duration
from bot.errors import BitriseNotFound, BuildbellError
from bot.permissions import BUILD_STEP, Actor
from storage.builds import BuildRow
from storage.requests import RequestRow

GIVE_UP_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Stop:
    """How a build is to be stopped. ``report`` is what the pull request will show: failed, green or nothing.

    ``card_id`` is the message that shows how it goes, for a build that is stopped together with others; without it the
    person is told in words. ``within_seconds`` is how long it may be tried: a stop that comes later than its actor
    waits would hit a build that has gone on.
    """

    build_slug: str
    category: Reason
    sentence: str = ""
    report: str = "failed"
    skip_notifications: bool = False
    card_id: str | None = None
    within_seconds: int | None = None


async def ask(client: BitriseClient, request: RequestRow, stop: Stop, build: BuildRow) -> None:
    """The one call. The person in Slack is in the reason, because Bitrise names only the token's owner."""
    name, handle = (request.user_name, "") if request.user_id == BUILD_STEP else ("", request.user_name)
    reason = abort_reason_text(stop.category, stop.sentence, name, handle)
    await client.abort_build(
        build.app_slug,
        build.build_slug,
        reason=reason,
        is_pipeline=build.is_pipeline,
        with_success=stop.report == "green",
        skip_notifications=stop.skip_notifications,
        skip_git_status=stop.report == "nothing",
    )


def may_be_stopped(build: BuildRow) -> bool:
    """Whether it can be asked for. What is part of a pipeline ends with it: Bitrise tells of no other way."""
    return not build.is_finished and build.abort_requested_by is None and build.pipeline_workflow_id is None


def limit_of(stop: Stop) -> timedelta:
    """How long it is tried while Bitrise does not take it."""
    return GIVE_UP_AFTER if stop.within_seconds is None else timedelta(seconds=stop.within_seconds)


def spoken_actor(actor: Actor) -> str:
    """Whoever asked for a stop, at the beginning of a sentence."""
    return f"@{actor.user_name}" if actor.is_person else "A step of the build"


def hint_at(error: BuildbellError) -> str:
    """What may be behind a bare refusal."""
    if not isinstance(error, BitriseNotFound):
        return ""
    return (
        ". Either the build is gone, or the stored token's role in its app is too low: "
        "stopping builds takes the role Developer."
    )


def abort_key(build: BuildRow) -> str:
    """There is one stop of a build at a time, whoever asks for it."""
    return f"abort:{build.build_slug}"


def name_of(build: BuildRow) -> str:
    """A build in a sentence."""
    number = f"#{build.number}" if build.number is not None else "the pipeline"
    return f"{number} ({build.target or 'build'})"


def ended_sentence(build: BuildRow) -> str:
    outcome = Outcome(build.outcome).label.lower() if build.outcome else "ended, Bitrise no longer shows how"
    took = ""
    if build.started_at and build.finished_at:
        took = f" after {format_duration((build.finished_at - build.started_at).total_seconds())}"
    return f"{name_of(build)} has already finished ({outcome}{took}), so there is nothing to stop."
