"""The life of an alert: a table of what may follow what."""

from __future__ import annotations

from typing import Literal

from qa_engine.events import AlertState

AlertAction = Literal["raise", "acknowledge"]

TRANSITIONS: dict[tuple[AlertState | None, AlertAction], AlertState] = {
    (None, "raise"): "open",
    ("open", "raise"): "open",
    ("open", "acknowledge"): "acknowledged",
    # Both events are delivered at least once: seeing one again changes nothing.
    ("acknowledged", "raise"): "acknowledged",
    ("acknowledged", "acknowledge"): "acknowledged",
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
