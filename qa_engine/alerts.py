"""The life of an alert: a table of what may follow what."""

from __future__ import annotations

from typing import Literal

from qa_engine.events import AlertState

AlertAction = Literal["raise", "acknowledge", "assign", "comment", "judge", "escalate"]

TRANSITIONS: dict[tuple[AlertState | None, AlertAction], AlertState] = {
    (None, "raise"): "open",
    ("open", "raise"): "open",
    ("open", "acknowledge"): "acknowledged",
    # To hand it on is no notice: until the other one acknowledges, it goes on escalating.
    ("open", "assign"): "open",
    ("open", "comment"): "open",
    ("open", "escalate"): "open",
    ("open", "judge"): "judged",
    # Events are delivered at least once: seeing one again changes nothing.
    ("acknowledged", "raise"): "acknowledged",
    ("acknowledged", "acknowledge"): "acknowledged",
    ("acknowledged", "assign"): "acknowledged",
    ("acknowledged", "comment"): "acknowledged",
    # A person may pass upwards what he has seen; the timer leaves it alone.
    ("acknowledged", "escalate"): "acknowledged",
    ("acknowledged", "judge"): "judged",
    ("judged", "raise"): "judged",
    ("judged", "acknowledge"): "judged",
    ("judged", "assign"): "judged",
    ("judged", "comment"): "judged",
    ("judged", "judge"): "judged",  # a verdict may be revised
}
"""State (None: not known yet) and action to the next state; what is missing is refused."""


def advance(state: AlertState | None, action: AlertAction) -> AlertState:
    """The state after an action.

    Raises:
        ValueError: the action is not possible in this state.
    """
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise ValueError(f"an alert that is {state or 'unknown'} cannot {action}") from None
