"""Whose builds are whose: noted with the build, so that a person's own can be listed at once."""

from __future__ import annotations

from bot.context import Context
from bot.domain.builds import Cause
from bot.notifications.commit_authors import emails_in
from storage import Transaction
from storage import users as user_rows
from storage.builds import BuildRow
from storage.users import UserRow


def is_of(person: UserRow, build: BuildRow) -> bool:
    """Whether it is this person's build: asked for in Slack, pushed under a name of theirs, or signed by their mail."""
    return build.requested_by == person.user_id or _is_named(person, build) or _has_signed(person, build)


def _is_named(person: UserRow, build: BuildRow) -> bool:
    """For a start from Slack the name is one of Slack's, where others may be called like somebody in Git."""
    name = (build.triggered_by_name or "").lower()
    return bool(name) and build.cause != Cause.SLACK and (name in person.git_names or name == person.email)


def _has_signed(person: UserRow, build: BuildRow) -> bool:
    """A scheduled build is nobody's, whoever has signed the newest commit."""
    if person.email is None or build.cause == Cause.SCHEDULE:
        return False
    return person.email in emails_in(build.commit_message or "")


async def record_owners(ctx: Context, tx: Transaction, build: BuildRow) -> None:
    owners = {person.user_id for person in await user_rows.list_users(tx, build.workspace_id)
              if is_of(person, build)}  # fmt: skip
    for user_id in owners | ({build.requested_by} if build.requested_by else set()):
        await user_rows.add_build_owner(
            tx, build.workspace_id, build.build_slug, user_id, triggered_at=build.triggered_at
        )
