"""The outgoing webhooks of an app: list, create, delete. The token needs the role of an admin in the app."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from bot.bitrise import parsing as reading
from bot.bitrise.errors import Answer, needed
from bot.bitrise.models import PAGE_LIMIT, Page
from bot.bitrise.webhook import Webhook

HOOKS = "/apps/{app}/outgoing-webhooks"
EVENTS = ("build", "pipeline")
"""What a webhook of ours is registered for; Bitrise knows these two and ``all``."""


class WebhookCalls(ABC):
    """The part of the client that manages webhooks."""

    @abstractmethod
    async def _read(self, path: str, query: Mapping[str, object] | None = None, **slugs: str) -> object: ...

    @abstractmethod
    async def _write(self, path: str, body: Mapping[str, Any], **slugs: str) -> Answer: ...

    @abstractmethod
    async def _delete(self, path: str, **slugs: str) -> Answer: ...

    @abstractmethod
    def _check(self, answer: Answer, *, hidden: Sequence[str] = ()) -> None: ...

    async def list_webhooks(self, app_slug: str, *, next: str | None = None, limit: int = PAGE_LIMIT) -> Page[Webhook]:
        """https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-list"""
        body = await self._read(HOOKS, {"next": next, "limit": limit}, app=app_slug)
        return needed(reading.read_page(body, reading.read_webhook))

    async def create_webhook(self, app_slug: str, *, url: str, secret: str, headers: Mapping[str, str]) -> Webhook:
        """``secret`` signs every delivery, ``headers`` go with it; neither comes back in an error.

        Bitrise may take the same address twice: look into the list first, above all after `BitriseUnavailable`.
        https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-create
        """
        body = {"url": url, "events": list(EVENTS), "secret": secret, "headers": dict(headers)}
        answer = await self._write(HOOKS, body, app=app_slug)
        self._check(answer, hidden=(url, secret, *headers.values()))
        return needed(reading.read_webhook(reading.read_data(answer.body)), status=answer.status)

    async def delete_webhook(self, app_slug: str, webhook_slug: str) -> None:
        """`BitriseNotFound` when it is gone already.

        https://api-docs.bitrise.io/#/outgoing-webhook/outgoing-webhook-delete
        """
        self._check(await self._delete(HOOKS + "/{webhook}", app=app_slug, webhook=webhook_slug))
