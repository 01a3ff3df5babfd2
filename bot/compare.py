"""Pages of a repository at its Git host: what is between two commits, and one commit. Pure.

Known are GitHub, GitLab and Bitbucket, also where a company runs them itself. A Bitbucket Server has pages of other
forms: its repository and its commits have an address here, a comparison by commits has none.
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
    BITBUCKET_SERVER = "bitbucket-server"


@dataclass(frozen=True, slots=True)
class Repository:
    """``page`` is its address, without a slash at the end."""

    host: Host
    page: str


_COMMITS: Mapping[Host, str] = {
    Host.GITHUB: "{page}/commit/{commit}",
    Host.GITLAB: "{page}/-/commit/{commit}",
    Host.BITBUCKET: "{page}/commits/{commit}",
    Host.BITBUCKET_SERVER: "{page}/commits/{commit}",
}
_COMPARISONS: Mapping[Host, str] = {
    Host.GITHUB: "{page}/compare/{old}...{new}",
    Host.GITLAB: "{page}/-/compare/{old}...{new}",
    Host.BITBUCKET: "{page}/branches/compare/{new}%0D{old}",
}


def repository_page(repo_url: str | None, provider: str | None) -> str | None:
    """The page of a repository, from any address it can be cloned by; None where the host is not known."""
    repository = _repository(repo_url, provider)
    return repository.page if repository else None


def commit_url(repo_url: str | None, provider: str | None, commit: str | None) -> str | None:
    repository = _repository(repo_url, provider)
    if repository is None or not is_hash(commit):
        return None
    return _COMMITS[repository.host].format(page=repository.page, commit=commit)


def compare_url(repo_url: str | None, provider: str | None, old: str | None, new: str | None) -> str | None:
    """What came after ``old`` up to ``new``; None also when they are the same commit."""
    repository = _repository(repo_url, provider)
    form = _COMPARISONS.get(repository.host) if repository else None
    if repository is None or form is None or not is_hash(old) or not is_hash(new) or old == new:
        return None
    return form.format(page=repository.page, old=old, new=new)


def is_hash(commit: str | None) -> bool:
    return commit is not None and _HASH.fullmatch(commit) is not None


def _repository(repo_url: str | None, provider: str | None) -> Repository | None:
    place = _place((repo_url or "").strip()[: _LONGEST_URL + 1])
    if place is None:
        return None
    base, name, segments = place
    host = _host(name, provider)
    if host is None or not all(map(_SEGMENT.fullmatch, segments)):
        return None
    path = _path(host, segments)
    return Repository(host, f"{base}/{path}") if path else None


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
    kind = next((each for each in ("github", "gitlab", "bitbucket") if each in name), None)
    kind = kind or next((each for each in ("github", "gitlab", "bitbucket") if each in said), None)
    if kind == "bitbucket":
        return Host.BITBUCKET if name == "bitbucket.org" else Host.BITBUCKET_SERVER
    return Host(kind) if kind else None


def _path(host: Host, segments: list[str]) -> str | None:
    if host is Host.BITBUCKET_SERVER:
        project = segments[1:] if segments[0] == "scm" else segments
        return f"projects/{project[0]}/repos/{project[1]}" if len(project) == 2 else None
    is_deep = host is Host.GITLAB and len(segments) > 2
    return "/".join(segments) if len(segments) == 2 or is_deep else None
