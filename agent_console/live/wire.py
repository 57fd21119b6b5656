"""Messages to the browser: one JSON object each, `type` says what it is.

Events travel as they are, with their number in front and personal data masked. See
docs/live-protocol.md.
"""

from __future__ import annotations

from typing import Any

import msgspec

from agent_console.events import ComplaintOpened
from agent_console.live.views import AlertView, CallView
from agent_console.privacy import mask_name, mask_number
from agent_console.settings import ConsoleSettings
from backbone.events import Envelope, Event
from qa_engine.privacy import redact
from telephony.events import CallEnded, CallJoined

PROTOCOL = 1

_encoder = msgspec.json.Encoder()


class EventEncoder:
    """Encodes events; one that goes to many browsers in a row is encoded once."""

    def __init__(self) -> None:
        self._last: Envelope | None = None
        self._text = ""

    def __call__(self, envelope: Envelope, shown: Event | None = None) -> str:
        """The wire text of an event, or of what is shown in its place, the same to everybody."""
        if envelope is not self._last:
            body = _encoder.encode(masked(shown or envelope.event)).decode()
            self._text = f'{{"seq":{envelope.seq},{body[1:]}'
            self._last = envelope
        return self._text


def hello(fields: dict[str, Any], settings: ConsoleSettings) -> str:
    """The first message; `fields` are those that the hub knows."""
    return _encoder.encode(
        {
            "type": "hello",
            "protocol": PROTOCOL,
            "limits": {
                "wait_s": settings.wait_limit_s,
                "rings": settings.ring_limit,
                "talk_s": settings.talk_limit_s,
            },
            "heartbeat_s": settings.heartbeat_s,
            "ended_shown": settings.ended_shown,
            **fields,
        }
    ).decode()


def time_message(now: float) -> str:
    """The server's time, sent now and then; also tells that the connection lives."""
    return _encoder.encode({"type": "time", "time": now}).decode()


def call_shown(seq: int, call: CallView, alerts: list[AlertView]) -> str:
    """A call that came into the client's sight with event `seq`, whole."""
    return _encoder.encode(
        {"type": "call_shown", "seq": seq, "call": call, "alerts": alerts}
    ).decode()


def call_hidden(seq: int, call_id: str) -> str:
    """A call that went out of the client's sight with event `seq`."""
    return _encoder.encode({"type": "call_hidden", "seq": seq, "call_id": call_id}).decode()


def masked(event: Event) -> Event:
    """The event as a page may have it: caller and personal data covered."""
    if isinstance(event, CallJoined):
        return msgspec.structs.replace(
            event, caller=mask_number(event.caller), caller_name=mask_name(event.caller_name)
        )
    if isinstance(event, CallEnded):
        record = event.record
        return msgspec.structs.replace(
            event,
            record=msgspec.structs.replace(
                record,
                caller=mask_number(record.caller),
                caller_name=mask_name(record.caller_name),
            ),
        )
    if isinstance(event, ComplaintOpened):
        return msgspec.structs.replace(event, caller_id="", text="")
    return redact(event)
