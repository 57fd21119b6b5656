"""The whole of it: a phone rings in a real Asterisk, and a lead's browser shows the alert.

One node runs as its users start it (`tingzhen run`), with the real model, the default rules,
Chromium, and Prometheus scraping it. A call is played into the queue; then the node is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from console_browser import chromium
from patience import PATIENCE_S
from playwright.async_api import expect
from prometheus_fixture import Query, scraping
from sqlalchemy import select
from websockets.asyncio.client import connect

from backbone.store import schema
from backbone.store.engine import open_engine, sqlite_url
from tingzhen.lab.scripts import AgentScript, CallerScript

pytestmark = [
    pytest.mark.lab,
    pytest.mark.model,
    pytest.mark.browser,
    pytest.mark.prometheus,
    pytest.mark.alone,
]

CALLS = Path(__file__).parents[2] / "tingzhen" / "demo" / "calls"
PASSWORD = "a-lead-of-the-tests"
AGREEMENT_S = 0.05
RINGS_FOR_S = 6.0  # in China a phone rings every 5 s: two rings


@dataclass
class RunningNode:
    """`tingzhen run` as a process."""

    process: asyncio.subprocess.Process
    address: str
    log: list[str]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@contextlib.asynccontextmanager
async def running(config: Path):
    """Start a node and wait until it says where its console is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from tingzhen.cli import main; main()",
        "run",
        "--config",
        str(config),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TINGZHEN_CONSOLE__LEAD_PASSWORD": PASSWORD, "COLUMNS": "200"},
    )
    assert process.stderr is not None
    log: list[str] = []
    address = ""
    async with asyncio.timeout(PATIENCE_S):
        while not address:
            line = (await process.stderr.readline()).decode()
            assert line, "".join(log)
            log.append(line)
            if found := re.search(r"console: (http://\S+)", line):
                address = found[1]

    async def drain(stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            log.append(line.decode())

    draining = asyncio.create_task(drain(process.stderr))
    try:
        yield RunningNode(process, address, log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await draining


def write_config(folder: Path, lab) -> Path:
    where = lab.addresses
    path = folder / "tingzhen.toml"
    path.write_text(
        f"""\
data_dir = "{folder}/data"
[console]
port = 0
[[pbx]]
system = "lab"
host = "{where.ami_host}"
port = {where.ami_port}
username = "{where.ami_user}"
secret = "{where.ami_secret}"
[pbx.ari]
url = "{where.ari_url}"
username = "{where.ari_user}"
secret = "{where.ari_secret}"
[pbx.audiosocket]
host = "{where.audiosocket_host}"
port = {where.audiosocket_port}
""",
        "utf-8",
    )
    return path


@contextlib.asynccontextmanager
async def lead_of(address: str):
    """An HTTP client that has logged in as the team lead."""
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", headers={"Origin": address}) as http:
        answer = await http.post("/login", json={"username": "lead", "password": PASSWORD})
        assert answer.is_success, answer.text
        yield http


class Heard:
    """What came over a websocket so far."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self._more = asyncio.Condition()

    async def collect(self, socket) -> None:
        async for text in socket:
            async with self._more:
                self.messages.append(json.loads(text))
                self._more.notify_all()

    async def until(self, what: str, /, *, count: int = 1, **fields) -> dict:
        """Wait for `count` messages of a type with these fields; return the last of them."""
        try:
            async with asyncio.timeout(PATIENCE_S), self._more:
                await self._more.wait_for(lambda: len(self.of(what, **fields)) >= count)
        except TimeoutError:
            pytest.fail(f"not {count} {what} with {fields}: {self.of(what)}")
        return self.of(what, **fields)[count - 1]

    async def until_all_is_final(self) -> None:
        """Wait for the final of every segment of which there was a partial."""
        async with asyncio.timeout(PATIENCE_S), self._more:
            await self._more.wait_for(
                lambda: self._segments("transcript_partial") <= self._segments("transcript_final")
            )

    def _segments(self, what: str) -> set[str]:
        return {message["segment_id"] for message in self.of(what)}

    def of(self, what: str, /, **fields) -> list[dict]:
        return [
            m
            for m in self.messages
            if m["type"] == what and all(m.get(key) == value for key, value in fields.items())
        ]


@contextlib.asynccontextmanager
async def live(http: httpx.AsyncClient, address: str, after: int = 0, stream: str = ""):
    ticket = (await http.post("/ws-ticket")).json()["ticket"]
    url = (
        f"{address.replace('http', 'ws')}/api/v1/live?ticket={ticket}&after={after}&stream={stream}"
    )
    heard = Heard()
    async with connect(url, origin=address, max_size=None) as socket:
        collecting = asyncio.create_task(heard.collect(socket))
        try:
            yield heard
        finally:
            collecting.cancel()
            await asyncio.gather(collecting, return_exceptions=True)


@pytest.mark.timeout(240)
async def test_a_call_is_measured_transcribed_judged_shown_counted_and_kept(lab, tmp_path):
    config = write_config(tmp_path, lab)
    async with (
        running(config) as node,
        lead_of(node.address) as http,
        live(http, node.address) as heard,
        chromium() as browser,
    ):
        await heard.until("pbx_health", up=True)
        await heard.until("tap_health", up=True)
        page = await browser.new_page(locale="zh-CN")
        await page.goto(node.address)
        await page.get_by_label(re.compile("用户名|账号|Username")).fill("lead")
        await page.get_by_label(re.compile("密码|Password")).fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator(".page")).to_have_attribute("data-connection", "live")

        target = node.address.removeprefix("http://")
        with contextlib.ExitStack() as stack:
            prometheus = await asyncio.to_thread(stack.enter_context, scraping(target))
            await asyncio.to_thread(prometheus.wait_for_scrapes)

            caller = CallerScript(
                to="report", number="19900000102", audio=CALLS / "c02.customer.flac"
            )
            agent = AgentScript(
                ring_s=RINGS_FOR_S, audio=CALLS / "c02.agent.flac", hang_up_after_s=34.0
            )
            async with lab.place(caller, {"1001": agent}) as placed:
                alert = await heard.until("alert", kind="taboo_phrase")
                assert not placed.caller.ended.is_set(), "the alert comes while they still talk"
                await expect(page.get_by_text(alert["title"]).first).to_be_visible()
                truth = await lab.finished(placed)
            ended = await heard.until("call_ended")
            await heard.until("leg_closed", count=2, complete=True)
            # The last words of the call are finals too.
            await heard.until_all_is_final()

            # Both sides were heard, with partials before their finals.
            finals = heard.of("transcript_final")
            assert {m["role"] for m in finals} == {"agent", "customer"}
            assert heard.of("transcript_partial")
            said = [m["text"] for m in finals if m["role"] == "agent"]
            assert any("没办法" in text for text in said), said

            # The record agrees with what the SIP parties measured.
            record = ended["record"]
            assert record["outcome"] == "answered"
            assert record["agent"] == truth.agent == "PJSIP/1001"
            assert record["wait_s"] == pytest.approx(truth.wait_s, abs=AGREEMENT_S)
            assert record["ring_s"] == pytest.approx(truth.ring_s, abs=AGREEMENT_S)
            assert record["talk_s"] == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
            assert record["rings"] == 2
            assert record["hangup_by"] == "agent"
            assert record["complete"] is True

            # /metrics counts it, and every query of every dashboard answers.
            metrics = (await http.get(f"{node.address}/metrics")).text
            assert re.search(r'tingzhen_calls_answered_total\{queue="report"\} 1\.0', metrics)
            await asyncio.to_thread(
                prometheus.wait,
                lambda: not prometheus.without_data(unknown_allowed=needs_a_longer_past),
                "a dashboard query returns nothing",
            )

        # The lead takes note; the page says so.
        answer = await http.post(f"/alerts/{alert['alert_id']}/ack")
        assert answer.is_success, answer.text
        await heard.until("alert_acknowledged", alert_id=alert["alert_id"])
        finals = heard.of("transcript_final")  # what was too short for a partial, too
        last_seq = max(m.get("seq", 0) for m in heard.messages)
        stream = heard.of("hello")[0]["stream"]
        await browser.close()
        assert await node.stop(signal.SIGKILL) == -signal.SIGKILL
        assert not [line for line in node.log if "不归我管" in line or "19900000102" in line]

    # What was committed outlives the kill, and the journal goes on where it was.
    engine = open_engine(sqlite_url(tmp_path / "data" / "tingzhen.sqlite3"))
    with engine.connect() as connection:
        call = connection.execute(select(schema.calls)).mappings().one()
        assert call["call_id"] == ended["call_id"]
        assert call["wait_s"] == record["wait_s"]
        assert call["ring_s"] == record["ring_s"]
        legs = connection.execute(select(schema.legs)).mappings().all()
        assert [leg["complete"] for leg in legs] == [True, True]
        texts = connection.scalars(select(schema.segments.c.text)).all()
        assert sorted(texts) == sorted(m["text"] for m in finals)
        states = dict(
            connection.execute(select(schema.alerts.c.alert_id, schema.alerts.c.state)).all()
        )
        assert states[alert["alert_id"]] == "acknowledged"
    engine.dispose()
    async with (
        running(config) as node,
        lead_of(node.address) as http,
        live(http, node.address, after=last_seq - 1, stream=stream) as heard,
    ):
        await heard.until("alert_acknowledged", seq=last_seq)
        assert heard.of("hello")[0]["snapshot"] is None, "resumed, not begun anew"
        assert (await http.get(f"/calls/{ended['call_id']}")).is_success
        assert await node.stop() == 0


def needs_a_longer_past(query: Query) -> bool:
    """First-contact resolution says nothing before its window has passed."""
    return "first_contact" in query.expr


@pytest.mark.timeout(240)
async def test_a_node_killed_in_the_middle_of_a_call_takes_it_up_again(lab, tmp_path):
    config = write_config(tmp_path, lab)
    caller = CallerScript(to="complaint", number="19900000104", audio=CALLS / "c04.customer.flac")
    agent = AgentScript(ring_s=1.0, audio=CALLS / "c04.agent.flac")
    async with (
        running(config) as node,
        lead_of(node.address) as http,
        live(http, node.address) as heard,
    ):
        await heard.until("tap_health", up=True)
        async with contextlib.AsyncExitStack() as stack:
            placed = await stack.enter_async_context(lab.place(caller, {"1002": agent}))
            first = await heard.until("transcript_final")
            stream = heard.of("hello")[0]["stream"]
            await node.stop(signal.SIGKILL)
            assert not placed.caller.ended.is_set(), "the call does not notice"
            async with (
                running(config) as again,
                lead_of(again.address) as lead,
                live(lead, again.address, after=first["seq"], stream=stream) as heard_again,
            ):
                await heard_again.until("leg_opened", count=2)
                placed.caller.hang_up()
                ended = await heard_again.until("call_ended")
                truth = await lab.finished(placed)
                assert ended["call_id"] == first["call_id"], "the same call, not a second one"
                record = ended["record"]
                assert record["outcome"] == "answered"
                assert record["complete"] is False
                assert record["incomplete_reason"]
                assert record["talk_s"] == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
                cut = heard_again.of("leg_closed", complete=False)
                assert {m["role"] for m in cut} == {"agent", "customer"}
