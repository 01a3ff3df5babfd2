"""Consent, codes, token rotation, organizations and removal, as strict as Slack."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from aiohttp import ClientSession
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from playground.slack import App, Installation, PracticeSlack
from tests.playground.slack.conftest import MANIFEST, Payload, Scene, WatchedClock, refused_with

BACK = "https://bot.example/slack/oauth_redirect"


@pytest.fixture
def app(scene: Scene) -> App:
    """Register an app with token rotation, also for organizations, without installing it."""
    manifest: dict[str, Any] = deepcopy(dict(MANIFEST))
    manifest["oauth_config"]["redirect_urls"] = [BACK]
    manifest["settings"] |= {"token_rotation_enabled": True, "org_deploy_enabled": True}
    return scene.slack.register(manifest)


def address(scene: Scene, app: App, **more: str) -> str:
    asked = {"client_id": app.client_id, "scope": "commands,chat:write", "state": "s", "redirect_uri": BACK, **more}
    return f"{scene.slack.base_url}/oauth/v2/authorize?{urlencode(asked)}"


def code_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["code"][0]


async def access(scene: Scene, app: App, secret: str | None = None, **arguments: str) -> Payload:
    """Call oauth.v2.access with the app's id and secret in the form."""
    known = {"client_id": app.client_id, "client_secret": secret or app.client_secret}
    answer = await scene.client_for("").api_call("oauth.v2.access", data={**known, **arguments})
    assert isinstance(answer.data, dict)
    return answer.data


async def installed(scene: Scene, app: App, **more: Any) -> Payload:
    code = code_of(scene.slack.consent(more.pop("by", scene.bo), address(scene, app), **more))
    return await access(scene, app, code=code, redirect_uri=BACK)


async def test_a_code_becomes_a_token_that_works(scene: Scene, app: App) -> None:
    answer = await installed(scene, app)
    told = await scene.client_for(answer["access_token"]).auth_test()
    assert told["team_id"] == answer["team"]["id"] == scene.team.id
    assert answer["authed_user"]["id"] == scene.bo.id
    assert answer["expires_in"] == 43_200


async def test_a_code_is_good_once(scene: Scene, app: App) -> None:
    code = code_of(scene.slack.consent(scene.bo, address(scene, app)))
    await access(scene, app, code=code, redirect_uri=BACK)
    with refused_with("code_already_used"):
        await access(scene, app, code=code, redirect_uri=BACK)


async def test_a_code_ends_after_ten_minutes(scene: Scene, app: App, clock: WatchedClock) -> None:
    code = code_of(scene.slack.consent(scene.bo, address(scene, app)))
    clock.move_to(clock.now() + timedelta(minutes=10, seconds=1))
    with refused_with("invalid_code"):
        await access(scene, app, code=code, redirect_uri=BACK)


async def test_a_code_needs_the_address_it_was_given_for(scene: Scene, app: App) -> None:
    code = code_of(scene.slack.consent(scene.bo, address(scene, app)))
    with refused_with("bad_redirect_uri"):
        await access(scene, app, code=code)


async def test_the_app_has_to_prove_who_it_is(scene: Scene, app: App) -> None:
    with refused_with("bad_client_secret"):
        await access(scene, app, secret="wrong", code="x")
    with refused_with("invalid_client_id"):
        await access(scene, app, client_id="1.2", code="x")


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"redirect_uri": "https://evil.example/slack/oauth_redirect"}, "bad_redirect_uri"),
        ({"redirect_uri": "http://bot.example/slack/oauth_redirect"}, "bad_redirect_uri"),
        ({"redirect_uri": f"{BACK}or"}, "bad_redirect_uri"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
    ],
)
async def test_the_page_refuses_what_was_not_registered(
    scene: Scene, app: App, session: ClientSession, more: dict[str, str], error: str
) -> None:
    async with session.get(address(scene, app, **more)) as page:
        assert page.status == 400
        assert error in await page.text()


@pytest.mark.parametrize(("decision", "told"), [("allow", "code"), ("cancel", "error")])
async def test_a_browser_decides_on_the_page(
    scene: Scene, app: App, session: ClientSession, decision: str, told: str
) -> None:
    form = {"user": scene.bo.id, "decision": decision}
    async with session.get(address(scene, app)) as page:
        assert "requesting permission" in await page.text()
    async with session.post(address(scene, app), data=form, allow_redirects=False) as answer:
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert answer.headers["Location"].startswith(BACK)
    assert set(query) == {told, "state"}
    assert query["state"] == ["s"]


async def test_only_optional_scopes_can_be_declined_on_the_page(scene: Scene, app: App) -> None:
    url = address(scene, app, scope="commands,chat:write,files:write,im:write")

    with pytest.raises(ValueError, match="not optional: chat:write"):
        scene.slack.consent(scene.bo, url, declined=("chat:write",))
    answer = await access(
        scene, app, code=code_of(scene.slack.consent(scene.bo, url, declined=("im:write",))), redirect_uri=BACK
    )
    assert answer["scope"] == "commands,chat:write,files:write"


async def test_a_cleared_checkbox_declines_an_optional_scope(scene: Scene, app: App, session: ClientSession) -> None:
    url = address(scene, app, scope="commands,files:write,im:write")
    form = {"user": scene.bo.id, "decision": "allow", "scope": "im:write"}
    async with session.get(url) as page:
        text = await page.text()
    async with session.post(url, data=form, allow_redirects=False) as answer:
        code = code_of(answer.headers["Location"])

    assert [scope in text for scope in ('value="files:write"', 'value="im:write"', 'value="commands"')] == [
        True,
        True,
        False,
    ]
    assert (await access(scene, app, code=code, redirect_uri=BACK))["scope"] == "commands,im:write"


@pytest.mark.parametrize("kind", ["bot", "user"])
def test_a_manifest_whose_optional_scopes_are_no_subset_is_refused(scene: Scene, kind: str) -> None:
    manifest: dict[str, Any] = deepcopy(dict(MANIFEST))
    manifest["oauth_config"]["scopes"][f"{kind}_optional"] = ["users:read.email"]

    with pytest.raises(ValueError, match=f"{kind}_optional must also be in {kind}: users:read.email"):
        scene.slack.register(manifest)
    with pytest.raises(ValueError, match=f"{kind}_optional"):
        scene.slack.install(manifest, scene.team)


@pytest.mark.parametrize(("event", "scope"), [("app_mention", "app_mentions:read"), ("link_shared", "links:read")])
def test_a_manifest_whose_event_lacks_its_scope_is_refused(slack: PracticeSlack, event: str, scope: str) -> None:
    manifest = deepcopy(MANIFEST)
    manifest["settings"]["event_subscriptions"]["bot_events"].append(event)
    with pytest.raises(ValueError, match=f"the event {event} needs the scope `{scope}`"):
        slack.register(manifest)
    manifest["oauth_config"]["scopes"]["bot"].append(scope)
    slack.register(manifest)


async def test_a_refresh_token_is_good_once_but_for_a_moment(scene: Scene, app: App, clock: WatchedClock) -> None:
    first = await installed(scene, app)
    renew = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = await access(scene, app, **renew)
    again = await access(scene, app, **renew)  # the answer may have been lost
    assert len({each["access_token"] for each in (first, second, again)}) == 3
    clock.move_to(clock.now() + timedelta(minutes=2))
    with refused_with("invalid_refresh_token"):
        await access(scene, app, **renew)


async def test_two_tokens_live_at_most(scene: Scene, app: App) -> None:
    answers = [await installed(scene, app)]
    for _ in range(2):
        renew = {"grant_type": "refresh_token", "refresh_token": answers[-1]["refresh_token"]}
        answers.append(await access(scene, app, **renew))
    assert [await error_of(scene, each["access_token"]) for each in answers] == ["invalid_auth", None, None]


async def error_of(scene: Scene, token: str) -> str | None:
    try:
        await scene.client_for(token).auth_test()
    except SlackApiError as error:
        return str(error.response["error"])
    return None


async def test_a_token_ends_after_twelve_hours(scene: Scene, app: App, clock: WatchedClock) -> None:
    answer = await installed(scene, app)
    clock.move_to(clock.now() + timedelta(hours=12))
    assert await error_of(scene, answer["access_token"]) == "token_expired"


async def test_scopes_add_up_over_installations(scene: Scene, app: App) -> None:
    await installed(scene, app)
    code = code_of(scene.slack.consent(scene.bo, address(scene, app, scope="users:read")))
    answer = await access(scene, app, code=code, redirect_uri=BACK)
    assert answer["scope"].split(",") == ["commands", "chat:write", "users:read"]


async def test_a_removed_app_is_told_of_both_and_its_token_ends(scene: Scene, bot: AsyncApp) -> None:
    heard: list[str] = []
    scene.app.app.settings["event_subscriptions"]["bot_events"] += ["app_uninstalled", "tokens_revoked"]

    @bot.event("app_uninstalled")
    async def removed(body: Payload) -> None:
        heard.append(body["event"]["type"])

    @bot.event("tokens_revoked")
    async def revoked(body: Payload) -> None:
        assert body["event"]["tokens"]["bot"] == [scene.app.bot_user.id]
        heard.append(body["event"]["type"])

    scene.slack.uninstall(scene.app)
    await scene.slack.quiet()
    assert sorted(heard) == ["app_uninstalled", "tokens_revoked"]
    assert await error_of(scene, scene.app.bot_token) == "token_revoked"
    assert scene.app.bot_user not in scene.ios.members


# Organizations.


@pytest.fixture
async def wide(scene: Scene, app: App, slack: PracticeSlack) -> Installation:
    """Install the app for an organization of East and West."""
    org = slack.add_organisation("Initech")
    east, west = slack.add_team("East", of=org), slack.add_team("West", of=org)
    eve = slack.add_user(east, "eve", admin=True)
    slack.add_channel(east, "builds", members=[eve])
    slack.add_channel(west, "builds")
    answer = await installed(scene, app, by=eve, to=org)
    assert answer["team"] is None
    assert answer["enterprise"]["id"] == org.id
    assert answer["is_enterprise_install"] is True
    wide = slack.world.installations[-1]
    wide.scopes = (*wide.scopes, "users:read", "channels:read")
    return wide


async def test_people_of_an_organisation_have_ids_of_their_own_kind(scene: Scene, wide: Installation) -> None:
    eve = next(user for user in scene.slack.world.users.values() if user.name == "eve")
    assert eve.id.startswith("W")
    told = await scene.client_for(wide.bot_token).users_info(user=eve.id)
    assert told["user"]["team_id"] == eve.team.id


async def test_a_token_of_an_organisation_has_to_say_which_team(scene: Scene, wide: Installation) -> None:
    client = scene.client_for(wide.bot_token)
    east = next(team for team in scene.slack.world.teams if team.name == "East")
    for call in (client.users_list, client.conversations_list):
        with refused_with("missing_argument"):
            await call()
        with refused_with("team_access_not_granted"):
            await call(team_id=scene.team.id)
    listed = await client.conversations_list(team_id=east.id)
    assert [channel["context_team_id"] for channel in listed["channels"]] == [east.id]


async def test_who_is_outside_cannot_install_for_it(scene: Scene, app: App, wide: Installation) -> None:
    with pytest.raises(ValueError, match="cannot install in Initech"):
        scene.slack.consent(scene.bo, address(scene, app), to=wide.team)
