"""A person's preferences: the names that make builds theirs, and the results they get direct messages about."""

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
LINK_DAYS = timedelta(days=30)
MAX_LINKED = 500


@dataclass(frozen=True, slots=True)
class Preferences:
    """The fields of the form, see `storage.users.UserRow`. ``git_names`` are in lower case."""

    dm_level: str
    git_names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """``namesakes`` are the other users with one of the user's names; ``linked`` how many builds were found."""

    user: UserRow
    namesakes: Mapping[str, tuple[str, ...]]
    linked: int | None = None


async def find_user(ctx: Context, actor: Actor) -> UserRow | None:
    """Return the stored preferences; None for people of other workspaces, who have none here."""
    if not ctx.permissions.is_member(actor):
        return None
    return await user_rows.get_user(ctx.db, actor.workspace_id, actor.user_id)


async def load_profile(ctx: Context, actor: Actor) -> Profile:
    """Return the stored preferences with the email address from Slack."""
    ctx.permissions.check_member(actor)
    user = await with_email(ctx, await user_rows.get_user(ctx.db, actor.workspace_id, actor.user_id))
    return Profile(user, await list_namesakes(ctx, user))


async def save_preferences(ctx: Context, actor: Actor, preferences: Preferences) -> Profile:
    """Store preferences, and link recent builds if the names that make builds theirs have changed.

    Several users may link the same name. It opens nothing that others may not see, and reserving names would let
    somebody keep a name from its owner. Each of them is shown the others.
    """
    ctx.permissions.check_member(actor)
    workspace_id = actor.workspace_id
    before = await user_rows.get_user(ctx.db, workspace_id, actor.user_id)
    user = dataclasses.replace(await with_email(ctx, before), **dataclasses.asdict(preferences))

    async def store(tx: Transaction) -> int | None:
        await user_rows.save_user(tx, user)
        has_new_names = (user.git_names, user.email) != (before.git_names, before.email)
        linked = await link_builds(ctx, tx, user) if has_new_names else None
        names, result = ", ".join(user.git_names), f"direct messages: {user.dm_level}"
        await requests.record_audit(ctx, tx, workspace_id, user.user_id, action="me", subject=names, result=result)
        if user.dm_level != OFF:  # polling is more frequent while somebody waits for results
            await sync_schedule.schedule_now(ctx, tx, workspace_id, at=ctx.clock.now())
        return linked

    linked = await ctx.db.transaction(store)
    return Profile(user, await list_namesakes(ctx, user), linked)


async def with_email(ctx: Context, user: UserRow) -> UserRow:
    """Return a user with the email address from Slack, the only source that is believed."""
    try:
        known = await ctx.slack(user.workspace_id).get_user(user.user_id)
    except SlackFailed as error:
        log.warning("Slack could not say who somebody is", extra={"user": user.user_id, "error": str(error)})
        return user
    return dataclasses.replace(user, email=known.email.lower() if known.email else None)


async def list_namesakes(ctx: Context, user: UserRow) -> dict[str, tuple[str, ...]]:
    """Return the ids of other users by name that they share with this one."""
    others = [each for each in await user_rows.list_users(ctx.db, user.workspace_id) if each.user_id != user.user_id]
    shared = {name: tuple(each.user_id for each in others if name in each.git_names) for name in user.git_names}
    return {name: user_ids for name, user_ids in shared.items() if user_ids}


async def link_builds(ctx: Context, tx: Transaction, user: UserRow) -> int:
    """Make a user the owner of recent builds by their names, and no longer of those by names they have removed."""
    await user_rows.delete_linked_builds(tx, user.workspace_id, user.user_id)
    candidates = await user_rows.list_candidates(tx, user, since=ctx.clock.now() - LINK_DAYS, limit=MAX_LINKED)
    owned = [build for build in candidates if is_owned_by(build, user)]
    for build in owned:
        await user_rows.add_build_owner(
            tx, user.workspace_id, build.build_slug, user.user_id, triggered_at=build.triggered_at
        )
    return len(owned)


async def list_own_builds(ctx: Context, actor: Actor, *, limit: int) -> tuple[list[BuildRow], list[BuildRow]]:
    """Return the user's running and finished builds, newest first."""
    workspace_id, user_id = actor.workspace_id, actor.user_id
    running = await user_rows.list_builds(ctx.db, workspace_id, user_id, is_finished=False, limit=limit)
    return running, await user_rows.list_builds(ctx.db, workspace_id, user_id, is_finished=True, limit=limit)
