"""The page in a real browser, with the real bot and both practice servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from playground.stage import Stage
from tests.playground.page.conftest import OpenPage, OpenWindow
from tests.playground.page.windows import card, gone, seen, take, type_line

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
    await window.get_by_role("tab", name="Trouble").click()
    await window.get_by_role("button", name="Kill the bot").last.click()
    await seen(window.locator(".bot-state"), "dead")
    stage.bitrise.finish(stage.bitrise.triggers[-1].builds[0], "success")
    await window.get_by_role("button", name="Start the bot").click()
    await seen(window.locator(".bot-state"), "the bot runs")
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


async def test_on_a_narrow_window_one_side_shows_at_a_time(open_page: OpenPage, open_window: OpenWindow) -> None:
    _, page = await open_page(bot=False)
    window = await open_window(page)
    await window.set_viewport_size({"width": 420, "height": 800})
    assert not await window.locator("#bitrise").is_visible()
    await window.locator("#sides").get_by_role("button", name="Bitrise").click()
    await seen(window.locator("#bitrise"))
    assert not await window.locator("#slack").is_visible()
    assert await window.evaluate("document.documentElement.scrollWidth <= innerWidth")
