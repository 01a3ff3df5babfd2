"""What one person has said about themselves: how their builds are known, and what they are told directly."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bot import requests, sync_schedule
from bot.context import Context
from bot.notifications.owners import is_owned_by
from bot.permissions import Actor
from bot.slack.errors import SlackFailed
from storage import Transaction
from storage import users as user_rows
from storage.builds import BuildRow
from storage.users import OFF, UserRow

log = logging.getLogger(__name__)
VERB = "me"
LINKED_BACK = timedelta(days=30)
LINKED_AT_MOST = 500


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person chooses: see `storage.users.UserRow`. ``git_names`` are in lower case."""

    tells: str
    git_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Myself:
    """``namesakes`` are the others who have linked a name of this person's; ``linked`` how many builds were found."""

    person: UserRow
    namesakes: Mapping[str, tuple[str, ...]]
    linked: int | None = None


async def find_user(ctx: Context, actor: Actor) -> UserRow | None:
    """As they have saved it; None for people of other workspaces, who have nothing to save here."""
    if not ctx.permissions.is_member(actor):
        return None
    return await user_rows.get_user(ctx.db, actor.workspace_id, actor.user_id)


async def load_preferences(ctx: Context, actor: Actor) -> Myself:
    """As it would be saved now: with the e-mail address that Slack knows."""
    ctx.permissions.check_member(actor)
    person = await _as_slack_says(ctx, await user_rows.get_user(ctx.db, actor.workspace_id, actor.user_id))
    return Myself(person, await _namesakes(ctx, person))


async def save_preferences(ctx: Context, actor: Actor, preferences: Preferences) -> Myself:
    """Store the preferences and count known builds of theirs as theirs.

    A name may be linked by several people: it opens nothing that not everybody may see, and first come would let
    somebody keep a name from its owner. Each of them is shown the others.
    """
    ctx.permissions.check_member(actor)
    before = await user_rows.get_user(ctx.db, actor.workspace_id, actor.user_id)
    person = dataclasses.replace(
        await _as_slack_says(ctx, before), dm_level=preferences.tells, git_names=preferences.git_names
    )
    is_known_anew = (person.git_names, person.email) != (before.git_names, before.email)

    async def keep(tx: Transaction) -> int | None:
        await user_rows.save_user(tx, person)
        linked = await _link_past(ctx, tx, person) if is_known_anew else None
        await _audit(ctx, tx, person)
        if person.dm_level != OFF:  # from here on somebody waits for whatever may start
            await sync_schedule.schedule_now(ctx, tx, person.workspace_id, at=ctx.clock.now())
        return linked

    linked = await ctx.db.transaction(keep)
    return Myself(person, await _namesakes(ctx, person), linked)


async def list_own_builds(ctx: Context, actor: Actor, *, limit: int) -> tuple[list[BuildRow], list[BuildRow]]:
    """What runs of theirs, and what has ended, newest first."""
    workspace_id, user_id = actor.workspace_id, actor.user_id
    running = await user_rows.list_builds(ctx.db, workspace_id, user_id, is_finished=False, limit=limit)
    return running, await user_rows.list_builds(ctx.db, workspace_id, user_id, is_finished=True, limit=limit)


async def _as_slack_says(ctx: Context, person: UserRow) -> UserRow:
    """What a form says about an address is not believed: only Slack knows whose it is."""
    try:
        known = await ctx.slack(person.workspace_id).get_user(person.user_id)
    except SlackFailed as error:
        log.warning("Slack could not say who somebody is", extra={"user": person.user_id, "error": str(error)})
        return person
    return dataclasses.replace(person, email=known.email.lower() if known.email else None)


async def _namesakes(ctx: Context, person: UserRow) -> dict[str, tuple[str, ...]]:
    people = [each for each in await user_rows.list_users(ctx.db, person.workspace_id) if each.git_names]
    shared = {
        name: tuple(each.user_id for each in people if name in each.git_names and each.user_id != person.user_id)
        for name in person.git_names
    }
    return {name: others for name, others in shared.items() if others}


async def _link_past(ctx: Context, tx: Transaction, person: UserRow) -> int:
    """Names that were taken back take their builds with them."""
    since = ctx.clock.now() - LINKED_BACK
    await user_rows.delete_linked_builds(tx, person.workspace_id, person.user_id)
    candidates = await user_rows.list_candidates(tx, person, since=since, limit=LINKED_AT_MOST)
    theirs = [build for build in candidates if is_owned_by(build, person)]
    for build in theirs:
        await user_rows.add_build_owner(
            tx, person.workspace_id, build.build_slug, person.user_id, triggered_at=build.triggered_at
        )
    return len(theirs)


async def _audit(ctx: Context, tx: Transaction, person: UserRow) -> None:
    await requests.record_audit(
        ctx,
        tx,
        person.workspace_id,
        person.user_id,
        action=VERB,
        subject=", ".join(person.git_names),
        result=f"direct messages: {person.dm_level}",
    )
