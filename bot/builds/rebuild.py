"""Run a build again: with which parameters, and on which commit when the branch has moved on."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.bitrise.models import RESERVED_PREFIX, BuildFilters, RequestedParams
from bot.builds.parameters import Parameters, Wanted
from bot.builds.queries import Builds
from bot.connection import Connections
from bot.permissions import Access, Asker
from bot.requests import Requests
from bot.sync.updates import Observer
from storage import Database
from storage.builds import BuildRow
from storage.requests import RequestStore


@dataclass(frozen=True, slots=True)
class Moved:
    """A build's commit, and the newer one its branch has now."""

    build: BuildRow
    newest: BuildRow


class Again:
    def __init__(
        self,
        *,
        database: Database,
        requests: RequestStore,
        made: Requests,
        builds: Builds,
        connections: Connections,
        observer: Observer,
        access: Access,
    ) -> None:
        self._db, self._requests, self._made, self._builds = database, requests, made, builds
        self._connections, self._observer, self._access = connections, observer, access

    async def wanted(self, asker: Asker, build: BuildRow) -> Wanted:
        """The parameters a build was started with, without what identifies that start."""
        self._access.check_member(asker)
        seen = await self._builds.fetch(asker.workspace_id, build)
        if seen is not None and seen.requested is not None:
            return wanted_of_bitrise(build, seen.requested)
        return await self._wanted_of_ours(build) or wanted_of_row(build)

    async def _wanted_of_ours(self, build: BuildRow) -> Wanted | None:
        """What the person asked us for, when Bitrise does not say with what it started."""
        request = await self._requests.find_request(build.request_id) if build.request_id else None
        if request is None or request.workspace_id != build.workspace_id:
            return None
        asked = Parameters.read(self._made.parameters_of(request))
        return dataclasses.replace(
            wanted_of_row(build), commit=asked.commit, environment=asked.environment, message=asked.message
        )

    async def find_moved(self, asker: Asker, build: BuildRow) -> Moved | None:
        """Whether the branch has a newer commit than the build had, as far as Bitrise has built it."""
        if not build.commit_hash or not build.branch or build.tag:
            return None
        async with self._connections.bitrise(asker.workspace_id) as client:
            page = await client.list_builds(build.app_slug, BuildFilters(branch=build.branch, limit=1))
        rows = await self._db.transaction(lambda tx: self._observer.observe(tx, asker.workspace_id, page.items))
        newest = rows[0] if rows else None
        if newest is None or not newest.commit_hash or newest.commit_hash == build.commit_hash:
            return None
        return Moved(build, newest)


def wanted_of_bitrise(build: BuildRow, requested: RequestedParams) -> Wanted:
    kept = [(item.key, item.value) for item in requested.environments if not item.key.startswith(RESERVED_PREFIX)]
    return Wanted(
        app=build.app_slug,
        workflow=requested.workflow_id or (None if requested.pipeline_id else build.workflow),
        pipeline=requested.pipeline_id,
        branch=requested.branch or build.branch,
        tag=requested.tag,
        commit=requested.commit_hash,
        environment=tuple(kept),
        message=build.build_message,
    )


def wanted_of_row(build: BuildRow) -> Wanted:
    return Wanted(
        app=build.app_slug,
        workflow=build.workflow,
        pipeline=build.pipeline,
        branch=build.branch,
        tag=build.tag,
        message=build.build_message,
    )


def same_commit(wanted: Wanted, build: BuildRow) -> Wanted:
    """Run again on the very commit of a build."""
    return dataclasses.replace(wanted, commit=build.commit_hash, branch=wanted.branch or build.branch)


def newest_commit(wanted: Wanted) -> Wanted:
    """Run again on whatever the branch has now."""
    return dataclasses.replace(wanted, commit=None)
