"""Build the URL of a Git host's page that compares two commits. Pure.

Supported are GitHub and GitLab, self-hosted ones included, and Bitbucket Cloud. Bitbucket Server has no such page. The
host of an SSH address may be an alias of somebody's SSH configuration, such as ``github.com-work``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

_SCP = re.compile(
    r"\[?(?:[\w.+-]+@)?\[?(?P<host>[A-Za-z0-9][\w.-]*)(?::\d{1,5}\])?:(?:\d{1,5}/(?=[^/]+/[^/]))?(?P<path>[^\\]+)",
    re.ASCII,
)
"""``git@host:path``, also with a port: ``[git@host:2222]:path`` and ``git@host:2222/path``."""
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_SEGMENT = re.compile(r"[\w~][\w.~+-]{0,199}", re.ASCII)
_HASH = re.compile(r"[0-9a-fA-F]{7,64}")
_MAX_URL = 1_000
_WEB_HOSTS = {"www.github.com": "github.com", "www.gitlab.com": "gitlab.com", "www.bitbucket.org": "bitbucket.org"}
_PUBLIC = re.compile(r"(?:.+\.)?(github\.com|gitlab\.com|bitbucket\.org)(?:[-_].*)?")
"""A public host, its host for SSH at port 443 (``ssh.github.com``), or an alias made of its name."""
_ALIASED = re.compile(r"((?:[a-z0-9-]+\.)+(?:xn--[a-z0-9-]+|[a-z]{2,})|\d+(?:\.\d+){3})(?:[-_][\w-]*)?")
"""A host, or an alias made of its name: ``git.acme.com-work``."""
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
        return _web_address("https", _ssh_host(scp["host"]), None, scp["path"]) if scp else None
    if parts.scheme in _SSH:  # its port isn't the web port
        return _web_address("https", _ssh_host(parts.hostname), None, parts.path)
    return _web_address(parts.scheme, parts.hostname, port, parts.path) if parts.scheme in ("http", "https") else None


def _ssh_host(name: str | None) -> str | None:
    """Return the host that an SSH address means; None for an alias that only the SSH configuration resolves."""
    name = (name or "").lower()
    host = _PUBLIC.fullmatch(name) or _ALIASED.fullmatch(name)
    return host[1] if host else None


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
