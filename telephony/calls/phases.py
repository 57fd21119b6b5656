"""The life of a queue visit as a table."""

from __future__ import annotations

import enum

from telephony.events import Outcome


class Phase(enum.Enum):
    """Where a queue visit stands."""

    WAITING = "waiting"
    LEAVING = "leaving"
    """Out of the queue, and not yet told whether to an agent or away."""
    TALKING = "talking"
    ON_HOLD = "on_hold"
    COMPLETING = "completing"
    """The agent's part is over; who hung up and why is still under way."""
    ENDED = "ended"


class Step(enum.Enum):
    """What moves a visit on."""

    LEFT = "left"
    CONNECTED = "connected"
    HELD = "held"
    RESUMED = "resumed"
    COMPLETED = "completed"
    SETTLED = "settled"


TRANSITIONS: dict[tuple[Phase, Step], Phase] = {
    (Phase.WAITING, Step.LEFT): Phase.LEAVING,
    (Phase.WAITING, Step.CONNECTED): Phase.TALKING,
    (Phase.WAITING, Step.COMPLETED): Phase.COMPLETING,  # the connect fell into a gap
    (Phase.WAITING, Step.SETTLED): Phase.ENDED,
    (Phase.LEAVING, Step.CONNECTED): Phase.TALKING,
    (Phase.LEAVING, Step.COMPLETED): Phase.COMPLETING,
    (Phase.LEAVING, Step.SETTLED): Phase.ENDED,
    (Phase.TALKING, Step.HELD): Phase.ON_HOLD,
    (Phase.TALKING, Step.COMPLETED): Phase.COMPLETING,
    (Phase.TALKING, Step.SETTLED): Phase.ENDED,
    (Phase.ON_HOLD, Step.RESUMED): Phase.TALKING,
    (Phase.ON_HOLD, Step.COMPLETED): Phase.COMPLETING,
    (Phase.ON_HOLD, Step.SETTLED): Phase.ENDED,
    (Phase.COMPLETING, Step.SETTLED): Phase.ENDED,
}
"""What is not in the table does not happen: the message is late, doubled or out of order."""

QUEUE_STATUS_OUTCOME: dict[str, Outcome] = {
    "TIMEOUT": "timeout",
    "WITHDRAW": "withdrawn",
    "LEAVEEMPTY": "exit_empty",
    "LEAVEUNAVAIL": "exit_empty",
    "JOINEMPTY": "exit_empty",
    "JOINUNAVAIL": "exit_empty",
}
"""The channel variable QUEUESTATUS as an outcome; other values say nothing about a departure."""


def outcome_of_departure(*, queue_status: str, abandon_seen: bool, hung_up: bool) -> Outcome:
    """Tell how a caller left a queue without an agent.

    Args:
        queue_status: the channel's QUEUESTATUS; empty when it was not set.
        abandon_seen: QueueCallerAbandon came; Asterisk sends it for every departure except a
            key exit.
        hung_up: the caller hung up, or was hung up, while waiting.
    """
    if queue_status in QUEUE_STATUS_OUTCOME:
        return QUEUE_STATUS_OUTCOME[queue_status]
    if not abandon_seen:
        return "exit_key"
    # The channel lives on and no reason was given: somebody moved a caller who still waited.
    return "abandoned" if hung_up else "transferred_in_queue"
