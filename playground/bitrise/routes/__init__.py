"""Operations of the API, one module per resource."""

from __future__ import annotations

from playground.bitrise.calls import Route
from playground.bitrise.routes import account, artifacts, builds, logs, pipelines, webhooks

ROUTES: tuple[Route, ...] = (
    account.ROUTES + builds.ROUTES + logs.ROUTES + artifacts.ROUTES + pipelines.ROUTES + webhooks.ROUTES
)
