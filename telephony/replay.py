"""Call records from a recorded manager stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backbone.errors import UserError
from backbone.events import Event
from telephony.ami.parser import AmiMessage, AmiParser
from telephony.calls.reducer import CallReducer
from telephony.calls.times import moment_of
from telephony.events import CallEnded, CallRecord

_CHUNK = 64 * 1024


class CaptureError(UserError):
    """The file is no recorded manager stream; one line for people."""


def records_from_capture(
    path: Path, *, system: str = "pbx", ring_cycle_s: float = 5.0
) -> Iterator[CallRecord]:
    """Read the records of the calls in a recorded manager stream.

    The stream is the socket's bytes. `PATH.idx` beside it, when there, has a line for each read:
    arrival in epoch seconds, offset, length; it stands in for messages without a Timestamp.
    Calls that are still open where the recording stops come last, incomplete
    (`capture_ended`).

    Raises:
        CaptureError: not readable, no manager stream, or cut off inside a message; the records
            before the cut are handed out first.
    """
    for event in events_from_capture(path, system=system, ring_cycle_s=ring_cycle_s):
        if isinstance(event, CallEnded):
            yield event.record


def events_from_capture(
    path: Path, *, system: str = "pbx", ring_cycle_s: float = 5.0
) -> Iterator[Event]:
    """Read the events of a recorded manager stream; as `records_from_capture`."""
    reducer = CallReducer(system, ring_cycle_s)
    last = 0.0
    for message, arrived in messages_from_capture(path):
        last = max(last, moment_of(message, arrived).at)
        # Without arrival times the PBX's own clock is the only one there is.
        yield from reducer.feed(message, arrived or last)
    yield from reducer.tick(last + 60.0)
    yield from reducer.close_all(last, "capture_ended")


def messages_from_capture(path: Path) -> Iterator[tuple[AmiMessage, float]]:
    """Read the messages of a recorded manager stream, each with its arrival (0.0: unknown).

    Raises:
        CaptureError: as `records_from_capture`; a stream cut off inside a message raises after
            the messages before it were handed out.
    """
    parser = AmiParser()
    seen = 0
    try:
        size = path.stat().st_size
        for arrived, chunk in _reads(path):
            for message in parser.feed(chunk):
                if message.event or message.response:
                    seen += 1
                    yield message, arrived
            if not seen and parser.banner is None:
                break  # whatever it is, there is no need to read all of it
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror or 'cannot be read'}") from None
    if not seen:
        raise CaptureError(f"{path}: no recorded AMI stream: it holds no manager message")
    if parser.pending:
        raise CaptureError(
            f"{path}: cut off inside a message: the last {parser.pending} of its {size} bytes "
            "are an unfinished one"
        )


def _reads(path: Path) -> Iterator[tuple[float, bytes]]:
    index = path.with_name(path.name + ".idx")
    with path.open("rb") as stream:
        if index.is_file():
            for number, line in enumerate(index.read_text("ascii", "replace").splitlines(), 1):
                try:
                    arrived, offset, length = line.split()
                    start, wanted = int(offset), int(length)
                    at = float(arrived)
                except ValueError:
                    raise CaptureError(
                        f"{index}: line {number}: expected arrival, offset and length"
                    ) from None
                if start != stream.tell() or wanted < 0:
                    raise CaptureError(f"{index}: line {number}: does not follow on the line above")
                chunk = stream.read(wanted)
                if len(chunk) < wanted:
                    raise CaptureError(
                        f"{path}: cut off: {index.name} tells of {start + wanted} bytes, "
                        f"there are {start + len(chunk)}"
                    )
                yield at, chunk
        while chunk := stream.read(_CHUNK):
            yield 0.0, chunk
