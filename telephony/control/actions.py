"""Manager actions for what a supervisor does. Pure; every value is checked before it is used.

What people type ends up in a line-based protocol and, by way of `Data`, in a comma-separated
argument list of the dialplan: each value must match what it is, so that it can be nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

SpyMode = Literal["listen", "whisper", "barge"]

SPY_OPTIONS = "uqdES"
"""`u` the argument is one channel and no prefix, `q` no announcement, `d` keys switch the mode,
`E` end with the channel that is spied on, `S` end when there is nothing to hear."""

_SPY_MODE: dict[SpyMode, str] = {"listen": "", "whisper": "w", "barge": "B"}
SPY_KEY: dict[SpyMode, str] = {"listen": "4", "whisper": "5", "barge": "6"}
"""What ChanSpy's `d` takes from the supervisor's phone."""

_UNIQUEID = re.compile(r"[A-Za-z0-9_.:-]{1,150}")
_CHANNEL = re.compile(r"[A-Za-z0-9]{1,32}/[A-Za-z0-9_.@:;/+-]{1,150}")
_OURS = re.compile(r"tingzhen-[0-9a-f-]{1,64}")
_PHONE = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI)/[A-Za-z0-9_.@:+-]{1,72}")
_MEMBER = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI|Local|Agent)/[A-Za-z0-9_.@:/+-]{1,72}")
_NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_QUEUE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029,]{1,128}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{0,80}")


class ControlInputError(ValueError):
    """A value that cannot be used; the message names the field, never the value."""


@dataclass(frozen=True, slots=True)
class AmiAction:
    """One manager action. `followed_by` is the event that tells how it went, if one does."""

    name: str
    fields: dict[str, str]
    followed_by: str = ""
    timeout_s: float = 5.0


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ControlInputError(what)
    return value


def phone(value: str) -> str:
    """Check a phone that we let ring: a technology and a name, no Local channel and no dial string.

    Raises:
        ControlInputError: it is something else.
    """
    return _checked(_PHONE, value, "a phone is written like PJSIP/1010")


def number(value: str) -> str:
    """Check a number to be dialled: digits, `*`, `#`, and a leading `+`.

    Raises:
        ControlInputError: it is something else.
    """
    return _checked(_NUMBER, value, "a number has 1 to 32 digits, with + before and * or # within")


def member(value: str) -> str:
    """Check a queue member's interface.

    Raises:
        ControlInputError: it is something else.
    """
    return _checked(_MEMBER, value, "an agent is written like PJSIP/1001")


def queue_name(value: str) -> str:
    """Check a queue's name.

    Raises:
        ControlInputError: it holds control characters or commas, or is too long.
    """
    return _checked(_QUEUE, value, "a queue's name has 1 to 128 characters and no comma")


def text(value: str, what: str) -> str:
    """Check what people type to be read by people.

    Raises:
        ControlInputError: it holds control characters, or is longer than 80.
    """
    return _checked(_TEXT, value, f"{what} has at most 80 characters, all on one line")


def spy(
    agent_channel_id: str, supervisor: str, mode: SpyMode, *, session_id: str, ring_s: float
) -> AmiAction:
    """Ring the supervisor's phone; once taken, it hears the call, and is heard as `mode` says.

    Args:
        agent_channel_id: Uniqueid of the agent's channel: a whisper goes to that one alone.
        supervisor: the phone that rings.
        mode: how it begins; `switch` changes it without a gap.
        session_id: becomes the Uniqueid of the supervisor's channel.
        ring_s: how long the phone may ring.
    """
    target = _checked(_UNIQUEID, agent_channel_id, "the agent's channel has no usable id")
    return AmiAction(
        "Originate",
        {
            "Channel": phone(supervisor),
            "Application": "ChanSpy",
            "Data": f"{target},{SPY_OPTIONS}{_SPY_MODE[mode]}",
            "CallerID": '"Tingzhen" <0>',
            "Timeout": str(round(ring_s * 1000)),
            "Async": "true",
            "ChannelId": _checked(_UNIQUEID, session_id, "the session has no usable id"),
            "Variable": "CDR_PROP(disable)=1",
        },
        followed_by="OriginateResponse",
        timeout_s=ring_s + 5.0,
    )


def switch(supervisor_channel: str, mode: SpyMode) -> AmiAction:
    """Change the mode of a supervisor who listens, as the key on the phone itself does."""
    return AmiAction(
        "PlayDTMF",
        {
            "Channel": _checked(_CHANNEL, supervisor_channel, "the session has no usable channel"),
            "Digit": SPY_KEY[mode],
            "Duration": "120",
            "Receive": "true",
        },
    )


def hangup(channel: str) -> AmiAction:
    """End a channel, with cause 16 (normal clearing).

    Args:
        channel: its name, or the Uniqueid that we gave it: while it rings we know no other.
    """
    pattern = _OURS if _OURS.fullmatch(channel) else _CHANNEL
    return AmiAction(
        "Hangup",
        {
            # Slashes would make it a pattern; a channel's name never begins with one.
            "Channel": _checked(pattern, channel, "the call has no usable channel"),
            "Cause": "16",
        },
    )


def transfer(agent_channel: str, to: str, context: str) -> AmiAction:
    """Hand the party that talks with this channel to an extension, and let this channel go."""
    return AmiAction(
        "BlindTransfer",
        {
            "Channel": _checked(_CHANNEL, agent_channel, "the call has no usable channel"),
            "Context": _checked(_CONTEXT, context, "the context's name has odd characters"),
            "Exten": number(to),
        },
    )


def pause(agent: str, *, paused: bool, reason: str, queue: str = "") -> AmiAction:
    """Stop or resume offering calls to an agent, in one queue or (empty) in all."""
    fields = {
        "Interface": member(agent),
        "Paused": "true" if paused else "false",
        "Reason": text(reason, "a reason"),
    }
    if queue:
        fields["Queue"] = queue_name(queue)
    return AmiAction("QueuePause", fields)


def queue_login(agent: str, queue: str, *, name: str = "", penalty: int = 0) -> AmiAction:
    """Make an agent a member of a queue."""
    if not 0 <= penalty <= 1000:  # noqa: PLR2004 - far beyond any use
        raise ControlInputError("a penalty is 0 to 1000")
    fields = {"Queue": queue_name(queue), "Interface": member(agent), "Penalty": str(penalty)}
    if name:
        fields["MemberName"] = text(name, "a name")
    return AmiAction("QueueAdd", fields)


def queue_logout(agent: str, queue: str) -> AmiAction:
    """Take an agent out of a queue."""
    return AmiAction("QueueRemove", {"Queue": queue_name(queue), "Interface": member(agent)})


def callback(agent: str, to: str, context: str, *, call_id: str, ring_s: float) -> AmiAction:
    """Ring an agent's phone; once taken, dial a number in a context of the dialplan.

    Args:
        agent: the phone that rings first.
        to: the number that is called back.
        context: where the dialplan leads out.
        call_id: becomes the Uniqueid of the agent's channel.
        ring_s: how long the agent's phone may ring.
    """
    return AmiAction(
        "Originate",
        {
            "Channel": phone(agent),
            "Context": _checked(_CONTEXT, context, "the context's name has odd characters"),
            "Exten": number(to),
            "Priority": "1",
            "CallerID": f"<{number(to)}>",
            "Timeout": str(round(ring_s * 1000)),
            "Async": "true",
            "ChannelId": _checked(_UNIQUEID, call_id, "the call has no usable id"),
        },
        followed_by="OriginateResponse",
        timeout_s=ring_s + 5.0,
    )
