"""Audio legs as events: what a tap hands out and a recogniser takes in."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event

Role = Literal["agent", "customer"]


class LegOpened(Event, frozen=True, kw_only=True):
    """A tap hears one side of a call.

    `leg_id` is new for every tap, so a re-tapped side is a new leg. `offset_s` places sample 0 of
    the leg on the call's clock, whose zero is the moment the agent answered. `rate` is in Hz;
    samples are mono 16-bit signed little-endian.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    leg_id: str
    role: Role
    rate: int
    offset_s: float


class AudioFrame(Event, frozen=True, kw_only=True):
    """Consecutive samples of a leg; `sample` is the index of the first one.

    A jump in `sample` is audio that was lost on the way.
    """

    delivery: ClassVar[Delivery] = Delivery.LIVE

    call_id: str
    leg_id: str
    role: Role
    rate: int
    sample: int
    pcm: bytes


class LegClosed(Event, frozen=True, kw_only=True):
    """A leg's audio has ended after `samples` samples.

    `complete` is false when any of it is missing, with the reason in the field's words
    (`media_server_stopped`, `audio_dropped`, `tap_failed`, `tap_ended_early`).
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    leg_id: str
    role: Role
    samples: int
    complete: bool
    reason: str = ""
