"""Chromium on an agent's page: when the caller's details have been painted."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from backbone.errors import UserError

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-sync", "--no-first-run")
_PATIENCE_S = 30.0

# What the agent needs is there when the card's name, a tag, an open complaint and the past calls
# are. The second frame after that begins when the first one has been painted.
_WATCH = """
(name) => new Promise((painted) => {
  const seen = () => {
    const card = document.querySelector('section[aria-labelledby="caller-title"]');
    return card
      && card.querySelector('#caller-title').textContent.includes(name)
      && card.querySelector('.tags span')
      && card.querySelector('.complaint')
      && card.querySelector('.when');
  };
  const look = () => {
    if (!seen()) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => painted(Date.now() / 1000)));
  };
  const observer = new MutationObserver(look);
  observer.observe(document, {subtree: true, childList: true, characterData: true});
  look();
})
"""


class AgentPage:
    """An agent's page that is open and live."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @contextlib.asynccontextmanager
    async def painting(self, name: str) -> AsyncIterator[asyncio.Task[float]]:
        """Watch for a caller's details from now on.

        Yields:
            When they were painted, in seconds since the epoch by this machine's clock (to the
            millisecond).
        """
        # Watching has begun when the page answers; the promise comes later.
        watch = await self._page.evaluate_handle(f"(name) => ({{painted: ({_WATCH})(name)}})", name)
        painted = asyncio.ensure_future(watch.evaluate("(watch) => watch.painted"))
        try:
            yield painted
        finally:
            painted.cancel()
            await asyncio.gather(painted, return_exceptions=True)


@contextlib.asynccontextmanager
async def agent_page(link: str) -> AsyncIterator[AgentPage]:
    """Come in by a one-time link and wait until the page is live.

    Raises:
        UserError: Playwright or Chromium is missing here.
    """
    async with _chromium() as browser:
        context = await browser.new_context(viewport={"width": 1366, "height": 800})
        page = await context.new_page()
        await page.goto(link)
        await page.wait_for_selector(
            '.page[data-connection="live"]', timeout=_PATIENCE_S * 1000, state="attached"
        )
        yield AgentPage(page)


@contextlib.asynccontextmanager
async def _chromium() -> AsyncIterator[Browser]:
    try:
        from playwright.async_api import Error, async_playwright  # noqa: PLC0415 - of the dev extra
    except ImportError:
        raise UserError(
            "Playwright is missing, which drives the browser: pip install 'tingzhen[dev]'"
        ) from None
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    async with async_playwright() as playwright:
        try:
            # Without a path it is the one that Playwright has installed itself, if it has.
            browser = await playwright.chromium.launch(executable_path=found, args=_FLAGS)
        except Error as error:
            first = str(error).splitlines()[0]
            raise UserError(
                f"no Chromium to paint with ({first}): apt-get install chromium, or "
                "playwright install chromium"
            ) from None
        yield browser
        await browser.close()
