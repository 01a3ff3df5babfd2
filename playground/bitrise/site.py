"""Pages beside the API: builds, pipelines, install pages, and downloads by signed URLs."""

from __future__ import annotations

from html import escape

from aiohttp import web

from playground.bitrise.artifacts import StoredArtifact
from playground.bitrise.model import App, Build, Pipeline
from playground.bitrise.pipeline_shapes import status_word
from playground.bitrise.refusals import Refused, error_body
from playground.bitrise.steps import raw_log, step_log, steps_of
from playground.bitrise.world import World


class Site:
    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/build/{build}", self.show_build)
        app.router.add_get("/app/{app}/build/{build}", self.show_build)
        app.router.add_get("/app/{app}/pipelines/{pipeline}", self.show_pipeline)
        app.router.add_get("/artifact/{artifact}/p/{page}", self.show_install_page)
        app.router.add_get("/raw-logs/{build}", self.download_log)
        app.router.add_get("/step-logs/{build}/{index}", self.download_step_log)
        app.router.add_get("/files/{artifact}", self.download_file)

    async def show_build(self, request: web.Request) -> web.Response:
        build = self._build(request)
        return html_page(f"{build.app.title} #{build.number}", *_facts(build), build.abort_reason or "")

    async def show_pipeline(self, request: web.Request) -> web.Response:
        run = self._pipeline(request)
        builds = (f"{build.workflow} #{build.number}: {build.status_text}" for build in run.builds)
        return html_page(f"{run.app.title} #{run.number}", run.name, status_word(run), *builds)

    async def show_install_page(self, request: web.Request) -> web.Response:
        """Show an install page, without a login."""
        stored = self._stored(request)
        if not stored.is_public:
            raise web.HTTPNotFound
        return html_page(f"Install {stored.artifact.title}")

    async def download_log(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        return web.Response(text=raw_log(self._build(request), self._world.now()))

    async def download_step_log(self, request: web.Request) -> web.Response:
        if refusal := self._refusal(request):
            return refusal
        steps = steps_of(self._build(request), self._world.now())
        return web.json_response(step_log(steps[int(request.match_info["index"])]))

    async def download_file(self, request: web.Request) -> web.Response:
        """Send the first kilobyte of a file instead of all announced bytes."""
        if refusal := self._refusal(request):
            return refusal
        size = min(self._stored(request).artifact.size_bytes, 1024)
        return web.Response(body=bytes(size), content_type="application/octet-stream")

    def _refusal(self, request: web.Request) -> web.Response | None:
        try:
            self._world.signer.check(request.path, request.query, request.headers, self._world.now())
        except Refused as refused:
            body = error_body(refused.form, refused.text)
            return web.Response(text=body, status=refused.status, content_type="text/html")
        return None

    def _build(self, request: web.Request) -> Build:
        build = self._world.find_build(request.match_info["build"])
        if build is None:
            raise web.HTTPNotFound
        return build

    def _pipeline(self, request: web.Request) -> Pipeline:
        app: App | None = self._world.apps.get(request.match_info["app"])
        for run in app.pipeline_runs if app else ():
            if run.id == request.match_info["pipeline"]:
                return run
        raise web.HTTPNotFound

    def _stored(self, request: web.Request) -> StoredArtifact:
        for build in self._world.builds():
            for stored in build.artifacts:
                if stored.slug == request.match_info["artifact"]:
                    return stored
        raise web.HTTPNotFound


def _facts(build: Build) -> tuple[str, ...]:
    return build.workflow, build.branch or build.tag or "", build.commit_message or "", build.status_text


def html_page(title: str, *lines: str) -> web.Response:
    body = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    head = f"<!DOCTYPE html><html><head><title>{escape(title)}</title></head>"
    return web.Response(text=f"{head}<body><h1>{escape(title)}</h1>{body}</body></html>\n", content_type="text/html")
