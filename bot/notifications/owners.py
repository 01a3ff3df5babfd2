"""The owners of a build: who requested it in Slack, pushed it under their Git name, or is named in its commit.

Bitrise reports no author, but keeps the commit message with the trailers that Git writes: ``Signed-off-by``
(``git commit --signoff``), ``Co-authored-by`` and ``Author`` (https://git-scm.com/docs/git-interpret-trailers).
"""

from __future__ import annotations

import re

from bot.domain.builds import Cause
from storage import Transaction
from storage import users as user_rows
from storage.builds import BuildRow
from storage.users import UserRow

TRAILER = re.compile(
    r"^(?:signed-off-by|co-authored-by|authored-by|author):[^<\n]*<(?P<email>[^<>@\s]+@[^<>@\s]+)>\s*$",
    re.IGNORECASE | re.MULTILINE,
)
MAX_CHARACTERS_READ = 20_000


def author_emails(commit_message: str) -> frozenset[str]:
    """Return the email addresses of a commit's authors, in lower case."""
    return frozenset(match["email"].lower() for match in TRAILER.finditer(commit_message[:MAX_CHARACTERS_READ]))


def is_owned_by(build: BuildRow, user: UserRow) -> bool:
    """A scheduled build belongs to nobody, even if the newest commit has an author."""
    if build.requested_by == user.user_id:
        return True
    name = (build.triggered_by_name or "").lower()
    # The name of a start from Slack is a Slack name, which may be the Git name of somebody else.
    if name and build.cause != Cause.SLACK and (name in user.git_names or name == user.email):
        return True
    if user.email is None or build.cause == Cause.SCHEDULE:
        return False
    return user.email in author_emails(build.commit_message or "")


async def record_owners(tx: Transaction, build: BuildRow) -> None:
    """Store the owners with the build, so that a person's builds can be listed without reading every commit."""
    users = await user_rows.list_users(tx, build.workspace_id)
    owners = {user.user_id for user in users if is_owned_by(build, user)}
    if build.requested_by:
        owners.add(build.requested_by)
    for user_id in owners:
        await user_rows.add_build_owner(
            tx, build.workspace_id, build.build_slug, user_id, triggered_at=build.triggered_at
        )
