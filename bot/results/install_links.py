"""What a build left for people: apps to install, one a platform, and the rest as files. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.bitrise.models import Artifact

INSTALLABLE: Mapping[str, str] = {"ios-ipa": "ios", "android-apk": "android"}
"""An Android app bundle is for the store: no phone installs it."""
UNITS = ("KB", "MB", "GB", "TB")
STEP = 1000

_WORSE = re.compile(r"(?i)unsigned|unaligned|androidtest|(?:^|[-_.])test(?:[-_.]|$)")
_ONE_MACHINE = re.compile(r"(?i)arm64|armeabi|x86|mips|hdpi|mdpi")


@dataclass(frozen=True, slots=True)
class InstallLink:
    """An app to install. Whoever has the address of a public page may install, without any login.

    ``page_url`` is None when the page is off, and as long as only the list of artifacts was read.
    """

    platform: str
    title: str
    size_bytes: int | None
    version: str | None
    page_url: str | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What can be installed, and the other files."""

    installs: tuple[InstallLink, ...]
    files: tuple[Artifact, ...]


def pick_installs(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """The most fitting app for each platform, iOS first; of equals the one that came last."""
    best: dict[str, Artifact] = {}
    for artifact in artifacts:
        platform = INSTALLABLE.get(artifact.kind or "")
        if platform and (platform not in best or _fitness(artifact) >= _fitness(best[platform])):
            best[platform] = artifact
    return tuple(best[platform] for platform in INSTALLABLE.values() if platform in best)


def install_links(artifacts: Sequence[Artifact]) -> tuple[InstallLink, ...]:
    return tuple(map(_link, pick_installs(artifacts)))


def plain_files(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Everything that is not offered for installing, in the order it came."""
    picked = {artifact.slug for artifact in pick_installs(artifacts)}
    return tuple(artifact for artifact in artifacts if artifact.slug not in picked)


def _fitness(artifact: Artifact) -> tuple[bool, ...]:
    """A page that opens comes first; then what every phone takes."""
    title = (artifact.title or "").lower()
    return (
        not _WORSE.search(title),
        artifact.is_public,
        "universal" in title,
        not _ONE_MACHINE.search(title),
        "signed" in title,
    )


def _link(artifact: Artifact) -> InstallLink:
    version, number = artifact.version, artifact.build_number
    return InstallLink(
        platform=INSTALLABLE[artifact.kind or ""],
        title=artifact.title or "App",
        size_bytes=artifact.size_bytes,
        version=f"{version} ({number})" if version and number and version != number else version or number,
        page_url=_page(artifact),
        is_public=artifact.is_public,
    )


def _page(artifact: Artifact) -> str | None:
    url = artifact.install_page_url if artifact.is_public else None
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def spoken_size(size_bytes: int | None) -> str | None:
    """``54 MB``, ``3.6 MB``, ``900 bytes``: two digits tell enough. None for a size nobody knows."""
    if size_bytes is None or size_bytes < 0:
        return None
    if size_bytes < STEP:
        return f"{size_bytes} byte{'' if size_bytes == 1 else 's'}"
    size = float(size_bytes)
    for unit in UNITS:
        size /= STEP
        if size < STEP - 0.5 or unit == UNITS[-1]:
            return f"{size:.1f}".removesuffix(".0") + f" {unit}" if size < 9.95 else f"{size:.0f} {unit}"
    return None
