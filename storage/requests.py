"""Requests of people that must happen exactly once: start, stop, connect. Stored before they are sent to Bitrise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database import (
    Reads,
    Transaction,
    columns,
    fetch_rows,
    find_row,
    insert,
    placeholders,
    to_columns,
)

ACCEPTED = "accepted by Bitrise"
"""The result of an open start: its builds follow."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """``state``: awaiting_confirmation, accepted, sent (may have reached Bitrise), done, refused, unknown.

    ``unique_key`` identifies a repeated request: the trigger id of a start, the build of an abort.
    """

    request_id: str
    workspace_id: str
    kind: str
    unique_key: str
    state: str
    user_id: str
    user_name: str
    channel_id: str | None
    response_url_sealed: str | None
    view_id: str | None
    app_slug: str | None
    build_slug: str | None
    workflow: str | None
    branch: str | None
    parameters_sealed: str
    parameters_hash: str | None
    created_at: datetime
    sent_at: datetime | None = None
    completed_at: datetime | None = None
    notified_at: datetime | None = None
    result: str | None = None


STATE_OF_START = """
    case when :asks_first = 1 and (
        exists (
            select 1 from builds
            where workspace_id = :workspace_id and app_slug = :app_slug
            and parameters_hash = :parameters_hash and state != 'finished')
        or exists (
            select 1 from requests
            where workspace_id = :workspace_id and app_slug = :app_slug
            and parameters_hash = :parameters_hash and kind = 'start' and state in ('accepted', 'sent')))
    then 'awaiting_confirmation' else :state end
"""
ADD_START = f"""
    insert into requests ({columns(RequestRow)})
    values ({placeholders(RequestRow).replace(":state", STATE_OF_START)})
    on conflict do nothing
    returning state
"""


async def add_request(tx: Transaction, request: RequestRow) -> bool:
    """Return False if a request with the same ``unique_key`` is stored already."""
    return await insert(tx, "requests", request, skip_existing=True)


async def add_starts(tx: Transaction, starts: Sequence[tuple[RequestRow, bool]]) -> list[str | None]:
    """Store starts in order and return the state of each, None for one that is stored already.

    A start that asks first awaits confirmation while an identical build runs or is being started. All of that is one
    statement, because everyone who starts a build waits for it.
    """
    rows = await tx.fetch_each(
        ADD_START, [to_columns(start) | {"asks_first": asks_first} for start, asks_first in starts]
    )
    return [row["state"] if row else None for row in rows]


async def find_request(db: Reads, request_id: str) -> RequestRow | None:
    return await find_row(db, RequestRow, "requests", request_id=request_id)


async def find_by_key(db: Reads, workspace_id: str, unique_key: str) -> RequestRow | None:
    return await find_row(db, RequestRow, "requests", workspace_id=workspace_id, unique_key=unique_key)


async def confirm_request(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """Accept a request as if it were made now; return False if it doesn't await confirmation."""
    touched = await tx.execute(
        """
        update requests
        set state = 'accepted', created_at = :now
        where request_id = :request_id and state = 'awaiting_confirmation'
        """,
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def mark_sent(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """Mark a request before the call to Bitrise, which may reach it even if the call fails."""
    touched = await tx.execute(
        """
        update requests
        set state = 'sent', sent_at = :now
        where request_id = :request_id and state in ('accepted', 'sent')
        """,
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def mark_accepted(tx: Transaction, request_id: str) -> bool:
    """Store that Bitrise has accepted a start without naming a build. Return whether that is new."""
    touched = await tx.execute(
        """
        update requests
        set result = :accepted
        where request_id = :request_id and state = 'sent' and result is null
        """,
        request_id=request_id, accepted=ACCEPTED,
    )  # fmt: skip
    return touched == 1


async def mark_unsent(tx: Transaction, request_id: str) -> None:
    """Undo `mark_sent` after Bitrise refused to do anything (429), so that the next try needn't look first."""
    await tx.execute(
        "update requests set state = 'accepted' where request_id = :request_id and state = 'sent'",
        request_id=request_id,
    )


async def complete_request(
    tx: Transaction,
    request_id: str,
    *,
    state: str,
    result: str,
    now: datetime,
    build_slug: str | None = None,
    frees_key: bool = False,
) -> bool:
    """Close a request; return False if it was closed before. With ``frees_key`` the same request may be made again."""
    touched = await tx.execute(
        """
        update requests
        set state = :state, result = :result, completed_at = :now,
            build_slug = coalesce(:build_slug, build_slug),
            unique_key = case when :frees_key = 1 then unique_key || ' ' || request_id else unique_key end
        where request_id = :request_id and state in ('awaiting_confirmation', 'accepted', 'sent')
        """,
        request_id=request_id, state=state, result=result, now=now, build_slug=build_slug, frees_key=frees_key,
    )  # fmt: skip
    return touched == 1


async def delete_parameters(tx: Transaction, request_id: str) -> None:
    """Delete the sealed parameters once nothing needs them, such as a token that was verified or refused."""
    await tx.execute("update requests set parameters_sealed = '' where request_id = :request_id", request_id=request_id)


async def cancel_connecting(tx: Transaction, workspace_id: str, *, result: str, now: datetime) -> None:
    """Refuse the tokens that are still being verified."""
    await tx.execute(
        """
        update requests
        set state = 'refused', result = :result, completed_at = :now, parameters_sealed = ''
        where workspace_id = :workspace_id and kind = 'connect' and state = 'accepted'
        """,
        workspace_id=workspace_id, result=result, now=now,
    )  # fmt: skip


async def claim_notification(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """Return whether this caller is the one to say that the request takes longer than usual."""
    touched = await tx.execute(
        "update requests set notified_at = :now where request_id = :request_id and notified_at is null",
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def list_own_starts(db: Reads, workspace_id: str, user_id: str, *, limit: int) -> list[RequestRow]:
    """Return a person's newest starts that were not refused."""
    return await fetch_rows(
        db,
        RequestRow,
        f"""
        select {columns(RequestRow)} from requests
        where workspace_id = :workspace_id and user_id = :user_id
        and kind = 'start' and state in ('accepted', 'sent', 'done')
        order by created_at desc
        limit :limit
        """,
        workspace_id=workspace_id,
        user_id=user_id,
        limit=limit,
    )


async def count_open(db: Reads, workspace_id: str | None = None) -> int:
    """Count the requests of a workspace, or of all for None."""
    rows = await db.fetch_all(
        """
        select count(*) as open
        from requests
        where state in ('accepted', 'sent')
        and (cast(:workspace_id as text) is null or workspace_id = :workspace_id)
        """,
        workspace_id=workspace_id,
    )
    return int(rows[0]["open"])
