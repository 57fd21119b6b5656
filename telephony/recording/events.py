"""What happens to recordings."""

from __future__ import annotations

from typing import ClassVar, Literal

from backbone.events import Delivery, Event
from backbone.media import Role

RecordingFault = Literal[
    "",
    "audio_dropped",
    "leg_incomplete",
    "disk_full",
    "write_failed",
    "recorder_stopped",
    "program_stopped",
]
"""Why a recording is not whole: samples that did not reach it, samples that its tap never heard,
no room, another trouble with the file, the recorder or the whole program stopped first."""


class RecordingStored(Event, frozen=True, kw_only=True):
    """A leg's recording is written, or could not be (`path` is empty then).

    `path` is relative to the folder of recordings, with slashes. `offset_s` places sample 0 on the
    call's clock, as in `LegOpened`; sample n of the file is sample n of the leg, silence standing
    for what is missing.
    """

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    leg_id: str
    role: Role
    path: str
    rate: int
    offset_s: float
    samples: int
    size: int
    """Bytes on the disk."""
    complete: bool
    reason: RecordingFault


class RecordingExpired(Event, frozen=True, kw_only=True):
    """A recording was kept for as long as it may be; its file is deleted."""

    delivery: ClassVar[Delivery] = Delivery.DURABLE

    call_id: str
    leg_id: str
