"""The demo as a newcomer sees it: one command, and an alert on the page."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys

import pytest
from console_browser import chromium
from patience import PATIENCE_S
from playwright.async_api import expect

pytestmark = [pytest.mark.model, pytest.mark.browser, pytest.mark.alone]


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from tingzhen.cli import main; main()",
        "demo", "--no-browser", "--port", "0", "--json", *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ},
    )  # fmt: skip


async def lines_of(process: asyncio.subprocess.Process):
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield json.loads(line)


@pytest.mark.timeout(150)
async def test_an_alert_is_on_the_page_that_one_command_opened():
    process = await start()
    try:
        async with asyncio.timeout(PATIENCE_S), chromium() as browser:
            lines = lines_of(process)
            started = await anext(lines)
            page = await browser.new_page(locale="zh-CN")
            await page.goto(started["address"])  # logs in by itself
            alert = await anext(line async for line in lines if line["type"] == "alert")
            await expect(page.get_by_text(alert["title"]).first).to_be_visible()
    finally:
        process.send_signal(signal.SIGINT)
    _, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors


@pytest.mark.timeout(170)
async def test_once_plays_every_call_to_its_end_and_stops_by_itself():
    process = await start("--once", "--speed", "2")
    lines = [line async for line in lines_of(process)]
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    calls = [line for line in lines if line["type"] == "call"]
    assert sorted(call["outcome"] for call in calls) == ["abandoned"] + ["answered"] * 6
    assert all(call["complete"] for call in calls), calls
    kinds = {line["kind"] for line in lines if line["type"] == "alert"}
    # At twice the speed recognition lags; what it still finds depends on the machine.
    assert {"taboo_phrase", "many_rings", "long_wait", "call_abandoned"} <= kinds
