"""Build the URL of a Git host's page that compares two commits. Pure.

Supported are GitHub and GitLab, self-hosted ones included, and Bitbucket Cloud. Bitbucket Server has no such page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

_SCP = re.compile(r"(?:[\w.+-]+@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*):(?P<path>[^\\]+)", re.ASCII)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SEGMENT = re.compile(r"[\w~][\w.~+-]{0,199}", re.ASCII)
_HASH = re.compile(r"[0-9a-fA-F]{7,64}")
_MAX_URL = 1_000
_WEB_HOSTS = {
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


_COMPARE_URLS: Mapping[Host, str] = {
    Host.GITHUB: "{page}/compare/{old}...{new}",
    Host.GITLAB: "{page}/-/compare/{old}...{new}",
    Host.BITBUCKET: "{page}/branches/compare/{new}%0D{old}",
}


def compare_url(repo_url: str | None, provider: str | None, old: str | None, new: str | None) -> str | None:
    """Return the page with the changes after ``old`` up to ``new``; None for an unsupported host or equal commits.

    ``provider`` is Bitrise's name for the Git host, which decides where the host's own name doesn't.
    """
    address = _parse_url((repo_url or "").strip()[: _MAX_URL + 1])
    if address is None or not _is_hash(old) or not _is_hash(new) or old == new:
        return None
    base, hostname, segments = address
    host = _git_host(hostname, provider)
    has_repository = len(segments) == 2 or (host is Host.GITLAB and len(segments) > 2)
    if host is None or not has_repository or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    return _COMPARE_URLS[host].format(page="/".join([base, *segments]), old=old, new=new)


def _is_hash(commit: str | None) -> bool:
    return commit is not None and _HASH.fullmatch(commit) is not None


def _parse_url(url: str) -> tuple[str, str, list[str]] | None:
    """Return the base of the web address, the host's name and the segments of the path of a clone URL."""
    if not url or len(url) > _MAX_URL:
        return None
    try:
        parts = urlsplit(url) if "://" in url else None
        port = parts.port if parts else None
    except ValueError:
        return None
    if parts is None:
        scp = _SCP.fullmatch(url)
        return _web_address("https", scp["host"], None, scp["path"]) if scp else None
    if parts.scheme in _SSH:
        return _web_address("https", parts.hostname, None, parts.path)  # the SSH port isn't the web port
    return _web_address(parts.scheme, parts.hostname, port, parts.path) if parts.scheme in ("http", "https") else None


def _web_address(scheme: str, hostname: str | None, port: int | None, path: str) -> tuple[str, str, list[str]] | None:
    name = _WEB_HOSTS.get((hostname or "").lower(), (hostname or "").lower())
    if not _HOST.fullmatch(name):
        return None
    segments = path.strip("/").removesuffix(".git").split("/")
    return f"{scheme}://{name}{f':{port}' if port else ''}", name, segments


def _git_host(hostname: str, provider: str | None) -> Host | None:
    names = (hostname, (provider or "").lower())
    host = next((host for name in names for host in Host if host.value in name), None)
    return None if host is Host.BITBUCKET and hostname != "bitbucket.org" else host
