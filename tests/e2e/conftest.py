"""A real Asterisk for all end-to-end tests, and its phones."""

from __future__ import annotations

import asyncio

import console_browser
import console_world
import pytest
import pytest_asyncio
from patience import PATIENCE_S
from playwright.async_api import expect

from tingzhen.lab.scenario import Lab

# A page on a machine whose processors are all busy.
expect.set_options(timeout=1000 * PATIENCE_S)


def pytest_collection_modifyitems(items):
    """Give tests on the real Asterisk their loop, and two more tries.

    They hold our times against the SIP parties' to 50 ms while phones, PBX, browser and recognition
    share a machine with whatever else runs there. Tests in a browser, and those that listen to
    sound as it plays, get one more. A moment without a processor fails a test once;
    a real disagreement fails it three times. Reruns are listed in the summary.
    """
    for item in items:
        if item.get_closest_marker("lab") is not None:
            item.add_marker(pytest.mark.flaky(reruns=2))
        elif any(map(item.get_closest_marker, ("browser", "realtime"))):
            item.add_marker(pytest.mark.flaky(reruns=1))
        if pytest_asyncio.is_async_test(item) and "lab" in item.fixturenames:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


_SPOILT = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Note a test that failed: it may have left anything behind in the session's lab."""
    del call
    report = yield
    if report.failed:
        item.session.stash[_SPOILT] = True
    return report


class SharedLab:
    """The one `Lab` of a session, replaced by a new one when a test has left it unfit.

    A caller whom a failed test left talking keeps an agent busy: the tests after it, and its own
    second try, would fail for that alone, each after waiting ten seconds for the agent.
    """

    def __init__(self, stash):
        self._stash = stash
        self._owner = None
        self._lab = None
        self._over = asyncio.Event()

    async def fit(self):
        """Return a lab in which nobody talks."""
        spoilt = self._stash.get(_SPOILT, False)
        self._stash[_SPOILT] = False
        if self._lab is not None and (spoilt or self._lab.phone.legs):
            await self.close()
        if self._lab is None:
            await self._open()
        return self._lab

    async def _open(self):
        ready = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()

        async def own():
            # One task enters and leaves the lab, as its task group demands; a fixture's two halves
            # are two tasks.
            try:
                async with Lab.up() as running:
                    ready.set_result(running)
                    await self._over.wait()
            except BaseException as error:
                if not ready.done():
                    ready.set_exception(error)
                raise

        self._owner = asyncio.create_task(own())
        self._lab = await ready

    async def close(self):
        """End the lab, if there is one."""
        self._over.set()
        self._lab = None
        if self._owner is not None:
            await asyncio.gather(self._owner, return_exceptions=True)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_lab(request):
    """The session's `SharedLab`, for fixtures that outlive a test; tests take `lab`."""
    shared = SharedLab(request.session.stash)
    yield shared
    await shared.close()


@pytest_asyncio.fixture(loop_scope="session")
async def lab(shared_lab):
    """The session's `Lab`: queues, agents 1001 to 1010, nothing going on.

    A test that kills or freezes Asterisk starts one of its own with `Lab.up()`: it takes a second.
    """
    return await shared_lab.fit()


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
