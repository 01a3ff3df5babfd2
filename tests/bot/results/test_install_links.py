"""Apps to install from a build, and its other files."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.bitrise.models import Artifact
from bot.results.install_links import InstallLink, format_size, install_links, other_files, pick_installable

PAGE = "https://app.bitrise.io/artifact/a/p/b"


def artifact(title: str | None, kind: str | None = "android-apk", **more: Any) -> Artifact:
    given: dict[str, Any] = {"slug": title or "nameless", "size_bytes": 54_300_000, "is_public": False} | more
    return Artifact(title=title, kind=kind, **given)


IPA = artifact("Shop.ipa", "ios-ipa", is_public=True, install_page_url=PAGE, version="3.2.0", build_number="812")


def test_one_app_for_each_platform_and_the_rest_as_files() -> None:
    apk, bundle, log = artifact("shop.apk"), artifact("shop.aab", "android-aab"), artifact("log.txt", "file")
    everything = [log, apk, bundle, IPA]
    assert install_links(everything) == (
        InstallLink("ios", "Shop.ipa", 54_300_000, "3.2.0 (812)", PAGE, is_public=True),
        InstallLink("android", "shop.apk", 54_300_000, None, None, is_public=False),
    )
    assert other_files(everything) == (log, bundle)


@pytest.mark.parametrize(
    ("titles", "picked"),
    [
        (["app-arm64-v8a-release.apk", "app-universal-release.apk", "app-x86_64-release.apk"],
         "app-universal-release.apk"),
        (["app-release-unsigned.apk", "app-release.apk"], "app-release.apk"),
        (["app-release.apk", "app-release-unsigned.apk"], "app-release.apk"),
        (["app-release.apk", "app-release-bitrise-signed.apk"], "app-release-bitrise-signed.apk"),
        (["app-release-bitrise-signed.apk", "app-release.apk"], "app-release-bitrise-signed.apk"),
        (["app-debug.apk", "app-debug-androidTest.apk"], "app-debug.apk"),
        (["first.apk", "second.apk"], "second.apk"),
        (["app-release.apk", "app-armeabi-v7a-release.apk"], "app-release.apk"),
    ],
)  # fmt: skip
def test_best_of_several_apps_is_picked(titles: list[str], picked: str) -> None:
    [only] = pick_installable([artifact(title) for title in titles])
    assert only.title == picked


def test_app_with_a_public_page_is_preferred() -> None:
    public, universal = artifact("app.apk", is_public=True), artifact("app-universal.apk")
    assert pick_installable([public, universal]) == (public,)


@pytest.mark.parametrize(
    "page", [None, "", "javascript:alert(1)", "/artifact/a", "https://", "https://[", "ftp://app.bitrise.io/x"]
)
def test_only_web_pages_are_linked(page: str | None) -> None:
    [link] = install_links([artifact("a.ipa", "ios-ipa", is_public=True, install_page_url=page)])
    assert link.page_url is None


def test_disabled_page_is_not_linked() -> None:
    [link] = install_links([artifact("a.ipa", "ios-ipa", install_page_url=PAGE)])
    assert (link.page_url, link.is_public) == (None, False)


@pytest.mark.parametrize(
    ("version", "number", "text"),
    [
        ("3.2", "812", "3.2 (812)"),
        ("812", "812", "812"),
        (None, "812", "812"),
        ("3.2", None, "3.2"),
        (None, None, None),
    ],
)
def test_version_and_build_number_are_combined(version: str | None, number: str | None, text: str | None) -> None:
    [link] = install_links([artifact(None, "ios-ipa", version=version, build_number=number)])
    assert (link.version, link.title) == (text, "App")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, None), (-1, None), (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_000, "1 KB"), (1_500, "1.5 KB"),
        (3_558_274, "3.6 MB"), (9_940_000, "9.9 MB"), (9_960_000, "10 MB"), (54_300_000, "54 MB"), (999_499, "999 KB"),
        (999_600, "1 MB"), (999_999_999, "1 GB"), (2_100_000_000, "2.1 GB"), (10**18, "1000000 TB"),
    ],
)  # fmt: skip
def test_sizes_are_formatted_with_two_digits(size: int | None, text: str | None) -> None:
    assert format_size(size) == text


kinds = st.sampled_from(["ios-ipa", "android-apk", "file", None])


@given(st.lists(st.builds(artifact, st.text(max_size=9), kinds, slug=st.uuids().map(str), is_public=st.booleans())))
def test_every_artifact_is_an_app_or_a_file(artifacts: list[Artifact]) -> None:
    picked, files = pick_installable(artifacts), other_files(artifacts)
    assert sorted(each.slug for each in (*picked, *files)) == sorted(each.slug for each in artifacts)
    assert len({link.platform for link in install_links(artifacts)}) == len(picked)
