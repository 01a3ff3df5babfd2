"""Choose the artifacts to install, one for each platform; the rest are files. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from bot.bitrise.models import Artifact

PLATFORMS: Mapping[str, str] = {"ios-ipa": "ios", "android-apk": "android"}
"""Kind of artifact -> platform. An Android app bundle is for the store: no phone installs it."""
UNITS = ("KB", "MB", "GB", "TB")
STEP = 1000

_UNFIT = re.compile(r"(?i)unsigned|unaligned|androidtest|(?:^|[-_.])test(?:[-_.]|$)")
_ONE_DEVICE = re.compile(r"(?i)arm64|armeabi|x86|mips|hdpi|mdpi")


@dataclass(frozen=True, slots=True)
class InstallLink:
    """An app to install. Anybody with the address of a public page can install it without a login.

    ``page_url`` is None if the page is off; a list of artifacts has no page URLs either.
    """

    platform: str
    title: str
    size_bytes: int | None
    version: str | None
    page_url: str | None
    is_public: bool


@dataclass(frozen=True, slots=True)
class BuildFiles:
    """The artifacts of a build: apps to install, and other files."""

    installs: tuple[InstallLink, ...]
    files: tuple[Artifact, ...]


def pick_installable(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Return the best app for each platform, iOS first; of equally good ones the last."""
    best: dict[str, Artifact] = {}
    for artifact in artifacts:
        platform = PLATFORMS.get(artifact.kind or "")
        if platform and (platform not in best or _fitness(artifact) >= _fitness(best[platform])):
            best[platform] = artifact
    return tuple(best[platform] for platform in PLATFORMS.values() if platform in best)


def install_links(artifacts: Sequence[Artifact]) -> tuple[InstallLink, ...]:
    return tuple(map(_link, pick_installable(artifacts)))


def other_files(artifacts: Sequence[Artifact]) -> tuple[Artifact, ...]:
    """Return the artifacts that aren't offered for installing, in their order."""
    installable = {artifact.slug for artifact in pick_installable(artifacts)}
    return tuple(artifact for artifact in artifacts if artifact.slug not in installable)


def _fitness(artifact: Artifact) -> tuple[bool, ...]:
    """Rank by: built for people, a public page, runs on every device, signed."""
    title = (artifact.title or "").lower()
    return (
        not _UNFIT.search(title),
        artifact.is_public,
        "universal" in title,
        not _ONE_DEVICE.search(title),
        "signed" in title,
    )


def _link(artifact: Artifact) -> InstallLink:
    version, number = artifact.version, artifact.build_number
    return InstallLink(
        platform=PLATFORMS[artifact.kind or ""],
        title=artifact.title or "App",
        size_bytes=artifact.size_bytes,
        version=f"{version} ({number})" if version and number and version != number else version or number,
        page_url=_page_url(artifact),
        is_public=artifact.is_public,
    )


def _page_url(artifact: Artifact) -> str | None:
    url = artifact.install_page_url if artifact.is_public else None
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def format_size(size_bytes: int | None) -> str | None:
    """Format as ``54 MB``, ``3.6 MB`` or ``900 bytes``, with two digits; None for an unknown size."""
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
