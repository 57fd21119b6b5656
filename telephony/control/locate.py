"""Which channels a call has now: names and ids change by transfers and optimised Local channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from telephony.ami.parser import AmiMessage
from telephony.calls.book import OWN_CHANNELS


@dataclass(frozen=True, slots=True)
class Parties:
    """The two channels of an answered call, name and Uniqueid each."""

    caller: str
    caller_id: str
    agent: str
    agent_id: str


def parties(channels: Iterable[AmiMessage], caller_id: str, agent: str) -> Parties | None:
    """The call's channels as `CoreShowChannels` has them; None when the two do not talk now.

    Args:
        channels: CoreShowChannel messages.
        caller_id: Uniqueid of the caller's channel.
        agent: the member's interface.
    """
    listed = list(channels)
    caller = next((c for c in listed if c.get("Uniqueid") == caller_id), None)
    if caller is None or not caller.get("BridgeId"):
        return None
    others = [
        other
        for other in listed
        if other.get("BridgeId") == caller.get("BridgeId")
        and other is not caller
        and not other.get("Channel").startswith(OWN_CHANNELS)
    ]
    technology, slash, rest = agent.partition("/")
    device = technology + slash + rest.partition("/")[0]
    theirs = [other for other in others if other.get("Channel").startswith(device + "-")]
    if not theirs and device.startswith("Local/") and len(others) == 1:
        theirs = others  # the Local channel was optimised away: whoever is there is the agent
    if len(theirs) != 1:
        return None
    return Parties(
        caller.get("Channel"),
        caller_id,
        theirs[0].get("Channel"),
        theirs[0].get("Uniqueid"),
    )
