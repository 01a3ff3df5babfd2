"""Actions and checks in a window of the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.playground.page.conftest import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page


async def seen(what: Locator, text: str | re.Pattern[str] | None = None) -> None:
    """Wait until an element is visible, with the text if one is given."""
    from playwright.async_api import expect

    await expect(what).to_be_visible(timeout=PATIENCE_MS)
    if text is not None:
        await expect(what).to_contain_text(text, timeout=PATIENCE_MS)


async def gone(what: Locator) -> None:
    from playwright.async_api import expect

    await expect(what).to_have_count(0, timeout=PATIENCE_MS)


async def type_line(window: Page, text: str) -> None:
    await window.fill("#composer-text", text)
    await window.press("#composer-text", "Enter")


async def take(window: Page, label: str, typed: str, option: str) -> None:
    """Type into a select and choose the option."""
    field = window.get_by_role("combobox", name=label)
    await field.click()
    await field.press_sequentially(typed)
    await window.locator(".options [role=option]").filter(has_text=option).first.click()
    await gone(window.locator(".options:visible"))


async def list_overflows(window: Page) -> list[str]:
    """Return the visible parts of the page that scroll sideways. Tables and code may scroll inside their block."""
    overflows: list[str] = await window.evaluate(
        """() => [document.documentElement, ...document.querySelectorAll(
             ".top, .welcome, .player, .channel-head, .messages, .home, .channel-foot, " +
             ".right-head, .right-panel, .modal-body, .modal-foot"
           )].filter(each => each.scrollWidth > each.clientWidth && each.clientWidth)
             .map(each => `${each.tagName} ${each.className} ${each.scrollWidth} > ${each.clientWidth}`)"""
    )
    return overflows


def card(window: Page) -> Locator:
    """Return the newest message that isn't ephemeral."""
    return window.locator("#conversation article.message:not(.is-private)").last
