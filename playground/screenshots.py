"""Take the screenshots of the documentation: ``python -m playground shots docs/images``."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from playground.page.browser import open_browser, why_no_browser
from playground.page.server import PageServer
from playground.stage import Stage

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

FOLDER = Path("docs/images")
PATIENCE_MS = 20_000
CARD_WIDTH = 560
AROUND = 20
"""Pixels around a modal, which is in front of the dimmed page."""
RAN = timedelta(minutes=3)
"""How long the running build in the screenshots has been running."""


def main(arguments: list[str]) -> int:
    """Return the exit code. The only argument is the folder."""
    if missing := why_no_browser():
        print(f"Cannot take screenshots: {missing}.", file=sys.stderr)
        return 1
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(folder))
    return 0


async def take_all(folder: Path) -> None:
    """Write each screenshot as ``<name>.png``, replacing older ones."""
    stage = await Stage.open()
    page = PageServer(stage)
    await page.start()
    try:
        async with open_browser() as browser:
            await Camera(stage, page, browser, folder).take_all()
    finally:
        await page.stop()
        await stage.close()


class Camera:
    """Plays the main journey as Ana and takes screenshots on the way."""

    def __init__(self, stage: Stage, page: PageServer, browser: Browser, folder: Path) -> None:
        self._stage, self._page, self._browser, self._folder = stage, page, browser, folder

    async def take_all(self) -> None:
        window = await self._window("light")
        await self._show_a_card_that_runs(window)
        await self._show_the_page("playground", "light")
        await self._show_the_page("playground-dark", "dark")
        await self._show_the_start_form(window)
        await self._show_the_stop_form(window)
        await self._show_a_card_that_failed(window)
        await self._show_the_home(window)
        await window.close()

    async def _window(self, scheme: str, channel: str = "ios") -> Page:
        window = await self._browser.new_page(
            viewport={"width": 1280, "height": 800},
            device_scale_factor=2,
            color_scheme="dark" if scheme == "dark" else "light",
        )
        window.set_default_timeout(PATIENCE_MS)
        await window.add_init_script("sessionStorage.setItem('buildbell-welcome-closed', 'yes')")
        await window.goto(f"{self._page.url}#ana/{channel}")
        await window.wait_for_selector("article.message")
        await self._tidy(window)
        return window

    async def _tidy(self, window: Page) -> None:
        """Remove ephemeral messages, which would be in the picture."""
        ana = self._stage.people["ana"]
        for channel in self._stage.channels.values():
            for message in self._stage.slack.ephemerals(ana, channel):
                channel.remove(message)
        self._page.live.wake()
        await window.locator(".message.is-private").first.wait_for(state="detached")

    async def _show_the_page(self, name: str, scheme: str) -> None:
        window = await self._window(scheme)
        await window.screenshot(path=self._folder / f"{name}.png")
        await window.close()

    async def _show_a_card_that_runs(self, window: Page) -> None:
        build = self._stage.bitrise.triggers[-1].builds[0]
        build.started_at = self._stage.clock.now() - RAN
        card = window.locator("#conversation article.message").filter(has_text="deploy").last
        await card.get_by_text("Running 3 min").first.wait_for()
        await self._take(window, card, "card-running", CARD_WIDTH)

    async def _show_the_start_form(self, window: Page) -> None:
        await window.fill("#composer-text", "/build")
        await window.press("#composer-text", "Enter")
        app = window.get_by_role("combobox", name="App")
        await app.click()
        await app.press_sequentially("shop")
        await window.locator(".options [role=option]").filter(has_text="iOS Shop").wait_for()
        await self._take(window, window.locator("dialog"), "start-form")
        await window.keyboard.press("Escape")
        await window.keyboard.press("Escape")
        await window.locator("dialog").wait_for(state="detached")

    async def _show_the_stop_form(self, window: Page) -> None:
        await window.locator("#conversation article.message").get_by_role("button", name="Stop").last.click()
        await window.get_by_label("Details").fill("superseded by the fix on main")
        reason = window.get_by_role("combobox", name="Why?")
        await reason.click()
        await window.locator(".options [role=option]").nth(0).click()
        await self._take(window, window.locator("dialog"), "stop-form")
        await window.keyboard.press("Escape")
        await window.locator("dialog").wait_for(state="detached")

    async def _show_a_card_that_failed(self, window: Page) -> None:
        build = self._stage.bitrise.triggers[-1].builds[0]
        self._stage.bitrise.finish(build, "failed", failed_step="xcode-archive")
        card = window.locator("#conversation article.message").filter(has_text=f"#{build.number}").last
        await card.get_by_text("Failed").first.wait_for()
        await card.locator(".answers").wait_for()
        await self._take(window, card, "card-failed", CARD_WIDTH)

    async def _show_the_home(self, window: Page) -> None:
        await window.locator("#sidebar").get_by_role("button", name="Buildbell").click()
        await window.locator(".home .block-header").first.wait_for()
        await self._take(window, window.locator("#conversation"), "app-home", 0)

    async def _take(self, window: Page, what: Locator, name: str, width: int | None = None) -> None:
        """Take a screenshot of an element: ``width`` pixels from its left edge (0: all), or with a margin."""
        await what.scroll_into_view_if_needed()
        box = await what.bounding_box()
        if box is None:
            raise LookupError(f"Nothing to take a screenshot of for {name}.")
        await window.mouse.move(0, 0)
        around = AROUND if width is None else 0
        await window.screenshot(
            path=self._folder / f"{name}.png",
            clip={
                "x": box["x"] - around,
                "y": max(0, box["y"] - around),
                "width": (width or box["width"]) + 2 * around,
                "height": box["height"] + 2 * around,
            },
        )
        print(self._folder / f"{name}.png")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
