"""What callers think: the dialplan asks after the agent has hung up, and tells by a UserEvent."""

from __future__ import annotations

from telephony.ami.parser import AmiMessage
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.times import Moment
from telephony.events import CallRated, RatingScale

USER_EVENT = "TingzhenRating"
_HIGHEST: dict[str, tuple[RatingScale, int]] = {"like": ("like", 1), "five": ("five", 5)}


class Ratings:
    """Handles the dialplan's `UserEvent(TingzhenRating,Scale: …,Value: …)`.

    The rating belongs to the last visit of the caller's channel, which mostly is over by then. One
    that names no scale or lies outside it is ignored: a caller may press anything.
    """

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self.handlers: dict[str, Handler] = {"UserEvent": self._user_event}

    def _user_event(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        if message.get("UserEvent") != USER_EVENT:
            return
        uniqueid = message.get("Uniqueid")
        call_id = self._life.book.last_call_id(self._life.system, uniqueid)
        scale, highest = _HIGHEST.get(message.get("Scale"), (None, 0))
        pressed = message.get("Value")
        value = int(pressed) if pressed.isascii() and pressed.isdigit() and len(pressed) == 1 else 0
        if call_id is None or scale is None or not 1 <= value <= highest:
            self._life.ignored += 1
            return
        self._life.emit(
            CallRated(
                at=moment.at,
                call_id=call_id,
                queue=message.get("Queue"),
                agent=message.get("Agent"),
                scale=scale,
                value=value,
            )
        )
