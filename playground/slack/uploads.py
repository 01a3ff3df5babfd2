"""Receive uploads at their one-time URLs, and serve files.

Slack answers ``OK - n``; the refusal of a wrong length or a second upload is ours. Slack serves files to signed-in
people; here the URL can't be guessed.
"""

from __future__ import annotations

from aiohttp import BodyPartReader, web

from playground.slack.core import Core
from playground.slack.files import File
from playground.slack.replies import Reply, after, delayed, prevents, send, spoilt
from playground.wire import Fault

NAME = "files.upload"


class Uploads:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Receive a file, the second of three steps. https://docs.slack.dev/reference/methods/files.getUploadURLExternal"""
        with self._core.busy.doing():
            file = self._core.files.with_key(request.match_info["key"])
            content = await _read(request)
            fault = self._core.faults.take(NAME, team=file.app.team.id if file else None)
            reply = await self._reply(file, content, fault)
            asked = {"file": file.id if file else None, "bytes": len(content)}
            self._core.note("in", "http", NAME, asked, reply.noted())
            return await send(request, reply, "text/plain")

    async def serve(self, request: web.Request) -> web.Response:
        file = self._core.files.with_key(request.match_info["key"])
        if file is None or file.completed_at is None or file.name != request.match_info["name"]:
            return web.Response(status=404)
        headers = {"X-Content-Type-Options": "nosniff"}
        if file.picture_type is None:
            headers["Content-Disposition"] = "attachment"
        return web.Response(body=file.content, content_type=file.mimetype, headers=headers)

    async def _reply(self, file: File | None, content: bytes, fault: Fault | None) -> Reply:
        await delayed(fault)
        if fault is not None and prevents(fault):
            return spoilt(fault)
        return after(fault, _keep(file, content))


def _keep(file: File | None, content: bytes) -> Reply:
    if file is None or file.content is not None:
        return Reply(404, "no such upload")
    if len(content) != file.size:
        return Reply(400, f"{file.size} bytes were announced and {len(content)} came")
    file.content = content
    return Reply(200, f"OK - {len(content)}")


async def _read(request: web.Request) -> bytes:
    """Return the body, or the file of a form."""
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read(decode=True)) if isinstance(part, BodyPartReader) else b""
