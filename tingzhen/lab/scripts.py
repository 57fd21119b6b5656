"""What a caller and an agent are to do in a call, and their doing it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tingzhen.lab.sip.media import read_audio
from tingzhen.lab.sip.sdp import NARROW_RATE, WIDE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tingzhen.lab.sip.leg import Leg

Audio = Path | None
TRANSFERRED = 200
SILENCE: NDArray[np.int16] = np.zeros(0, np.int16)


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Put the other side on hold."""


class Unhold(msgspec.Struct, frozen=True, tag=True):
    """Take the other side back."""


class Press(msgspec.Struct, frozen=True, tag=True):
    """Press keys, for example ``1``."""

    digits: str


class BlindTransfer(msgspec.Struct, frozen=True, tag=True):
    """Send the other side to an extension."""

    to: str


class AttendedTransfer(msgspec.Struct, frozen=True, tag=True):
    """Hold, call an extension, talk to it, then connect the two.

    Attributes:
        to: The extension.
        consult_s: How long the two talk first, seconds.
    """

    to: str
    consult_s: float = 1.0


class HangUp(msgspec.Struct, frozen=True, tag=True):
    """Lay the receiver down."""


Action = Hold | Unhold | Press | BlindTransfer | AttendedTransfer | HangUp


class Step(msgspec.Struct, frozen=True):
    """An action at a time.

    Attributes:
        at_s: Seconds after the talk began.
        action: What to do.
    """

    at_s: float
    action: Action


class AgentScript(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent does with one call that rings.

    Attributes:
        ring_s: How long it rings before the agent acts, seconds.
        answer: False lets it ring until the queue gives up.
        reject: Status code to refuse with after `ring_s`, for example 486.
        audio: file that the agent's side plays from the answer on.
        steps: What happens during the talk, in order of time.
        hang_up_after_s: Seconds of talk after which the agent hangs up, None for never.
        hang_up_at_audio_end: Hang up when the audio has been played.
    """

    ring_s: float = 2.0
    answer: bool = True
    reject: int | None = None
    audio: Audio = None
    steps: tuple[Step, ...] = ()
    hang_up_after_s: float | None = None
    hang_up_at_audio_end: bool = False


class CallerScript(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller does.

    Attributes:
        to: Queue (or extension) to dial; ``NAME-20`` leaves the queue after 20 s.
        number: The caller's number.
        audio: file that the caller's side plays from the agent's answer on.
        steps: What happens during the talk; times count from the agent's answer.
        hang_up_after_s: Seconds of talk after which the caller hangs up, None for never.
        hang_up_at_audio_end: Hang up when the audio has been played.
        give_up_after_s: Seconds of waiting in the queue after which the caller hangs up.
        wide: The caller's phone speaks wideband (16 kHz), and so is the audio.
    """

    to: str
    number: str = "19900000100"
    audio: Audio = None
    steps: tuple[Step, ...] = ()
    hang_up_after_s: float | None = None
    hang_up_at_audio_end: bool = False
    give_up_after_s: float | None = None
    wide: bool = False


def load(audio: Audio, *, wide: bool = False) -> NDArray[np.int16]:
    """Return a script's audio for a phone, nothing when it has none.

    Raises:
        ValueError: The file is of another kind.
        OSError: It cannot be read.
    """
    if audio is None:
        return SILENCE
    return read_audio(audio, WIDE_RATE if wide else NARROW_RATE)


async def act_as_agent(
    leg: Leg,
    script: AgentScript,
    on_answer: Callable[[], None] | None = None,
    samples: NDArray[np.int16] = SILENCE,
) -> None:
    """Ring, answer or not, talk, until the leg ends.

    Args:
        leg: An incoming leg.
        script: What to do.
        on_answer: Called at the instant of the answer.
        samples: The script's audio, from `load`: reading a file here would delay the ringing.
    """
    leg.ring()
    if await _ends_within(leg, script.ring_s):
        return
    if script.reject is not None:
        leg.reject(script.reject)
        return
    if not script.answer:
        await leg.ended.wait()
        return
    leg.answer()
    if len(samples):
        leg.media.play(samples)
    if on_answer is not None:
        on_answer()
    await _talk(leg, script.steps, script.hang_up_after_s, at_end=script.hang_up_at_audio_end)


async def act_as_caller(
    leg: Leg,
    script: CallerScript,
    connected: asyncio.Event,
    samples: NDArray[np.int16] = SILENCE,
) -> None:
    """Wait in the queue, talk, hang up, until the leg ends.

    Args:
        leg: The leg that was placed.
        script: What to do.
        connected: Set at the instant of the agent's answer.
        samples: The script's audio, from `load`.
    """
    if not await _happens_before_end(leg, leg.answered, None):
        return
    if not await _happens_before_end(leg, connected, script.give_up_after_s):
        leg.hang_up()
        return
    if len(samples):
        leg.media.play(samples)
    await _talk(leg, script.steps, script.hang_up_after_s, at_end=script.hang_up_at_audio_end)


async def _talk(
    leg: Leg, steps: tuple[Step, ...], hang_up_after_s: float | None, *, at_end: bool
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    plan = list(steps)
    if hang_up_after_s is not None:
        plan.append(Step(hang_up_after_s, HangUp()))
    for step in sorted(plan, key=lambda step: step.at_s):
        if await _ends_within(leg, began + step.at_s - loop.time()):
            return
        await _do(leg, step.action)
    if at_end:
        await _happens_before_end(leg, leg.media.played, None)
        leg.hang_up()
    await leg.ended.wait()


async def _do(leg: Leg, action: Action) -> None:
    match action:
        case Hold():
            leg.hold()
        case Unhold():
            leg.unhold()
        case Press(digits=digits):
            leg.media.press(digits)
        case BlindTransfer(to=to):
            await _leave(leg, leg.transfer(to))
        case AttendedTransfer(to=to, consult_s=consult_s):
            leg.hold()
            consulted = leg.phone.call(leg.user, to)
            if await _happens_before_end(consulted, consulted.answered, None):
                await _ends_within(consulted, consult_s)
                await _leave(leg, leg.transfer(to, consulted))
                consulted.hang_up("transferred")
        case HangUp():
            leg.hang_up()


async def _leave(leg: Leg, outcome: asyncio.Future[int]) -> None:
    """Hang up once the transfer has succeeded, as a phone does."""
    if await outcome == TRANSFERRED:
        leg.hang_up("transferred")


async def _ends_within(leg: Leg, seconds: float) -> bool:
    """Wait so long, or until the leg ends; say whether it ended."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await leg.ended.wait()
    return leg.ended.is_set()


async def _happens_before_end(leg: Leg, event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event, at most until the leg ends or the seconds are over."""
    waits = {asyncio.ensure_future(event.wait()), asyncio.ensure_future(leg.ended.wait())}
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return event.is_set() and not leg.ended.is_set()
