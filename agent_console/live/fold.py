"""What each event makes of a call: a table of its states and a handler for each class of event."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from typing import Any

from agent_console.live.guidance import (
    EmotionView,
    EmpathyView,
    ScoreView,
    ScriptView,
    TopicView,
)
from agent_console.live.views import (
    CallState,
    CallView,
    HitView,
    LegView,
    RingView,
    StepView,
    TurnView,
)
from agent_console.privacy import mask_name, mask_number
from asr.events import SpeechStarted, SpeechStopped, TranscriptFinal, TranscriptPartial
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from qa_engine.events import (
    ComplianceStep,
    EmotionChanged,
    EmpathyOffered,
    EmpathyUsed,
    Hit,
    RuleMuted,
    RunningScore,
    Score,
    ScriptFinished,
    ScriptProgress,
    TopicDetected,
)
from telephony.events import (
    CallConnected,
    CallEnded,
    CallHeld,
    CallJoined,
    CallResumed,
    CallTransferred,
    RingEnded,
    RingStarted,
)

# How a call moves on the page. What is not listed leaves the state as it is: an event that comes
# late or twice must not bring an ended call back to life.
TRANSITIONS: dict[tuple[CallState, type[Event]], CallState] = {
    ("waiting", RingStarted): "ringing",
    ("waiting", CallConnected): "talking",
    ("waiting", CallEnded): "ended",
    ("ringing", RingEnded): "waiting",  # unless another phone still rings
    ("ringing", CallConnected): "talking",
    ("ringing", CallEnded): "ended",
    ("talking", CallHeld): "held",
    ("talking", CallEnded): "ended",
    ("held", CallResumed): "talking",
    ("held", CallEnded): "ended",
}


def take_in(call: CallView, event: Event) -> None:
    """Change a call by an event; one that does not concern calls changes nothing."""
    handler = _HANDLERS.get(type(event))
    if handler is not None:
        handler(call, event)
    following = TRANSITIONS.get((call.state, type(event)))
    if following == "waiting" and any(not ring.result for ring in call.ringing):
        following = None
    if following is not None:
        call.state = following


def joined(event: CallJoined) -> CallView:
    """A call that has just come into its queue."""
    return CallView(
        call_id=event.call_id,
        queue=event.queue,
        caller=mask_number(event.caller),
        caller_name=mask_name(event.caller_name),
        joined_at=event.at,
        position=event.position,
        visit=event.visit,
    )


def unseen(event: CallConnected) -> CallView:
    """A call whose coming was not seen."""
    waited = event.wait_s or 0.0
    return CallView(event.call_id, event.queue, "", "", event.at - waited)


def _ring_started(call: CallView, event: RingStarted) -> None:
    if call.state in {"waiting", "ringing"} and all(
        ring.attempt_id != event.attempt_id for ring in call.ringing
    ):
        call.ringing.append(RingView.of(event))


def _ring_ended(call: CallView, event: RingEnded) -> None:
    for ring in call.ringing:
        if ring.attempt_id == event.attempt_id:
            ring.ring_s, ring.rings, ring.result = event.ring_s, event.rings, event.result


def _connected(call: CallView, event: CallConnected) -> None:
    if call.state == "ended":
        return
    call.agent, call.agent_name = event.agent, event.agent_name
    call.connected_at = event.at
    call.wait_s, call.ring_s, call.rings = event.wait_s, event.ring_s, event.rings


def _held(call: CallView, event: CallHeld) -> None:
    if call.state == "talking":
        call.held_at = event.at


def _resumed(call: CallView, event: CallResumed) -> None:
    if call.state == "held":
        call.held_at = None
        call.hold_s += event.held_s


def _transferred(call: CallView, event: CallTransferred) -> None:
    call.transferred_to = event.to


def _ended(call: CallView, event: CallEnded) -> None:
    call.end(event.record)


def _leg_opened(call: CallView, event: LegOpened) -> None:
    if all(leg.leg_id != event.leg_id for leg in call.legs):
        call.legs.append(LegView.of(event))


def _leg_closed(call: CallView, event: LegClosed) -> None:
    for leg in call.legs:
        if leg.leg_id == event.leg_id:
            leg.close(event)
    if event.role in call.speaking:
        call.speaking.remove(event.role)


def _speech_started(call: CallView, event: SpeechStarted) -> None:
    if event.role not in call.speaking and call.state != "ended":
        call.speaking.append(event.role)


def _speech_stopped(call: CallView, event: SpeechStopped) -> None:
    if event.role in call.speaking:
        call.speaking.remove(event.role)


def _transcript(call: CallView, event: TranscriptPartial | TranscriptFinal) -> None:
    turn = TurnView.of(event)
    for index, known in enumerate(call.turns):
        if known.segment_id == turn.segment_id:
            if known.final or (not turn.final and turn.revision < known.revision):
                return
            del call.turns[index]
            break
    insort(call.turns, turn, key=lambda turn: (turn.start, turn.end))


def _hit(call: CallView, event: Hit) -> None:
    if all(hit.hit_id != event.hit_id for hit in call.hits):
        call.hits.append(HitView.of(event))


def _step(call: CallView, event: ComplianceStep) -> None:
    view = StepView.of(event)
    for index, step in enumerate(call.steps):
        if step.step == view.step:
            call.steps[index] = view
            return
    call.steps.append(view)


def _score(call: CallView, event: RunningScore | Score) -> None:
    if isinstance(event, RunningScore) and call.score is not None and call.score.final:
        return
    call.score = ScoreView.of(event)


def _topic(call: CallView, event: TopicDetected) -> None:
    call.topic = TopicView.of(event)


def _script(call: CallView, event: ScriptProgress | ScriptFinished) -> None:
    if isinstance(event, ScriptProgress) and call.script is not None and call.script.finished:
        return
    call.script = ScriptView.of(event)


def _emotion(call: CallView, event: EmotionChanged) -> None:
    call.emotions = [e for e in call.emotions if e.role != event.role] + [EmotionView.of(event)]


def _offered(call: CallView, event: EmpathyOffered) -> None:
    if all(offer.offer_id != event.offer_id for offer in call.empathy):
        call.empathy.append(EmpathyView.of(event))


def _used(call: CallView, event: EmpathyUsed) -> None:
    for offer in call.empathy:
        if offer.offer_id == event.offer_id:
            offer.used, offer.sentence_id = event.used, event.sentence_id


def _muted(call: CallView, event: RuleMuted) -> None:
    others = [rule for rule in call.muted_rules if rule != event.rule]
    call.muted_rules = [*others, event.rule] if event.muted else others


_HANDLERS: dict[type[Event], Callable[[CallView, Any], None]] = {
    RingStarted: _ring_started,
    RingEnded: _ring_ended,
    CallConnected: _connected,
    CallHeld: _held,
    CallResumed: _resumed,
    CallTransferred: _transferred,
    CallEnded: _ended,
    LegOpened: _leg_opened,
    LegClosed: _leg_closed,
    SpeechStarted: _speech_started,
    SpeechStopped: _speech_stopped,
    TranscriptPartial: _transcript,
    TranscriptFinal: _transcript,
    Hit: _hit,
    ComplianceStep: _step,
    RunningScore: _score,
    Score: _score,
    TopicDetected: _topic,
    ScriptProgress: _script,
    ScriptFinished: _script,
    EmotionChanged: _emotion,
    EmpathyOffered: _offered,
    EmpathyUsed: _used,
    RuleMuted: _muted,
}
