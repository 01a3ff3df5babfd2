"""Files of apps: announced, uploaded and completed, and the pictures that blocks may show.

https://docs.slack.dev/messaging/working-with-files. A file that was completed without a channel stays private to
its app, which may still show it as a picture.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from playground.slack.errors import SlackError
from playground.slack.limits import Limits
from playground.slack.schema import Finding, Findings
from playground.slack.world import JSON, Installation, World

PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
"""Picture formats that image blocks accept, by their first bytes."""
PLAIN = "application/octet-stream"


@dataclass(slots=True, eq=False)
class File:
    """A file; ``key`` identifies it in its URLs, ``size`` is the announced size."""

    id: str
    key: str
    app: Installation
    name: str
    size: int
    title: str
    content: bytes | None = None
    completed_at: datetime | None = None

    @property
    def picture_type(self) -> str | None:
        content = self.content or b""
        return next((kind for start, kind in PICTURES.items() if content.startswith(start)), None)

    @property
    def mimetype(self) -> str:
        return self.picture_type or mimetypes.guess_type(self.name)[0] or PLAIN

    def payload(self, base_url: str) -> JSON:
        """https://docs.slack.dev/reference/objects/file-object"""
        url = f"{base_url}/files/{self.key}/{self.name}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title,
            "mimetype": self.mimetype,
            "filetype": self.name.rpartition(".")[2].lower(),
            "user": self.app.bot_user.id,
            "mode": "hosted",
            "size": self.size,
            "url_private": url,
            "url_private_download": url,
        }


class Files:
    """The files of all apps."""

    def __init__(self, world: World, limits: Limits) -> None:
        self._world, self._limits = world, limits
        self._all: dict[str, File] = {}
        self._keys: dict[str, File] = {}

    def announce(self, app: Installation, name: str, size: int) -> File:
        file = File(self._world.new_id("F"), self._world.letters(24), app, name, size, title=name)
        self._all[file.id] = self._keys[file.key] = file
        return file

    def get(self, app: Installation, file_id: Any) -> File:
        """Return a file of the app that was uploaded."""
        file = self._all.get(file_id) if isinstance(file_id, str) else None
        if file is None or file.app is not app or file.content is None:
            raise SlackError("file_not_found")
        return file

    def with_key(self, key: str) -> File | None:
        return self._keys.get(key)

    def complete(self, file: File, title: str | None) -> None:
        if file.completed_at is not None:
            raise SlackError("file_update_failed")
        file.title, file.completed_at = title or file.name, self._world.now()

    def pictures(self, base_url: str) -> dict[str, str]:
        """Return the URL of every picture that a block may show, by file id."""
        pictures = (file for file in self._all.values() if file.picture_type and self._is_ready(file))
        return {file.id: file.payload(base_url)["url_private"] for file in pictures}

    def check(self, app: Installation, blocks: Any, at: str = "/blocks") -> Findings:
        """Check that each ``slack_file`` is a picture of this app, completed and processed."""
        return [
            Finding(f"{pointer}/slack_file", "invalid slack file")
            for pointer, reference in _slack_files(blocks, at)
            if not self._may_show(app, reference)
        ]

    def _may_show(self, app: Installation, reference: JSON) -> bool:
        file = self._all.get(str(reference.get("id"))) or self._with_url(str(reference.get("url")))
        return file is not None and file.app is app and bool(file.picture_type) and self._is_ready(file)

    def _with_url(self, url: str) -> File | None:
        _, _, rest = url.partition("/files/")
        return self._keys.get(rest.partition("/")[0])

    def _is_ready(self, file: File) -> bool:
        done = file.completed_at
        return done is not None and self._world.now() >= done + timedelta(seconds=self._limits.file_seconds)


def _slack_files(part: Any, at: str) -> Iterator[tuple[str, JSON]]:
    if isinstance(part, list):
        for index, each in enumerate(part):
            yield from _slack_files(each, f"{at}/{index}")
    elif isinstance(part, dict):
        if part.get("type") == "image" and isinstance(part.get("slack_file"), dict):
            yield at, part["slack_file"]
        for name, value in part.items():
            yield from _slack_files(value, f"{at}/{name}")
