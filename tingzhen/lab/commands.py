"""What `tingzhen lab install|up|call|down` do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tingzhen.lab.asterisk import LabError, find, start, stop_named, sweep
from tingzhen.lab.configuration import LabSettings
from tingzhen.lab.install import Installation
from tingzhen.lab.install import install as install_asterisk

if TYPE_CHECKING:
    from tingzhen.lab.addresses import LabAddresses
    from tingzhen.lab.truth import CallTruth

DEFAULT_NAME = "default"
SOFTPHONE_AGENT = "1010"
"""The agent kept for a person's own softphone; the others are played by the lab."""
SOFTPHONE_QUEUE = "support"
TINGZHEN_AUDIOSOCKET = ("127.0.0.1", 9092)
"""Where `tingzhen run` listens for taps by default."""


def install(home: Path | None = None) -> Installation:
    """Install Asterisk where there is none; progress goes to stderr.

    Raises:
        InstallError: It cannot be installed; the text says what to do.
    """
    return install_asterisk(home)


def up(
    *,
    name: str = DEFAULT_NAME,
    audiosocket: tuple[str, int] = TINGZHEN_AUDIOSOCKET,
    home: Path | None = None,
    console: Console | None = None,
) -> LabAddresses:
    """Start a lab that goes on running, or say where the running one is.

    Args:
        name: Name of the lab; labs of different names run side by side.
        audiosocket: Host and port of the media server that taps dial.
        home: The lab's folder.
        console: Where the addresses are printed; None prints nothing.

    Raises:
        InstallError: Asterisk cannot be installed here.
        LabError: It does not start.
    """
    record = find(name, home)
    if record is not None:
        addresses, running_already = record.addresses, True
    else:
        addresses, running_already = asyncio.run(_start(name, audiosocket, home)), False
    if console is not None:
        console.print("已在运行 running already" if running_already else "已启动 started")
        console.print(address_table(addresses))
        console.print(how_to_connect(addresses), highlight=False, markup=False)
    return addresses


async def _start(name: str, audiosocket: tuple[str, int], home: Path | None) -> LabAddresses:
    instance = await start(LabSettings(audiosocket=audiosocket), name=name, home=home)
    async with instance.manager() as connection:
        await connection.action(
            "QueueAdd", Queue=SOFTPHONE_QUEUE, Interface=f"PJSIP/{SOFTPHONE_AGENT}"
        )
    return instance.addresses


def running(name: str = DEFAULT_NAME, home: Path | None = None) -> LabAddresses:
    """Return the addresses of a running lab.

    Raises:
        LabError: None of this name runs.
    """
    record = find(name, home)
    if record is None:
        raise LabError("no lab is running: start one with `tingzhen lab up`")
    return record.addresses


def call(
    *,
    queue: str = "support",
    agent: str | None = "1001",
    agent_audio: Path | None = None,
    customer_audio: Path | None = None,
    ring_s: float = 2.0,
    talk_s: float | None = None,
    hangup_by: str = "caller",
    number: str = "19900000100",
    give_up_after_s: float | None = None,
    name: str = DEFAULT_NAME,
    home: Path | None = None,
) -> CallTruth:
    """Place a call in the running lab and return what its parties measured.

    Args:
        queue: Queue to dial.
        agent: Agent played by the lab, None when nobody of the lab is to answer.
        agent_audio: Audio file of the agent's side.
        customer_audio: Audio file of the caller's side.
        ring_s: Seconds that the agent's phone rings.
        talk_s: Seconds of talk; by default the length of the audio, or 5.
        hangup_by: caller or agent.
        number: The caller's number.
        give_up_after_s: The caller hangs up after so many seconds of waiting.
        name: Name of the lab.
        home: The lab's folder.

    Raises:
        LabError: No lab runs, it has no such queue or agent, or the extra `lab` is missing.
        ValueError: An audio file cannot be read.
        OSError: An audio file is not there.
    """
    try:
        from tingzhen.lab.scenario import Lab  # noqa: PLC0415 - needs the extra `lab`
    except ModuleNotFoundError as error:
        raise LabError("the lab's phones need: pip install 'tingzhen[lab]'") from error
    addresses = running(name, home)
    if queue not in addresses.queues:
        raise LabError(f"no queue {queue}: there are {', '.join(addresses.queues)}")
    if agent is not None and agent not in addresses.agents:
        raise LabError(f"no agent {agent}: there are {', '.join(addresses.agents)}")
    if hangup_by not in {"caller", "agent"}:
        raise LabError(f"a call is ended by caller or agent, not by {hangup_by}")

    async def place() -> CallTruth:
        async with Lab.join(addresses) as lab:
            return await lab.call(
                queue,
                agent=agent,
                ring_s=ring_s,
                talk_s=talk_s,
                hangup_by=hangup_by,
                agent_wav=agent_audio,
                customer_wav=customer_audio,
                number=number,
                give_up_after_s=give_up_after_s,
            )

    return asyncio.run(place())


def down(*, name: str = DEFAULT_NAME, home: Path | None = None) -> bool:
    """Stop a lab, remove its folder and what crashed ones left; say whether one ran."""
    stopped = stop_named(name, home)
    sweep(home)
    return stopped


def address_table(addresses: LabAddresses) -> Table:
    """Return the addresses as a table for the terminal."""
    table = Table("接口 interface", "地址 address", "用户 user", "密码 secret")
    table.add_row(
        "AMI",
        f"{addresses.ami_host}:{addresses.ami_port}",
        addresses.ami_user,
        addresses.ami_secret,
    )
    table.add_row("ARI", addresses.ari_url, addresses.ari_user, addresses.ari_secret)
    table.add_row("SIP (UDP, TCP)", f"{addresses.sip_host}:{addresses.sip_port}", "", "")
    table.add_row(
        "AudioSocket →", f"{addresses.audiosocket_host}:{addresses.audiosocket_port}", "", ""
    )
    table.add_row("队列 queues", " ".join(addresses.queues), "", "")
    table.add_row("坐席 agents", f"{addresses.agents[0]}–{addresses.agents[-1]}", "", "")
    table.add_row("日志 logs", f"{addresses.state_dir}/log", "", "")
    return table


def how_to_connect(addresses: LabAddresses) -> str:
    """Return what to type next."""
    server = f"{addresses.sip_host}:{addresses.sip_port}"
    return (
        "来一通电话 place a call:\n"
        "  tingzhen lab call --queue support --ring 10\n"
        f"软电话坐席 a softphone as agent of {SOFTPHONE_QUEUE}: "
        f"register {SOFTPHONE_AGENT} at {server}, without a password\n"
        f"软电话来电 a softphone as caller: dial sip:{SOFTPHONE_QUEUE}@{server} (or 8001)\n"
        "停止 stop:\n"
        "  tingzhen lab down"
    )
