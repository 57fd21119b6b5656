"""Callers whom a queue did not take in: full, or nobody there to answer."""

from __future__ import annotations

from collections import OrderedDict

from telephony.ami.parser import AmiMessage
from telephony.calls.book import OWN_CHANNELS
from telephony.calls.lifecycle import Handler, Lifecycle
from telephony.calls.times import Moment
from telephony.events import CallRefused, RefusalReason

REFUSALS: dict[str, RefusalReason] = {
    "FULL": "full",
    "JOINEMPTY": "join_empty",
    "JOINUNAVAIL": "join_empty",
}
"""QUEUESTATUS of a caller who never joined."""

_MOST_CHANNELS = 10_000


class Refusals:
    """Tells refusals from the dialplan: Queue() began, and QUEUESTATUS says why it ended.

    Asterisk sends no queue event for them. Which queue it was, the Newexten of Queue() tells; a
    site that filters it out gets the refusals with an empty queue name.
    """

    def __init__(self, life: Lifecycle) -> None:
        self._life = life
        self._asked: OrderedDict[str, str] = OrderedDict()
        self._refused: OrderedDict[str, int] = OrderedDict()
        self.handlers: dict[str, Handler] = {
            "Newexten": self._queue_asked,
            "VarSet": self._status_set,
            "QueueCallerJoin": self._joined,
            "Hangup": self._gone,
        }

    def _queue_asked(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        if message.get("Application") != "Queue":
            return
        if message.get("Channel").startswith(OWN_CHANNELS):
            return
        uniqueid = message.get("Uniqueid")
        self._asked[uniqueid] = message.get("AppData").partition(",")[0]
        while len(self._asked) > _MOST_CHANNELS:
            self._asked.popitem(last=False)

    def _status_set(self, message: AmiMessage, moment: Moment, _arrived: float) -> None:
        reason = REFUSALS.get(message.get("Value"))
        uniqueid = message.get("Uniqueid")
        if message.get("Variable") != "QUEUESTATUS" or reason is None or not uniqueid:
            return
        visit = self._life.book.of_caller(uniqueid)
        if visit is not None and visit.queued:
            return  # it says how a visit ended
        attempt = self._refused.pop(uniqueid, 0) + 1
        self._refused[uniqueid] = attempt
        while len(self._refused) > _MOST_CHANNELS:
            self._refused.popitem(last=False)
        self._life.emit(
            CallRefused(
                at=moment.at,
                system=self._life.system,
                uniqueid=uniqueid,
                attempt=attempt,
                queue=self._asked.pop(uniqueid, ""),
                reason=reason,
            )
        )

    def _joined(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        self._asked.pop(message.get("Uniqueid"), None)

    def _gone(self, message: AmiMessage, _moment: Moment, _arrived: float) -> None:
        self._asked.pop(message.get("Uniqueid"), None)
        self._refused.pop(message.get("Uniqueid"), None)
