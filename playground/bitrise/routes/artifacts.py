"""What a build left behind."""

from __future__ import annotations

from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.paging import page
from playground.bitrise.shapes import artifact_shape


def list_artifacts(call: Call) -> Answer:
    return page(call, call.build.artifacts, slug=lambda stored: stored.slug, shape=artifact_shape)


def show_artifact(call: Call) -> Answer:
    """``?download=1`` leads straight to the file."""
    slug, is_public = call.artifact.slug, call.artifact.artifact.is_public
    url = call.signed_url(f"/files/{slug}")
    if call.flag("download"):
        return Answer("", status=302, content_type="text/plain", headers={"Location": url})
    more = {
        "expiring_download_url": url,
        "public_install_page_url": f"{call.site_url}/artifact/{slug}/p/{slug}" if is_public else "",
    }
    return Answer({"data": artifact_shape(call.artifact) | more})


ROUTES = (
    Route("GET", "/apps/{app}/builds/{build}/artifacts", "builds.artifacts", list_artifacts),
    Route("GET", "/apps/{app}/builds/{build}/artifacts/{artifact}", "builds.artifact", show_artifact),
)
