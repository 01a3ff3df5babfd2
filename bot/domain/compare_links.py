"""The page at a Git host that shows what is between two commits. Pure.

Known are GitHub and GitLab, also where a company runs them itself, and Bitbucket Cloud. A Bitbucket Server has no such
page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

_SCP = re.compile(r"(?:[\w.+-]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^\\]+)", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SEGMENT = re.compile(r"[\w~][\w.~+-]{0,199}", re.ASCII)
_HASH = re.compile(r"[0-9a-fA-F]{7,64}")
_LONGEST_URL = 1_000
_PAGES_OF = {
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
    "altssh.bitbucket.org": "bitbucket.org",
    "www.github.com": "github.com",
    "www.bitbucket.org": "bitbucket.org",
}
_SSH = frozenset({"ssh", "git", "git+ssh", "ssh+git"})


class Host(Enum):
    GITHUB = "github"
    GITLAB = "gitlab"
    BITBUCKET = "bitbucket"


@dataclass(frozen=True, slots=True)
class Repository:
    """``page`` is its address, without a slash at the end."""

    host: Host
    page: str


_COMPARISONS: Mapping[Host, str] = {
    Host.GITHUB: "{page}/compare/{old}...{new}",
    Host.GITLAB: "{page}/-/compare/{old}...{new}",
    Host.BITBUCKET: "{page}/branches/compare/{new}%0D{old}",
}


def compare_url(repo_url: str | None, provider: str | None, old: str | None, new: str | None) -> str | None:
    """What came after ``old`` up to ``new``; None also when they are the same commit."""
    repository = _repository(repo_url, provider)
    if repository is None or not _is_hash(old) or not _is_hash(new) or old == new:
        return None
    return _COMPARISONS[repository.host].format(page=repository.page, old=old, new=new)


def _is_hash(commit: str | None) -> bool:
    return commit is not None and _HASH.fullmatch(commit) is not None


def _repository(repo_url: str | None, provider: str | None) -> Repository | None:
    place = _place((repo_url or "").strip()[: _LONGEST_URL + 1])
    if place is None:
        return None
    base, name, segments = place
    host = _host(name, provider)
    if host is None or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    is_deep = host is Host.GITLAB and len(segments) > 2
    return Repository(host, "/".join([base, *segments])) if len(segments) == 2 or is_deep else None


def _place(url: str) -> tuple[str, str, list[str]] | None:
    """Where a page would be, its host's name, and the parts of its path."""
    if not url or len(url) > _LONGEST_URL:
        return None
    try:
        parts = urlsplit(url) if "://" in url else None
        port = parts.port if parts else None
    except ValueError:
        return None
    if parts is None:
        found = _SCP.fullmatch(url)
        return _at("https", found["host"], None, found["path"]) if found else None
    if parts.scheme in _SSH:
        return _at("https", parts.hostname, None, parts.path)  # its port is not that of the pages
    return _at(parts.scheme, parts.hostname, port, parts.path) if parts.scheme in ("http", "https") else None


def _at(scheme: str, name: str | None, port: int | None, path: str) -> tuple[str, str, list[str]] | None:
    name = _PAGES_OF.get((name or "").lower(), (name or "").lower())
    if not _HOST.fullmatch(name):
        return None
    segments = path.strip("/").removesuffix(".git").split("/")
    return f"{scheme}://{name}{f':{port}' if port else ''}", name, segments


def _host(name: str, provider: str | None) -> Host | None:
    """By its name, or as Bitrise calls the provider of the app."""
    said = (provider or "").lower()
    host = next((each for each in Host if each.value in name), None)
    host = host or next((each for each in Host if each.value in said), None)
    return None if host is Host.BITBUCKET and name != "bitbucket.org" else host
