"""The page in a real browser, with the real bot and both practice servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from playground.page import scenes
from playground.stage import Stage
from tests.playground.page.conftest import OpenPage, OpenWindow
from tests.playground.page.windows import card, gone, list_low_contrasts, list_overflows, seen, take, type_line

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, pytest.mark.timeout(150)]

DARK = 100
"""A background below it, of 255, is dark."""


def newest_build(stage: Stage) -> str:
    return stage.bitrise.triggers[-1].builds[0].slug


async def test_a_build_is_started_by_the_form_and_stopped_with_a_reason(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    await type_line(window, "/build")
    await seen(window.locator("dialog h2"), "Start a build")
    await take(window, "App", "courier", "Courier")
    await take(window, "Workflow or pipeline", "dep", "deploy")
    await take(window, "Branch", "mai", "main")
    await window.get_by_role("button", name="Start", exact=True).click()
    await gone(window.locator("dialog"))
    await seen(card(window), "Courier · deploy")
    stage.bitrise.run(stage.bitrise.triggers[-1].builds[0])
    await seen(card(window), "Running")
    await card(window).get_by_role("button", name="Stop").click()
    await take(window, "Why?", "wrong", "Wrong branch or workflow")
    await window.get_by_label("Details").fill("not this one")
    await window.get_by_role("button", name="Stop build").click()
    await gone(window.locator("dialog"))
    await seen(card(window), re.compile("Aborted.*not this one", re.DOTALL))
    assert [call.reason for call in stage.bitrise.aborts if "not this one" in (call.reason or "")]


async def test_a_build_that_fails_at_bitrise_fails_on_its_card(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    await type_line(window, "/build shop test main")
    await seen(card(window), "iOS Shop · test")
    build = window.locator(f'[data-build="{newest_build(stage)}"]')
    await build.get_by_role("button", name="Fail at a step").click()
    await window.get_by_role("menuitem", name="at git-clone").click()
    await seen(build, "at git-clone")
    await seen(card(window), "Failed")
    await card(window).locator(".answers").click()
    await seen(window.locator("#thread article").last, "Failed")


async def test_slash_completion_offers_the_commands_of_the_manifest(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    stage, page = await open_page(bot=False)
    window = await open_window(page)
    await window.locator("#composer-text").press_sequentially("/build-st")
    (entry,) = await window.locator(".completions li").all()
    registered = next(each for each in stage.app.app.commands if each["command"] == "/build-status")
    await seen(entry, registered["description"])
    await window.keyboard.press("Tab")
    assert await window.input_value("#composer-text") == "/build-status "
    await seen(window.locator(".composer-hint"), registered["usage_hint"])


async def test_without_the_bot_a_command_fails_in_slacks_own_words(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    _, page = await open_page(bot=False)
    window = await open_window(page)
    await type_line(window, "/build status")
    await seen(window.locator(".toast"), "/build failed with the error “dispatch_failed”")
    assert await window.input_value("#composer-text") == "/build status"


async def test_the_admin_connects_a_token_on_an_empty_stage(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page(empty=True)
    window = await open_window(page, who="ada", channel="general")
    await type_line(window, "/build connect")
    await window.get_by_label("Bitrise token").fill(stage.token)
    await window.get_by_role("button", name="Connect", exact=True).click()
    await seen(window.locator("dialog"), "Connected as")
    await window.keyboard.press("Escape")
    await gone(window.locator("dialog"))
    await seen(window.locator('.guide [data-step="connect"].is-done'))


async def test_a_guest_is_refused(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    ours = await open_window(page, channel="partners")
    await type_line(ours, "/build shop endless main")
    await seen(card(ours), "iOS Shop · endless")
    guest = await open_window(page, who="gus", channel="partners")
    await card(guest).get_by_role("button", name="Stop").click()
    await seen(guest.locator(".message.is-private").last)
    assert stage.bitrise.aborts == []
    await type_line(guest, "/build shop endless main")
    await seen(guest.locator(".toast").last, "not a valid command")


async def test_a_wrong_field_is_told_beside_it_and_keeps_what_was_typed(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    _, page = await open_page()
    window = await open_window(page)
    await type_line(window, "/build shop deploy main")
    await seen(card(window), "iOS Shop · deploy")
    await card(window).get_by_role("button", name="Stop").click()
    await window.get_by_label("Details").fill("because")
    await window.get_by_role("button", name="Stop build").click()
    await seen(window.locator('[data-block="abort.reason"] .input-error'), "required")
    assert await window.locator("[aria-invalid=true]").get_attribute("id") == "input-abort.reason"
    assert await window.get_by_label("Details").input_value() == "because"


async def test_a_reload_in_the_middle_loses_nothing(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    await type_line(window, "/build")
    await take(window, "App", "android", "Android Shop")
    await window.get_by_role("button", name="More options").click()
    await window.get_by_label("Build message").fill("half a thought")
    ana = stage.people["ana"]
    await stage.wait_for(lambda: "half a thought" in str(stage.slack.view(ana).state), "the text to be kept")
    await window.reload()
    await seen(window.locator("dialog h2"), "Start a build")
    assert await window.get_by_label("Build message").input_value() == "half a thought"
    assert await window.get_by_role("combobox", name="App").input_value() == "Android Shop"


async def test_markup_in_a_commit_message_stays_text(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    evil = "<script>window.pwned = 1</script><img src=x onerror='window.pwned = 1'> &amp; *bold*"
    build = stage.bitrise.start_build(stage.shop, workflow="endless", commit_message=evil, commit_hash="a" * 40)
    await type_line(window, f"/build shop #{build.number}")
    await seen(card(window), "<script>window.pwned = 1</script>")
    await seen(window.locator(f'[data-build="{build.slug}"]'), "<script>window.pwned = 1</script>")
    await window.evaluate(
        """text => import("/web/js/mrkdwn.js").then(({ mrkdwn }) => document.body.append(...mrkdwn(text)))""",
        "<javascript:window.pwned=1|press> <img src=x onerror=window.pwned=1> <script>window.pwned=1</script>",
    )
    assert await window.evaluate("window.pwned") is None
    assert await window.locator("a[href^=javascript]").count() == 0


async def test_dark_mode_follows_the_system_and_the_switch(open_page: OpenPage, open_window: OpenWindow) -> None:
    _, page = await open_page(bot=False)
    window = await open_window(page, color_scheme="dark")
    assert await lightness(window) < DARK
    await window.get_by_role("button", name="System").click()
    assert await lightness(window) > DARK
    await window.get_by_role("button", name="Light").click()
    assert await lightness(window) < DARK


async def lightness(window: Page) -> float:
    colour = await window.evaluate("getComputedStyle(document.body).backgroundColor")
    channels = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    return sum(channels) / len(channels)


async def test_the_bot_is_killed_and_started_again_and_the_card_goes_on(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    await type_line(window, "/build shop endless main")
    await seen(card(window), "iOS Shop · endless")
    await window.get_by_role("tab", name="Faults").click()
    await window.get_by_role("button", name="Kill the bot").last.click()
    await seen(window.locator(".bot-state"), "Bot stopped")
    stage.bitrise.finish(stage.bitrise.triggers[-1].builds[0], "success")
    await window.get_by_role("button", name="Start the bot").click()
    await seen(window.locator(".bot-state"), "Bot running")
    await seen(card(window), "Succeeded")


async def test_the_app_home_is_drawn_when_it_is_opened(open_page: OpenPage, open_window: OpenWindow) -> None:
    _, page = await open_page()
    window = await open_window(page)
    await window.locator("#sidebar").get_by_role("button", name="Buildbell").click()
    await seen(window.locator(".home"), "Connected to Bitrise")
    await window.locator(".home").get_by_role("button", name="Start a build").click()
    await seen(window.locator("dialog h2"), "Start a build")
    await window.keyboard.press("Escape")
    await gone(window.locator("dialog"))


PHONES = ((390, 844, "light"), (360, 640, "dark"))


async def test_every_panel_fits_a_phone_and_is_legible_in_both_themes(
    open_page: OpenPage, open_window: OpenWindow
) -> None:
    stage, page = await open_page()
    await stage.play_opening()
    window = await open_window(page)
    faults: list[str] = []

    async def check(panel: str) -> None:
        for width, height, scheme in PHONES:
            await window.set_viewport_size({"width": width, "height": height})
            await window.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found = [*await list_overflows(window), *await list_low_contrasts(window)]
            faults.extend(f"{panel}, {width} px, {scheme}: {each}" for each in found)

    await check("welcome")
    await window.get_by_role("button", name="Explore on your own").click()
    await check("channel")
    for command in (
        "/build",
        "/build subscribe",
        "/build digest",
        "/build settings",
        "/build me",
        "/build abort shop #412",
    ):
        await type_line(window, command)
        await seen(window.locator("dialog .button-primary"))
        await check(command)
        await window.keyboard.press("Escape")
        await gone(window.locator("dialog"))
    for command in ("/build help", "/build list shop", "/build stats shop"):
        before = await window.locator(".message.is-private").count()
        await type_line(window, command)
        await window.locator(".message.is-private").nth(before).wait_for()
        await check(command)
    await window.locator("#conversation .answers").first.click()
    await seen(window.locator("#thread"))
    await check("thread")
    await window.get_by_role("button", name="Close thread").click()
    await window.locator("#sidebar").get_by_role("button", name="Buildbell").click()
    await seen(window.locator(".home"), "Connected to Bitrise")
    await check("App Home")
    await window.locator("#sides").get_by_role("button", name="Bitrise").click()
    assert not await window.locator("#slack").is_visible()
    for tab in ("Scenes", "Faults", "Wire", "Builds"):
        await window.get_by_role("tab", name=tab, exact=True).click()
        await check(tab)
    assert faults == []


async def test_play_it_for_me_runs_to_its_end_and_kills_the_bot(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    window = await open_window(page, reduced_motion="reduce")
    pid = stage.bot.pid
    await window.locator("#welcome").get_by_role("button", name="Play it for me").click()
    again = window.get_by_role("button", name="Play again")
    while not await again.is_visible():
        await window.evaluate("document.querySelector('[data-focus=player-next]').click()")
        await window.wait_for_timeout(200)
    await seen(window.locator(".player-caption"), "Your turn")
    assert stage.bot.pid not in (None, pid)
    assert [call.reason for call in stage.bitrise.aborts] == [
        "[wrong-target] should have been release/3.2 (@bo, via Buildbell)"
    ]
    texts = [message.text for message in stage.slack.messages(stage.channels["ios"])]
    assert sum("*Broken*" in text for text in texts) == 1
    assert "*Fixed*" in texts[-1]


async def test_play_it_for_me_pauses_and_can_be_taken_over(open_page: OpenPage, open_window: OpenWindow) -> None:
    stage, page = await open_page()
    window = await open_window(page)
    await window.locator(".top").get_by_role("button", name="Play it for me").click()
    composer = window.locator("#composer-text")
    while not (await composer.input_value()).startswith("/bu"):
        await window.wait_for_timeout(20)
    await composer.click()  # a click of one's own pauses
    await seen(window.locator(".player-count"), "Paused")
    paused_at = await composer.input_value()
    assert paused_at.startswith("/bu")
    assert stage.bitrise.triggers == []
    await window.get_by_role("button", name="Resume").press("Enter")
    await seen(card(window), "iOS Shop · deploy")
    await window.get_by_role("button", name="Take over").click()
    assert not await window.locator(".player").is_visible()
    started = len(stage.bitrise.triggers)
    await type_line(window, "/build shop endless main")
    await seen(card(window), "iOS Shop · endless")
    assert len(stage.bitrise.triggers) == started + 1


async def test_each_scene_is_played_by_one_press(
    open_page: OpenPage, open_window: OpenWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenes, "LOOK_SECONDS", 0.5)
    _, page = await open_page()
    window = await open_window(page, who="bo")
    await window.get_by_role("tab", name="Scenes").click()
    expected: dict[str, str | re.Pattern[str]] = {
        "Several builds from one trigger": re.compile("lint.*test", re.DOTALL),
        "Pipeline with a failed workflow": re.compile("Failed.*release", re.DOTALL),
        "Flaky test": "Flaky, not fixed",
        "Pull request from a fork": re.compile("main.*Pull request #[0-9]+ by mallory", re.DOTALL),
        "On hold behind a queue": "Queued",
    }
    for label, text in expected.items():
        button = window.get_by_role("button", name=label)
        await button.click()
        await gone(window.locator("[data-scene][aria-busy]"))
        await seen(card(window), text)
    assert len(expected) == len(scenes.SCENES)


async def test_the_guide_ends_with_the_steps_of_the_readme(open_page: OpenPage, open_window: OpenWindow) -> None:
    _, page = await open_page(bot=False)
    window = await open_window(page)
    await window.get_by_role("button", name="Set it up in your Slack, to do").click()
    await window.locator(".guide").get_by_role("button", name="Set it up in your Slack", exact=True).click()
    await seen(window.locator("dialog ol"), "Create the Slack app")
    await window.keyboard.press("Escape")
    await seen(window.locator('.guide [data-step="setup"].is-done'))
