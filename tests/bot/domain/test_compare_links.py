"""Compare links for every form of clone URL."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.compare_links import compare_url

OLD, NEW = "a1b2c3d", "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("url", "provider", "page"),
    [
        ("https://github.com/acme/shop.git", "github", "https://github.com/acme/shop"),
        ("https://github.com/acme/shop/", None, "https://github.com/acme/shop"),
        ("https://ana:sesame@github.com/acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@github.com:acme/shop.git", "github", "https://github.com/acme/shop"),
        ("git@github.com:/acme/shop.git", None, "https://github.com/acme/shop"),
        ("github.com:acme/shop", None, "https://github.com/acme/shop"),
        ("org-123@github.com:acme/shop.git", None, "https://github.com/acme/shop"),
        ("ssh://git@github.com/acme/shop.git", None, "https://github.com/acme/shop"),
        ("ssh://git@ssh.github.com:443/acme/shop.git", None, "https://github.com/acme/shop"),
        ("git://github.com/acme/shop.git", None, "https://github.com/acme/shop"),
        ("https://GitHub.com/Acme/Shop.iOS.git", None, "https://github.com/Acme/Shop.iOS"),
        ("https://github.acme.com:8443/acme/shop.git", None, "https://github.acme.com:8443/acme/shop"),
        ("http://github.acme.local/acme/shop.git", None, "http://github.acme.local/acme/shop"),
        ("ssh://git@git.acme.com:2222/acme/shop.git", "github-enterprise", "https://git.acme.com/acme/shop"),
        ("git@github.com-work:acme/shop.git", "github", "https://github.com/acme/shop"),
        ("git@github.com_work:acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@github.com-acme.mobile:acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@work.github.com:acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@beer.github.com-cheese:acme/shop.git", None, "https://github.com/acme/shop"),
        ("ssh://git@github.com-work/acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@gitlab.com-work:a/b/shop.git", None, "https://gitlab.com/a/b/shop"),
        ("git@bitbucket.org-work:acme/shop.git", None, "https://bitbucket.org/acme/shop"),
        ("git@github.acme.com-work:acme/shop.git", None, "https://github.acme.com/acme/shop"),
        ("git@github.company.com:acme/shop.git", None, "https://github.company.com/acme/shop"),
        ("git@notgithub.com:acme/shop.git", "github", "https://notgithub.com/acme/shop"),
        ("git@10.0.0.5:acme/shop.git", "gitlab", "https://10.0.0.5/acme/shop"),
        ("git@github-work:acme/shop.git", "github", None),
        ("github:acme/shop.git", "github", None),
        ("gh:acme/shop", "github", None),
        ("ssh://git@gitlab-work:2222/acme/shop.git", "gitlab", None),
        ("https://github/acme/shop.git", None, "https://github/acme/shop"),
        ("[git@github.acme.com:2222]:acme/shop.git", None, "https://github.acme.com/acme/shop"),
        ("git@[gitlab.acme.com:2222]:acme/shop.git", None, "https://gitlab.acme.com/acme/shop"),
        ("git@gitlab.acme.com:2222/acme/shop.git", None, "https://gitlab.acme.com/acme/shop"),
        ("git@ssh.github.com:443/acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@altssh.gitlab.com:443/acme/mobile/shop.git", None, "https://gitlab.com/acme/mobile/shop"),
        ("ssh://git@altssh.bitbucket.org:443/acme/shop.git", None, "https://bitbucket.org/acme/shop"),
        ("git@github.com:2222/shop.git", None, "https://github.com/2222/shop"),
        ("git://github.com:9418/acme/shop.git", None, "https://github.com/acme/shop"),
        ("git@gitlab.com:acme/mobile/ios/shop.git", "gitlab", "https://gitlab.com/acme/mobile/ios/shop"),
        ("https://git.acme.com/mobile/shop.git", "gitlab", "https://git.acme.com/mobile/shop"),
        ("git@bitbucket.org:acme/shop.git", "bitbucket", "https://bitbucket.org/acme/shop"),
        ("https://ana@bitbucket.org/acme/shop.git", None, "https://bitbucket.org/acme/shop"),
        ("https://bitbucket.acme.com/scm/MOB/shop.git", None, None),
        ("ssh://git@bitbucket.acme.com:7999/MOB/shop.git", None, None),
        ("ssh://git@git.acme.com:7999/~ana/shop.git", "bitbucket", None),
        ("https://git.acme.com/acme/shop.git", None, None),
        ("https://git.acme.com/acme/shop.git", "other", None),
        ("https://github.com/acme", "github", None),
        ("https://github.com/acme/shop/tree/main", "github", None),
        ("https://github.com/acme/../shop", "github", None),
        ("https://github.com/acme/shop?x=1 <!channel>", None, "https://github.com/acme/shop"),
        ("https://github.com/acme/sh op", None, None),
        ("https://github.com/acme/shop|x", None, None),
        ("https://gith<ub.com/acme/shop", None, None),
        ("https://[::1]/github/shop", "github", None),
        ("https://github.com:99999/acme/shop", None, None),
        ("javascript://github.com/acme/shop", "github", None),
        ("file:///srv/github/acme/shop", "github", None),
        ("/srv/github/shop.git", "github", None),
        ("C:\\github\\shop", "github", None),
        ("", "github", None),
        (None, None, None),
    ],
)
def test_clone_url_leads_to_the_repository_page(url: str | None, provider: str | None, page: str | None) -> None:
    link = compare_url(url, provider, OLD, NEW)
    assert (link and re.split("/-/compare/|/branches/compare/|/compare/", link)[0]) == page


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("git@github.com:acme/shop.git", f"/acme/shop/compare/{OLD}...{NEW}"),
        ("git@gitlab.com:a/b/shop.git", f"/a/b/shop/-/compare/{OLD}...{NEW}"),
        ("git@bitbucket.org:acme/shop", f"/acme/shop/branches/compare/{NEW}%0D{OLD}"),
    ],
)
def test_each_host_has_its_own_compare_path(url: str, path: str) -> None:
    assert urlsplit(str(compare_url(url, None, OLD, NEW))).path == path


@pytest.mark.parametrize(
    "bad",
    [None, "", "abc", "main", "a1b2c3", "g" * 40, "a" * 65, "a1b2c3d\n", "a1b2c3d/../x", "a1b2c3d...x", "é1b2c3d"],
)
def test_invalid_commit_has_no_link(bad: str | None) -> None:
    url = "https://github.com/acme/shop.git"
    assert compare_url(url, None, bad, NEW) is None
    assert compare_url(url, None, OLD, bad) is None


def test_equal_commits_have_no_link() -> None:
    assert compare_url("https://github.com/acme/shop", None, NEW, NEW) is None


parts = st.sampled_from(
    ["https://", "http://", "ssh://", "git@", "github.com", "gitlab", "bitbucket.org", ":", "/", "a", "..", ".git", "@",
     "-work", "[", "]", "?", "#", "javascript:", "\n", "<", "|", ":22", "%2e", "~", "\u202e", " "]
)  # fmt: skip


@given(
    st.lists(parts, max_size=10).map("".join) | st.text(),
    st.sampled_from([None, "github", "gitlab", "bitbucket", "?"]),
    st.text(alphabet="0123456789abcdefxyz./\n", max_size=70),
)
def test_any_input_gives_a_clean_web_address_or_none(url: str, provider: str | None, commit: str) -> None:
    for to in (commit, NEW):
        link = compare_url(url, provider, OLD, to)
        if link is not None:
            address = urlsplit(link)
            assert address.scheme in ("http", "https")
            assert address.hostname
            assert address.username is None
            assert not set(link) & set(" <>|\"'\n\\?#@")
            assert ".." not in address.path.replace("...", "").split("/")
            assert link.isascii()
            assert link.isprintable()
