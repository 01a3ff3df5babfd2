"""What a person asked for and must happen once: to start, to stop, to connect. A row before it is an action."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.database import Reads, Row, Transaction, column_list, from_row, placeholder_list, to_columns


@dataclass(frozen=True, slots=True)
class RequestRow:
    """``state``: held (asked back), accepted, sent (Bitrise may know it), done, refused, unknown.

    ``unique_key`` is what makes it the same request: a trigger id for a start, the build for an abort.
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
    digest: str | None
    created_at: datetime
    sent_at: datetime | None = None
    settled_at: datetime | None = None
    told_at: datetime | None = None
    result: str | None = None


COLUMNS = column_list(RequestRow)
STATE_OF_START = """
    case when :is_asked = 1 and (
        exists (
            select 1 from builds
            where workspace_id = :workspace_id and app_slug = :app_slug and digest = :digest and state != 'finished')
        or exists (
            select 1 from requests
            where workspace_id = :workspace_id and app_slug = :app_slug and digest = :digest and kind = 'start'
            and state in ('accepted', 'sent')))
    then 'held' else :state end
"""


ADD_START = f"""
    insert into requests ({COLUMNS})
    values ({placeholder_list(RequestRow).replace(":state", STATE_OF_START)})
    on conflict do nothing returning state
"""


async def add_request(tx: Transaction, request: RequestRow) -> bool:
    """Store a request; False when the same one (``unique_key``) is there already."""
    touched = await tx.execute(
        f"insert into requests ({COLUMNS}) values ({placeholder_list(RequestRow)}) on conflict do nothing",
        **to_columns(request),
    )
    return touched == 1


async def add_starts(tx: Transaction, starts: Sequence[tuple[RequestRow, bool]]) -> list[str | None]:
    """Store starts one after the other, and return the state of each; None where the same one is there already.

    One that ``is_asked`` is held when something equal runs, or is on its way to Bitrise. All of that is one
    statement, because it is what everybody who starts a build waits for.
    """
    rows = await tx.fetch_each(ADD_START, [to_columns(start) | {"is_asked": is_asked} for start, is_asked in starts])
    return [row["state"] if row else None for row in rows]


async def find_request(db: Reads, request_id: str) -> RequestRow | None:
    row = await db.fetch_one(f"select {COLUMNS} from requests where request_id = :request_id", request_id=request_id)
    return _request(row) if row else None


async def find_by_key(db: Reads, workspace_id: str, unique_key: str) -> RequestRow | None:
    row = await db.fetch_one(
        f"select {COLUMNS} from requests where workspace_id = :workspace_id and unique_key = :unique_key",
        workspace_id=workspace_id, unique_key=unique_key,
    )  # fmt: skip
    return _request(row) if row else None


async def release_request(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """A held request counts from now on, as if it had just been asked for; False when it is not held."""
    touched = await tx.execute(
        """
        update requests set state = 'accepted', created_at = :now
        where request_id = :request_id and state = 'held'
        """,
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def mark_sent(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """Before the call: from here on Bitrise may know of it."""
    touched = await tx.execute(
        """
        update requests set state = 'sent', sent_at = :now
        where request_id = :request_id and state in ('accepted', 'sent')
        """,
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def mark_unsent(tx: Transaction, request_id: str) -> None:
    """Bitrise said plainly that it did nothing (429): the next try need not look first."""
    await tx.execute(
        "update requests set state = 'accepted' where request_id = :request_id and state = 'sent'",
        request_id=request_id,
    )


async def settle_request(
    tx: Transaction,
    request_id: str,
    *,
    state: str,
    result: str,
    now: datetime,
    build_slug: str | None = None,
    frees_key: bool = False,
) -> bool:
    """The end of a request, once: True when it was still open.

    ``frees_key``: the same may be asked for again, as the stop of a build that could not be stopped.
    """
    touched = await tx.execute(
        """
        update requests
        set state = :state, result = :result, settled_at = :now,
            build_slug = coalesce(:build_slug, build_slug),
            unique_key = case when :frees_key = 1 then unique_key || ' ' || request_id else unique_key end
        where request_id = :request_id and state in ('held', 'accepted', 'sent')
        """,
        request_id=request_id, state=state, result=result, now=now, build_slug=build_slug,
        frees_key=frees_key,
    )  # fmt: skip
    return touched == 1


async def forget_parameters(tx: Transaction, request_id: str) -> None:
    """Drop what was sealed with a request once nothing needs it (a token that was verified or refused)."""
    await tx.execute("update requests set parameters_sealed = '' where request_id = :request_id", request_id=request_id)


async def drop_connecting(tx: Transaction, workspace_id: str, *, result: str, now: datetime) -> None:
    """Tokens that are still being verified are not wanted any more."""
    await tx.execute(
        """
        update requests set state = 'refused', result = :result, settled_at = :now, parameters_sealed = ''
        where workspace_id = :workspace_id and kind = 'connect' and state = 'accepted'
        """,
        workspace_id=workspace_id, result=result, now=now,
    )  # fmt: skip


async def claim_telling(tx: Transaction, request_id: str, *, now: datetime) -> bool:
    """Whether we are the one to say that it takes longer than usual."""
    touched = await tx.execute(
        "update requests set told_at = :now where request_id = :request_id and told_at is null",
        request_id=request_id, now=now,
    )  # fmt: skip
    return touched == 1


async def find_last_start(db: Reads, workspace_id: str, channel_id: str, app_slug: str) -> RequestRow | None:
    """The newest start of an app in a channel that was not refused."""
    row = await db.fetch_one(
        f"""
        select {COLUMNS} from requests
        where workspace_id = :workspace_id and channel_id = :channel_id and app_slug = :app_slug
        and kind = 'start' and state in ('accepted', 'sent', 'done')
        order by created_at desc limit 1
        """,
        workspace_id=workspace_id, channel_id=channel_id, app_slug=app_slug,
    )  # fmt: skip
    return _request(row) if row else None


async def count_open(db: Reads) -> int:
    rows = await db.fetch_all("select count(*) as open from requests where state in ('accepted', 'sent')")
    return int(rows[0]["open"])


def _request(row: Row) -> RequestRow:
    return from_row(RequestRow, row)
