"""The lab on the real Asterisk: calls are placed, measured, and nothing is left behind."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S
from rich.console import Console

from tingzhen.lab import asterisk, commands, manager
from tingzhen.lab.asterisk import LabError
from tingzhen.lab.configuration import LabSettings
from tingzhen.lab.install import lab_home
from tingzhen.lab.recorder import record, write_truth
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import (
    AgentScript,
    AttendedTransfer,
    BlindTransfer,
    CallerScript,
    Hold,
    Press,
    Step,
    Unhold,
)
from tingzhen.lab.sip.media import tone
from tingzhen.lab.sip.phone import Phone

pytestmark = pytest.mark.lab

AGREEMENT_S = 0.05


@pytest.fixture
def home(tmp_path_factory):
    """A lab folder of its own that shares the installation."""
    folder = tmp_path_factory.mktemp("h")
    if (lab_home() / "root").exists():
        (folder / "root").symlink_to(lab_home() / "root")
    return folder


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running_below(folder):
    """Return the command lines of the processes that mention a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in line and int(entry.parent.name) != os.getpid():
                found.append(line)
    return found


def events_of(raw):
    """Return the events of recorded bytes as dictionaries."""
    return [
        dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
        for block in raw.decode().split("\r\n\r\n")
        if block.startswith("Event: ")
    ]


async def placed(lab, caller, agents):
    async with asyncio.timeout(PATIENCE_S), lab.place(caller, agents) as call:
        return await lab.finished(call)


@pytest.mark.quiet
async def test_a_call_is_answered_and_its_times_agree_with_asterisks_stamps(lab, tmp_path):
    async with record(lab.addresses, tmp_path / "one"):
        truth = await lab.call("support", ring_s=1.5, talk_s=1.0, number="19900000131")
    write_truth(tmp_path / "one", "answered", [("x", truth)])
    assert (truth.outcome, truth.agent, truth.hangup_by) == ("answered", "PJSIP/1001", "caller")
    assert truth.ring_s == pytest.approx(1.5, abs=AGREEMENT_S)
    assert truth.talk_s == pytest.approx(1.0, abs=AGREEMENT_S)
    events = events_of((tmp_path / "one.ami").read_bytes())

    def stamp(name, **having):
        return next(
            float(event["Timestamp"])
            for event in events
            if event["Event"] == name and having.items() <= event.items()
        )

    join = stamp("QueueCallerJoin", Uniqueid=truth.uniqueid)
    connect = stamp("AgentConnect", Uniqueid=truth.uniqueid)
    complete = stamp("AgentComplete", Uniqueid=truth.uniqueid)
    ringing = stamp("DialState", DialStatus="RINGING")
    answer = stamp("DialEnd", DialStatus="ANSWER")
    assert connect - join == pytest.approx(truth.wait_s, abs=AGREEMENT_S)
    assert answer - ringing == pytest.approx(truth.ring_s, abs=AGREEMENT_S)
    assert complete - connect == pytest.approx(truth.talk_s, abs=AGREEMENT_S)
    index = [line.split() for line in (tmp_path / "one.ami.idx").read_text().splitlines()]
    assert sum(int(length) for _, _, length in index) == (tmp_path / "one.ami").stat().st_size
    kept = json.loads((tmp_path / "one.truth.json").read_text())["calls"][0]
    assert kept["uniqueid"] == truth.uniqueid
    assert kept["audio"] == "x"


@pytest.mark.quiet
async def test_each_hears_what_the_other_plays_from_the_same_instant(lab, tmp_path):
    for name, frequency in (("agent", 500), ("customer", 900)):
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(8_000)
            out.writeframes(tone(frequency, 1.0).tobytes())
    caller = CallerScript(
        to="report",
        number="19900000132",
        audio=tmp_path / "customer.wav",
        hang_up_at_audio_end=True,
    )
    agent = AgentScript(ring_s=0.3, audio=tmp_path / "agent.wav")
    async with asyncio.timeout(PATIENCE_S), lab.place(caller, {"1002": agent}) as call:
        truth = await lab.finished(call)
    began = truth.agent_legs[0].play_started_at
    assert truth.caller_leg.play_started_at == pytest.approx(began, abs=AGREEMENT_S)
    assert truth.talk_s == pytest.approx(1.0, abs=AGREEMENT_S)
    for leg, frequency in ((call.caller, 500), (call.agents[0], 900)):
        heard = leg.media.heard_samples(since=truth.answered_at + 0.2)[:4_000]
        spectrum = np.abs(np.fft.rfft(heard))
        assert np.argmax(spectrum) * 8_000 / len(heard) == pytest.approx(frequency, abs=5)
        assert leg.media.largest_gap(truth.answered_at, truth.ended_at) < 0.2


@pytest.mark.quiet
async def test_a_caller_who_gives_up_is_abandoned(lab):
    truth = await lab.call("insurance", agent=None, give_up_after_s=0.8)
    assert (truth.outcome, truth.agent, truth.hangup_by) == ("abandoned", None, "caller")
    assert truth.wait_s == pytest.approx(0.8, abs=AGREEMENT_S)


async def test_a_queue_that_gives_up_releases_the_caller(lab):
    truth = await placed(
        lab,
        CallerScript(to="followup-1", number="19900000133"),
        {"1003": AgentScript(answer=False)},
    )
    assert (truth.outcome, truth.hangup_by) == ("released", "pbx")
    assert truth.wait_s > 0.9  # and later where Asterisk had to wait for its turn
    assert truth.agent_legs[0].cause == "cancelled"


async def test_the_agent_who_refuses_is_passed_over(lab):
    truth = await placed(
        lab,
        CallerScript(to="ordered", number="19900000134", hang_up_after_s=0.5),
        {"1004": AgentScript(ring_s=0.2, reject=486), "1005": AgentScript(ring_s=0.4)},
    )
    assert truth.agent == "PJSIP/1005"
    assert truth.agent_legs[0].cause == "refused 486"


async def test_all_ring_and_one_answers(lab):
    truth = await placed(
        lab,
        CallerScript(to="supportall", number="19900000135", hang_up_after_s=0.5),
        {"1004": AgentScript(ring_s=5), "1005": AgentScript(ring_s=0.4)},
    )
    assert truth.agent == "PJSIP/1005"
    assert {leg.user: leg.cause for leg in truth.agent_legs} == {"1004": "cancelled", "1005": "bye"}


@pytest.mark.quiet
async def test_hold_keys_and_the_agents_hanging_up_are_heard_by_the_listener(lab, tmp_path):
    async with record(lab.addresses, tmp_path / "held"):
        truth = await placed(
            lab,
            CallerScript(to="complaint", number="19900000136", steps=(Step(0.2, Press("15")),)),
            {
                "1006": AgentScript(
                    ring_s=0.2,
                    steps=(Step(1.0, Hold()), Step(1.8, Unhold())),
                    hang_up_after_s=2.2,
                )
            },
        )
    assert truth.hangup_by == "agent"
    events = events_of((tmp_path / "held.ami").read_bytes())
    stamps = {event["Event"]: float(event["Timestamp"]) for event in events if "Timestamp" in event}
    assert stamps["Unhold"] - stamps["Hold"] == pytest.approx(0.8, abs=AGREEMENT_S)
    pressed = [
        event["Digit"]
        for event in events
        if event["Event"] == "DTMFEnd" and event["Direction"] == "Received"
    ]
    assert pressed == ["1", "5"]
    assert "AgentComplete" in stamps


@pytest.mark.parametrize(
    ("transfer", "event"),
    [(BlindTransfer("1008"), "BlindTransfer"), (AttendedTransfer("1008", 0.5), "AttendedTransfer")],
)
async def test_a_transfer_leads_the_caller_to_the_next_agent(lab, tmp_path, transfer, event):
    await lab.register("1008")
    lab.idle_script("1008", AgentScript(ring_s=0.2, hang_up_after_s=2.0))
    async with record(lab.addresses, tmp_path / "moved"):
        truth = await placed(
            lab,
            CallerScript(to="support", number="19900000137"),
            {"1007": AgentScript(ring_s=0.2, steps=(Step(0.5, transfer),))},
        )
    assert truth.agent_legs[0].cause == "transferred"
    assert truth.ended_at - truth.answered_at > 1.5  # the talk went on with the other agent
    names = {entry["Event"] for entry in events_of((tmp_path / "moved.ami").read_bytes())}
    assert event in names


@pytest.mark.quiet
async def test_several_calls_overlap_without_mixing_up(lab):
    calls = await asyncio.gather(
        *(
            lab.call(queue, agent=agent, ring_s=0.5, talk_s=talk_s, number=f"1990000{agent}")
            for queue, agent, talk_s in (
                ("appointment", "1001", 0.5),
                ("report", "1002", 1.0),
                ("enquiry", "1003", 1.5),
            )
        )
    )
    assert [call.agent for call in calls] == ["PJSIP/1001", "PJSIP/1002", "PJSIP/1003"]
    for call, talk_s in zip(calls, (0.5, 1.0, 1.5), strict=True):
        assert call.talk_s == pytest.approx(talk_s, abs=AGREEMENT_S)
    assert len({call.uniqueid for call in calls}) == 3


async def test_a_call_can_be_looked_at_while_it_goes_on(lab):
    lab.idle_script("1009", AgentScript(ring_s=0.2))
    caller = CallerScript(to="followup", number="19900000140")
    async with (
        asyncio.timeout(PATIENCE_S),
        lab.member("followup", "1009"),
        lab.place(caller) as call,
    ):
        await call.connected.wait()
        await call.named.wait()
        shown = await lab.asterisk.console("core show channels concise")
        assert call.uniqueid in shown
        call.caller.hang_up()
        truth = await lab.finished(call)
    assert (truth.agent, truth.uniqueid) == ("PJSIP/1009", call.uniqueid)


async def test_audio_that_is_not_there_is_said_before_anyone_is_called(lab):
    with pytest.raises(FileNotFoundError, match=r"nothing\.wav"):
        await lab.call("support", agent_wav=Path("nothing.wav"))
    assert lab.phone.legs == ()


async def test_the_listener_may_not_change_anything(lab):
    to = lab.addresses
    async with manager.connect(to.ami_host, to.ami_port, to.ami_user, to.ami_secret) as listener:
        assert await listener.entries("QueueStatus", Queue="support")
        await listener.entries("CoreShowChannels")
        await listener.entries("Status")
        await listener.action("CoreStatus")
        with pytest.raises(manager.ManagerError, match=r"[Pp]ermission"):
            await listener.action("QueueAdd", Queue="support", Interface="PJSIP/1001")
        with pytest.raises(manager.ManagerError, match=r"[Pp]ermission"):
            await listener.command("core show version")


async def test_nothing_in_asterisks_log_is_an_error():
    async with Lab.up() as own:  # other tests provoke errors on purpose
        await own.call("support", talk_s=0.3, ring_s=0.2)
        text = (own.asterisk.folder / "log" / "full.log").read_text()
    assert not re.findall(r"^\[[^\]]+\] ERROR.*$", text, re.MULTILINE)


async def test_the_audio_goes_on_through_a_freeze_and_a_kill_ends_it():
    async with Lab.up() as own:
        caller = CallerScript(to="support", number="19900000138", hang_up_after_s=60)
        async with own.place(caller, {"1001": AgentScript(ring_s=0.2)}) as call:
            async with asyncio.timeout(PATIENCE_S):
                await call.connected.wait()
                await call.caller.media.heard_beyond(call.caller.media.heard_packets + 10)
                own.asterisk.freeze()
                frozen_at = call.caller.media.heard[-1].at
                await asyncio.sleep(0.3)  # the length of the disturbance itself
                own.asterisk.thaw()
                await call.caller.media.heard_beyond(call.caller.media.heard_packets + 10)
            assert call.caller.media.largest_gap(since=frozen_at) > 0.25
            own.asterisk.kill()
            assert not own.asterisk.alive
            call.caller.hang_up()
            call.agents[0].hang_up()
        await own.asterisk.launch()
        await own.reconnect()
        assert (await own.call("support", ring_s=0.2, talk_s=0.3)).outcome == "answered"


async def test_restarting_in_the_middle_keeps_the_addresses():
    async with Lab.up() as own:
        pid = own.asterisk.pid
        await own.asterisk.restart_now()
        assert own.asterisk.pid == pid
        assert "0 calls processed" in await own.asterisk.console("core show calls")
        await own.reconnect()
        assert (await own.call("support", ring_s=0.2, talk_s=0.3)).outcome == "answered"


async def test_the_media_servers_address_is_what_was_given():
    async with Lab.up(LabSettings(audiosocket=("127.0.0.1", 45_678))) as own:
        assert own.addresses.audiosocket_port == 45_678
        assert "127.0.0.1:45678" in await own.asterisk.console("dialplan show export")


async def test_strangers_bytes_on_the_phones_port_do_no_harm(lab):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (b"", b"\xff" * 200, b"INVITE sip:x SIP/2.0\r\n\r\n", b"BYE"):
            stranger.sendto(data, (lab.phone.host, lab.phone.port))
    truth = await lab.call("support", ring_s=0.2, talk_s=0.3)
    assert truth.outcome == "answered"


# -- the commands, which start and end their own event loops ---------------------------------


def test_up_twice_call_and_down_leave_nothing(home):
    console = Console(record=True, width=160, file=open(os.devnull, "w"))  # noqa: SIM115, PTH123 - closed with the process
    first = commands.up(home=home, console=console)
    try:
        assert listening(first.ami_port)
        assert commands.up(home=home, console=console) == first
        assert commands.running(home=home) == first
        text = console.export_text()
        assert f"{first.ami_host}:{first.ami_port}" in text
        assert first.ami_secret in text
        truth = commands.call(home=home, ring_s=0.3, talk_s=0.5)
        assert truth.outcome == "answered"
        with pytest.raises(LabError, match="no queue nowhere"):
            commands.call(home=home, queue="nowhere")
    finally:
        assert commands.down(home=home)
    assert not listening(first.ami_port)
    assert not running_below(home)
    assert list((home / "run").iterdir()) == []
    assert not commands.down(home=home)
    with pytest.raises(LabError, match="tingzhen lab up"):
        commands.call(home=home)


def test_labs_side_by_side_do_not_disturb_each_other(home):
    try:
        one, two = (commands.up(home=home, name=name) for name in ("one", "two"))
        assert one.ami_port != two.ami_port
        commands.down(home=home, name="one")
        assert listening(two.ami_port)
        assert commands.call(home=home, name="two", ring_s=0.2, talk_s=0.2).outcome == "answered"
    finally:
        for name in ("one", "two"):
            commands.down(home=home, name=name)
    assert not running_below(home)


def test_a_killed_program_takes_its_asterisk_with_it_and_the_next_one_clears_up(home):
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from tingzhen.lab.scenario import Lab\n"
        "async def main():\n"
        "    async with Lab.up(home=Path(sys.argv[1])) as lab:\n"
        "        print(lab.asterisk.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    )
    with process:
        pid = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    mark = asterisk.ProcessMark.of(pid)
    assert mark is None or mark._gone_within(PATIENCE_S)
    assert len(list((home / "run").iterdir())) == 1
    assert asterisk.sweep(home) == 1
    assert list((home / "run").iterdir()) == []
    assert not running_below(home)


async def test_a_phone_can_register_and_call_in():
    async with Lab.up() as own:  # in the common lab this would log out other tests' phone
        phone = Phone((own.addresses.sip_host, own.addresses.sip_port))
        try:
            await phone.register("1010")
            assert "1010" in await own.asterisk.console("pjsip show contacts")
            await phone.register("1010", 0)
            leg = phone.call("19900000139", "8011")
            async with asyncio.timeout(PATIENCE_S):
                await leg.answered.wait()
                leg.hang_up()
                await leg.ended.wait()
        finally:
            phone.close()
