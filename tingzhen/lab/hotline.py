"""Plays a few minutes of a hospital's hotline in the lab and records its manager stream.

    python -m tingzhen.lab.hotline CALLS OUT

CALLS holds ``ID.agent.flac`` and ``ID.customer.flac`` and, for the caller's number, ``ID.json``;
OUT receives ``hotline.ami``, ``hotline.ami.idx`` and ``hotline.truth.json``, from which
``tingzhen demo`` plays the PBX's part.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import msgspec

from tingzhen.lab.recorder import record, write_truth
from tingzhen.lab.scenario import Lab
from tingzhen.lab.scripts import AgentScript, CallerScript, load
from tingzhen.lab.truth import CallTruth, busiest

MARGIN_S = 0.4
"""Talk beyond the end of the audio, so that both legs are heard whole."""


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the plan.

    Attributes:
        at_s: When the caller dials, seconds after the start.
        queue: Queue dialled.
        agent: Agent whose phone rings.
        ring_s: How long, in seconds.
        audio: Id of the audio, None for a caller who gives up.
        give_up_after_s: Then: after how much waiting.
        hangup_by: Who ends the talk.
    """

    at_s: float
    queue: str
    agent: str
    ring_s: float
    audio: str | None = None
    give_up_after_s: float | None = None
    hangup_by: str = "caller"


PLAN = (
    PlannedCall(at_s=1, queue="report", agent="1001", ring_s=2, audio="c02", hangup_by="agent"),
    PlannedCall(at_s=16, queue="complaint", agent="1002", ring_s=3, audio="c04"),
    PlannedCall(at_s=34, queue="enquiry", agent="1003", ring_s=16.5, audio="c08"),
    PlannedCall(at_s=58, queue="appointment", agent="1004", ring_s=30, give_up_after_s=8),
    PlannedCall(at_s=70, queue="report", agent="1004", ring_s=4, audio="c10"),
    PlannedCall(at_s=84, queue="appointment", agent="1001", ring_s=2.5, audio="c01"),
    PlannedCall(at_s=112, queue="enquiry", agent="1002", ring_s=3, audio="c05"),
)
"""The first alert comes early, one caller waits too long, one gives up, never more than three
talks at a time."""
ABANDONED_NUMBER = "19900000111"


async def play(lab: Lab, folder: Path, plan: tuple[PlannedCall, ...] = PLAN) -> list[CallTruth]:
    """Play the plan and return what the parties measured, in the plan's order."""
    began = asyncio.get_running_loop().time()
    async with asyncio.TaskGroup() as tasks:
        calls = [tasks.create_task(_play_at(lab, folder, call, began)) for call in plan]
    return [call.result() for call in calls]


async def _play_at(lab: Lab, folder: Path, call: PlannedCall, began: float) -> CallTruth:
    await asyncio.sleep(began + call.at_s - asyncio.get_running_loop().time())
    return await play_one(lab, folder, call)


async def play_one(lab: Lab, folder: Path, call: PlannedCall) -> CallTruth:
    """Play one call now and return what its parties measured.

    Raises:
        LabError: a party could not play its script.
    """
    agent_wav = customer_wav = None
    number, talk_s = ABANDONED_NUMBER, None
    if call.audio is not None:
        agent_wav = folder / f"{call.audio}.agent.flac"
        customer_wav = folder / f"{call.audio}.customer.flac"
        number = json.loads((folder / f"{call.audio}.json").read_text(encoding="utf-8"))["caller"]
        talk_s = max(len(load(agent_wav)), len(load(customer_wav))) / 8_000 + MARGIN_S
    caller = CallerScript(
        to=call.queue,
        number=number,
        audio=customer_wav,
        give_up_after_s=call.give_up_after_s,
        hang_up_after_s=talk_s if call.hangup_by == "caller" else None,
    )
    agent = AgentScript(
        ring_s=call.ring_s,
        audio=agent_wav,
        hang_up_after_s=talk_s if call.hangup_by == "agent" else None,
    )
    async with lab.place(caller, {call.agent: agent}) as placed:
        return await lab.finished(placed)


async def record_hotline(calls: Path, out: Path) -> list[CallTruth]:
    """Play the plan in a lab of its own, record it into `out`, and return the truth."""
    stem = out / "hotline"
    async with Lab.up() as lab, record(lab.addresses, stem):
        truths = await play(lab, calls)
    ids = [call.audio for call in PLAN]
    write_truth(stem, "hotline", list(zip(ids, truths, strict=True)))
    return truths


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004 - two folders
        sys.exit("usage: python -m tingzhen.lab.hotline CALLS OUT")
    measured = asyncio.run(record_hotline(Path(sys.argv[1]), Path(sys.argv[2])))
    for truth in measured:
        sys.stdout.write(
            f"{truth.queue} {truth.outcome} wait {truth.wait_s:.3f} s "
            f"gap {truth.caller_leg.largest_gap_s:.3f} s\n"
        )
    sys.stdout.write(f"at most {busiest(measured)} talks at a time\n")
