"""A real Asterisk for all end-to-end tests, and its phones."""

from __future__ import annotations

import asyncio

import console_browser
import console_world
import pytest
import pytest_asyncio
from playwright.async_api import expect

from tingzhen.lab.scenario import Lab

# Long enough for a page on a machine whose processors are all busy.
expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items):
    """Give tests on the real Asterisk their loop, and two more tries; those in a browser one more.

    They hold our times against the SIP parties' to 50 ms while phones, PBX, browser and recognition
    share a machine with whatever else runs there. A moment without a processor fails a test once;
    a real disagreement fails it three times. Reruns are listed in the summary.
    """
    for item in items:
        if item.get_closest_marker("lab") is not None:
            item.add_marker(pytest.mark.flaky(reruns=2))
        elif item.get_closest_marker("browser") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))
        if pytest_asyncio.is_async_test(item) and "lab" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab():
    """Yield the session's `Lab`: queues, agents 1001 to 1010, nothing going on.

    A test that kills or freezes Asterisk starts one of its own with `Lab.up()`: it takes a second.
    """
    ready: asyncio.Future[Lab] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def own() -> None:
        # One task enters and leaves the lab, as its task group demands; a fixture's two halves
        # are two tasks.
        try:
            async with Lab.up() as running:
                ready.set_result(running)
                await over.wait()
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            raise

    owner = asyncio.create_task(own())
    try:
        yield await ready
    finally:
        over.set()
        await asyncio.gather(owner, return_exceptions=True)


@pytest.fixture(scope="session")
def axe():
    """The source of axe, which looks for what shuts people out."""
    return console_browser.axe_script()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    """One Chromium for the session: it takes seconds to start."""
    async with console_browser.chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def browser(chromium):
    """Chromium without anybody's windows; nothing may go wrong behind the pages."""
    with console_browser.nothing_wrong():
        yield chromium
        for context in chromium.contexts:
            await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(tmp_path):
    """Bus, store and clock for a console."""
    async with console_world.world(tmp_path) as desk:
        yield desk
