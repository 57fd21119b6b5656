"""Legs from sound cards, where there is no PBX to ask: an agent's headset and its line.

Either two input devices, or the two channels of one. PortAudio calls from a thread of its own;
from there everything goes by the event loop onto the bus, as the legs of a PBX do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from asr.resample import RATE
from backbone.bus import Bus
from backbone.clock import Clock
from backbone.counters import Counters
from backbone.errors import UserError
from backbone.ids import new_id
from backbone.media import AudioFrame, LegClosed, LegOpened, Role

_BLOCK_S = 0.04


class SoundCardError(UserError):
    """A sound card cannot be used. The message is one line for the user."""


@dataclass(frozen=True, slots=True)
class Device:
    """An input device as PortAudio tells it."""

    index: int
    name: str
    channels: int
    rate: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where one side of the call is heard: a device, and the channel of it from 0."""

    device: Device
    channel: int = 0


def _portaudio() -> Any:
    try:
        import pyaudio  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SoundCardError(
            "PyAudio is not installed: sudo apt-get install portaudio19-dev gcc && "
            "pip install 'tingzhen[mic]'"
        ) from error
    return pyaudio


def input_devices() -> list[Device]:
    """The devices that can be heard.

    Raises:
        SoundCardError: PyAudio is not installed.
    """
    audio = _portaudio().PyAudio()
    try:
        found = [audio.get_device_info_by_index(n) for n in range(audio.get_device_count())]
    finally:
        audio.terminate()
    return [
        Device(
            int(one["index"]),
            str(one["name"]),
            int(one["maxInputChannels"]),
            int(one["defaultSampleRate"]),
        )
        for one in found
        if one["maxInputChannels"] > 0
    ]


def find_device(wanted: str) -> Device:
    """A device by its number, its name, or the one name that holds this text.

    Raises:
        SoundCardError: there is none, or several.
    """
    devices = input_devices()
    named = [one for one in devices if wanted in {str(one.index), one.name}]
    like = named or [one for one in devices if wanted.casefold() in one.name.casefold()]
    if len(like) == 1:
        return like[0]
    known = "; ".join(f"{one.index} {one.name}" for one in devices) or "none"
    what = "several input devices are" if like else "no input device is"
    raise SoundCardError(f"{what} called {wanted!r}; there are: {known}")


@dataclass(slots=True)
class _HeardLeg:
    role: Role
    channel: int
    leg_id: str = field(default_factory=new_id)
    samples: int = 0
    overflows: int = 0


class SoundCardCall:
    """One call heard on sound cards, from `run` until it is cancelled or a device fails.

    Args:
        sources: where each side is heard.
        bus: where the legs appear.
        clock: real time.
        counters: `soundcard_overflows` counts blocks before which the card lost audio.
        call_id: of the call.
    """

    def __init__(
        self,
        sources: Mapping[Role, Source],
        bus: Bus,
        clock: Clock,
        counters: Counters,
        *,
        call_id: str,
    ) -> None:
        self._bus = bus
        self._clock = clock
        self._counters = counters
        self._call_id = call_id
        self._devices: dict[Device, list[_HeardLeg]] = {}
        for role, source in sources.items():
            if source.channel >= source.device.channels:
                raise SoundCardError(
                    f"{source.device.name} has {source.device.channels} channel(s) only"
                )
            leg = _HeardLeg(role, source.channel)
            self._devices.setdefault(source.device, []).append(leg)

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop, then close the legs.

        Raises:
            SoundCardError: a device cannot be opened.
        """
        module = _portaudio()
        audio = await asyncio.to_thread(module.PyAudio)
        opened: list[Any] = []
        rates: dict[Device, int] = {}
        try:
            for device, legs in self._devices.items():
                rates[device] = self._rate(module, audio, device, legs)
                for leg in legs:
                    await self._bus.publish(
                        LegOpened(
                            at=self._clock.time(), call_id=self._call_id, leg_id=leg.leg_id,
                            role=leg.role, rate=rates[device], offset_s=0.0,
                        )
                    )  # fmt: skip
                opened.append(self._open(module, audio, device, legs, rates[device]))
            await stop.wait()
        finally:
            for stream in opened:
                await asyncio.to_thread(stream.close)
            await asyncio.to_thread(audio.terminate)
        await asyncio.sleep(0)  # blocks that the cards' threads handed over last
        for legs in self._devices.values():
            for leg in legs:
                await self._close(leg)

    def _rate(self, module: Any, audio: Any, device: Device, legs: list[_HeardLeg]) -> int:
        try:
            audio.is_format_supported(
                RATE,
                input_device=device.index,
                input_channels=_channels(legs),
                input_format=module.paInt16,
            )
        except ValueError:
            return device.rate
        return RATE

    def _open(
        self, module: Any, audio: Any, device: Device, legs: list[_HeardLeg], rate: int
    ) -> Any:
        loop = asyncio.get_running_loop()

        def heard(data: bytes, _frames: int, _time: object, status: int) -> tuple[None, int]:
            lost = bool(status & module.paInputOverflow)
            loop.call_soon_threadsafe(self._hear, legs, data, rate, lost)
            return None, module.paContinue

        try:
            return audio.open(
                rate=rate,
                channels=_channels(legs),
                format=module.paInt16,
                input=True,
                input_device_index=device.index,
                frames_per_buffer=round(_BLOCK_S * rate),
                stream_callback=heard,
            )
        except (OSError, ValueError) as error:
            raise SoundCardError(f"cannot listen to {device.name}: {error}") from error

    def _hear(self, legs: list[_HeardLeg], data: bytes, rate: int, lost: bool) -> None:  # noqa: FBT001 - called by position through the loop
        samples = np.frombuffer(data, "<i2").reshape(-1, _channels(legs))
        if lost:
            self._counters.add("soundcard_overflows")
        for leg in legs:
            leg.overflows += lost
            self._bus.emit(
                AudioFrame(
                    at=self._clock.time(), call_id=self._call_id, leg_id=leg.leg_id,
                    role=leg.role, rate=rate, sample=leg.samples,
                    pcm=samples[:, leg.channel].tobytes(),
                )
            )  # fmt: skip
            leg.samples += len(samples)

    async def _close(self, leg: _HeardLeg) -> None:
        await self._bus.publish(
            LegClosed(
                at=self._clock.time(),
                call_id=self._call_id,
                leg_id=leg.leg_id,
                role=leg.role,
                samples=leg.samples,
                complete=not leg.overflows,
                reason="audio_dropped" if leg.overflows else "",
            )
        )


def _channels(legs: list[_HeardLeg]) -> int:
    """How many channels of a device are needed."""
    return 1 + max(leg.channel for leg in legs)
