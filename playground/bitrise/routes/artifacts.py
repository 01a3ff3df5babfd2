"""Artifacts of a build."""

from __future__ import annotations

from typing import Any

from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.paging import page
from playground.bitrise.people import Role
from playground.bitrise.refusals import bad_request
from playground.bitrise.shapes import artifact_shape


def list_artifacts(call: Call) -> Answer:
    return page(call, call.build.artifacts, slug=lambda stored: stored.slug, shape=artifact_shape)


def show_artifact(call: Call) -> Answer:
    """Show an artifact; ``?download=1`` redirects to the file."""
    if call.flag("download"):
        return Answer("", status=302, content_type="text/plain", headers={"Location": _download_url(call)})
    return Answer({"data": _shape(call)})


def update_artifact(call: Call) -> Answer:
    """Switch the public install page on or off."""
    is_public = call.body().get("is_public_page_enabled")
    if not isinstance(is_public, bool):
        raise bad_request("Invalid is_public_page_enabled: it should be a boolean")
    stored = call.artifact
    if not stored.artifact.may_be_public:
        raise bad_request("Public install page is available for installable ipa and apk files only")
    stored.is_public = is_public
    return Answer({"data": _shape(call)})


def _shape(call: Call) -> dict[str, Any]:
    slug, is_public = call.artifact.slug, call.artifact.is_public
    more = {
        "expiring_download_url": _download_url(call),
        "public_install_page_url": f"{call.site_url}/artifact/{slug}/p/{slug}" if is_public else "",
    }
    return artifact_shape(call.artifact) | more


def _download_url(call: Call) -> str:
    return call.signed_url(f"/files/{call.artifact.slug}")


PLACE = "/apps/{app}/builds/{build}/artifacts"
ROUTES = (
    Route("GET", PLACE, "builds.artifacts", list_artifacts),
    Route("GET", PLACE + "/{artifact}", "builds.artifact", show_artifact),
    Route("PATCH", PLACE + "/{artifact}", "builds.artifact-update", update_artifact, Role.DEVELOPER),
)
