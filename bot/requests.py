"""A request as a row: what was asked for and where to answer, sealed until it is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.clock import Clock
from bot.permissions import Asker
from bot.vault import Vault
from storage.requests import RequestRow


class Requests:
    """Makes and opens the rows of `storage.requests`. Parameters may hold secrets: variables, a token."""

    def __init__(self, *, vault: Vault, clock: Clock, new_id: Callable[[], str]) -> None:
        self._vault, self._clock, self._new_id = vault, clock, new_id

    def make(
        self, asker: Asker, *, kind: str, unique_key: str, parameters: Mapping[str, Any], **facts: str | None
    ) -> RequestRow:
        """``facts`` are the columns that can be searched: app_slug, build_slug, workflow, branch, digest, view_id."""
        request_id = self._new_id()
        context = f"request:{request_id}"
        url = self._vault.seal(asker.response_url, context=context) if asker.response_url else None
        searched: dict[str, Any] = dict.fromkeys(
            ("app_slug", "build_slug", "workflow", "branch", "digest", "view_id")
        ) | dict(facts)
        return RequestRow(
            request_id=request_id,
            workspace_id=asker.workspace_id,
            kind=kind,
            unique_key=unique_key,
            state="accepted",
            user_id=asker.user_id,
            user_name=asker.user_name,
            channel_id=asker.channel_id,
            response_url_sealed=url,
            parameters_sealed=self._vault.seal(json.dumps(parameters), context=context),
            created_at=self._clock.now(),
            **searched,
        )

    def parameters_of(self, request: RequestRow) -> dict[str, Any]:
        opened = self._vault.open(request.parameters_sealed, context=f"request:{request.request_id}")
        parameters: dict[str, Any] = json.loads(opened.reveal())
        return parameters

    def asker_of(self, request: RequestRow) -> Asker:
        """The person who asked, to be answered where they asked."""
        url = None
        if request.response_url_sealed:
            url = self._vault.open(request.response_url_sealed, context=f"request:{request.request_id}").reveal()
        return Asker(
            workspace_id=request.workspace_id,
            team_id=request.workspace_id,
            user_id=request.user_id,
            user_name=request.user_name,
            channel_id=request.channel_id,
            response_url=url,
        )
