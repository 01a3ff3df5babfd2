"""The user of the token, and the apps it can access."""

from __future__ import annotations

from playground.bitrise.calls import Answer, Call, Route
from playground.bitrise.configs import app_config
from playground.bitrise.model import App
from playground.bitrise.paging import page
from playground.bitrise.people import Role, User
from playground.bitrise.refusals import not_found
from playground.bitrise.shapes import app_shape, user_shape


def show_me(call: Call) -> Answer:
    """Show the user of a personal token; a workspace's token has none."""
    if not isinstance(call.token.owner, User):
        raise not_found()
    return Answer({"data": user_shape(call.token.owner)})


def list_apps(call: Call) -> Answer:
    order = call.choice("sort_by", "created_at", "last_build_at")
    apps = [app for app in reversed(call.visible_apps) if _is_wanted(call, app)]
    apps.sort(key=lambda app: app.last_build_at if order == "last_build_at" else app.created_at, reverse=True)
    return page(call, apps, slug=lambda app: app.slug, shape=app_shape)


def _is_wanted(call: Call, app: App) -> bool:
    title, project_type = call.text("title"), call.text("project_type")
    fits_title = title is None or title.lower() in app.title.lower()
    return fits_title and project_type in (None, app.project_type)


def show_app(call: Call) -> Answer:
    return Answer({"data": app_shape(call.app)})


def list_branches(call: Call) -> Answer:
    """List the branches with builds."""
    return Answer({"data": sorted({build.branch for build in call.app.builds if build.branch})})


def list_build_workflows(call: Call) -> Answer:
    """List the workflows that were ever triggered, removed ones included."""
    return Answer({"data": sorted({build.workflow for build in call.app.builds})})


def show_app_config(call: Call) -> Answer:
    return Answer(app_config(call.app), content_type="text/plain")


ROUTES = (
    Route("GET", "/me", "me", show_me),
    Route("GET", "/apps", "apps.list", list_apps),
    Route("GET", "/apps/{app}", "apps.get", show_app),
    Route("GET", "/apps/{app}/branches", "apps.branches", list_branches),
    Route("GET", "/apps/{app}/build-workflows", "apps.build-workflows", list_build_workflows),
    Route("GET", "/apps/{app}/bitrise.yml", "apps.bitrise-yml", show_app_config, Role.ADMIN),
)
