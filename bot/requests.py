"""A request as a row: what was asked for and where to answer, sealed until it is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.context import Context
from bot.permissions import Actor
from storage.requests import RequestRow


def new(
    ctx: Context, actor: Actor, *, kind: str, unique_key: str, parameters: Mapping[str, Any], **facts: str | None
) -> RequestRow:
    """``facts`` are searchable columns: app_slug, build_slug, workflow, branch, parameters_hash, view_id."""
    request_id = ctx.new_id()
    context = f"request:{request_id}"
    url = ctx.vault.seal(actor.response_url, context=context) if actor.response_url else None
    searched: dict[str, Any] = dict.fromkeys(
        ("app_slug", "build_slug", "workflow", "branch", "parameters_hash", "view_id")
    ) | dict(facts)
    return RequestRow(
        request_id=request_id,
        workspace_id=actor.workspace_id,
        kind=kind,
        unique_key=unique_key,
        state="accepted",
        user_id=actor.user_id,
        user_name=actor.user_name,
        channel_id=actor.channel_id,
        response_url_sealed=url,
        parameters_sealed=ctx.vault.seal(json.dumps(parameters), context=context),
        created_at=ctx.clock.now(),
        **searched,
    )


def parameters(ctx: Context, request: RequestRow) -> dict[str, Any]:
    opened = ctx.vault.open(request.parameters_sealed, context=f"request:{request.request_id}")
    parameters: dict[str, Any] = json.loads(opened.reveal())
    return parameters


def actor_of(ctx: Context, request: RequestRow) -> Actor:
    """The person who asked, to be answered where they asked."""
    url = None
    if request.response_url_sealed:
        url = ctx.vault.open(request.response_url_sealed, context=f"request:{request.request_id}").reveal()
    return Actor(
        workspace_id=request.workspace_id,
        team_id=request.workspace_id,
        user_id=request.user_id,
        user_name=request.user_name,
        channel_id=request.channel_id,
        response_url=url,
    )
