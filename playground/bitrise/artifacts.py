"""Artifacts of builds, with the metadata of installable files.

The metadata is that of https://github.com/bitrise-steplib/steps-deploy-to-bitrise-io (``uploaders/``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INSTALLABLE = frozenset({"ios-ipa", "android-apk"})
SHOP = "dev.acme.shop"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file; ``kind`` is the ``artifact_type``: ``ios-ipa``, ``android-apk`` (also for .aab) or ``file``."""

    title: str
    kind: str = "file"
    size_bytes: int = 3_558_274
    is_public: bool = False
    """Whether its public install page is on from the start."""
    meta: Mapping[str, Any] | None = None

    @property
    def full_meta(self) -> dict[str, Any] | None:
        """The metadata of an installable file, with its size as a decimal string."""
        if self.kind not in INSTALLABLE:
            return None
        return {"file_size_bytes": f"{self.size_bytes:.6f}", **(self.meta or {})}

    @property
    def may_be_public(self) -> bool:
        """Whether an install page can install it: no store bundle and no app signed for a store."""
        signed_for = ((self.meta or {}).get("provisioning_info") or {}).get("ipa_export_method")
        return self.kind in INSTALLABLE and not self.title.endswith(".aab") and signed_for != "app-store"


@dataclass(slots=True, eq=False)
class StoredArtifact:
    slug: str
    artifact: Artifact
    is_public: bool = False


def ipa(
    title: str = "Shop.ipa",
    *,
    version: str = "3.2.0",
    build_number: str = "412",
    bundle_id: str = SHOP,
    export_method: str = "ad-hoc",
    size_bytes: int = 48_211_932,
    is_public: bool = True,
) -> Artifact:
    """Create an iOS app; ``export_method`` is ``development``, ``ad-hoc``, ``enterprise`` or ``app-store``."""
    app_info = {
        "app_title": title.rpartition(".")[0],
        "bundle_id": bundle_id,
        "version": version,
        "build_number": build_number,
        "min_OS_version": "16.0",
        "device_family_list": [1, 2],
    }
    provisioning_info = {
        "creation_date": "2026-01-12T08:30:00Z",
        "expire_date": "2027-01-12T08:30:00Z",
        "device_UDID_list": ["00008110-000A4D123C82801E"] if export_method in ("development", "ad-hoc") else None,
        "team_name": "Acme Inc.",
        "profile_name": f"Acme {export_method}",
        "provisions_all_devices": export_method == "enterprise",
        "ipa_export_method": export_method,
    }
    meta = {"app_info": app_info, "provisioning_info": provisioning_info}
    return Artifact(title, "ios-ipa", size_bytes, is_public and export_method != "app-store", meta)


def apk(
    title: str = "shop-release.apk",
    *,
    version: str = "3.2.0",
    build_number: str = "412",
    package: str = SHOP,
    size_bytes: int = 31_870_114,
    is_public: bool = True,
) -> Artifact:
    meta = {"app_info": _android_info(version, build_number, package), **_module(title, "apk")}
    return Artifact(title, "android-apk", size_bytes, is_public, meta)


def aab(
    title: str = "shop-release.aab",
    *,
    version: str = "3.2.0",
    build_number: str = "412",
    package: str = SHOP,
    size_bytes: int = 27_402_551,
) -> Artifact:
    """Create a bundle for Google Play, uploaded as an .apk and without a public page."""
    meta = {"app_info": _android_info(version, build_number, package), **_module(title, "aab")}
    return Artifact(title, "android-apk", size_bytes, False, meta)


def _android_info(version: str, build_number: str, package: str) -> dict[str, Any]:
    return {
        "app_name": "Shop",
        "package_name": package,
        "version_code": build_number,
        "version_name": version,
        "min_sdk_version": "24",
    }


def _module(title: str, suffix: str) -> dict[str, Any]:
    module, _, build_type = title.removesuffix(f".{suffix}").rpartition("-")
    return {"module": module, "product_flavour": "", "build_type": build_type}
