"""Made-up events for the metrics' tests: calls of every outcome, legs, transcripts, alerts."""

from __future__ import annotations

from typing import Any

from asr.events import AsrHealth, TranscriptFinal
from backbone.events import Event
from backbone.media import LegClosed, LegOpened
from metrics.board import Row
from metrics.figures import figures
from metrics.history import KpiReport
from metrics.tally import Conventions, Tally, Visit
from qa_engine.events import (
    Alert,
    AlertAcknowledged,
    AlertShown,
    ComplianceStep,
    Evidence,
    RulesLoaded,
)
from telephony.events import (
    AgentState,
    CallConnected,
    CallEnded,
    CallJoined,
    CallRecord,
    CallRefused,
    PbxHealth,
    QueueState,
    RingEnded,
    TapHealth,
)

# What must never be seen outside the store.
CALLER = "13800138000"
CALLER_NAME = "张三丰"
AGENT_NAME = "李护士长"
SPOKEN = "我的身份证号是"


def joined(call: str, *, queue: str = "support", at: float = 1000.0, **more: Any) -> CallJoined:
    return CallJoined(
        at=at,
        call_id=call,
        system="pbx",
        uniqueid=f"{call}.1",
        linkedid=f"{call}.1",
        visit=1,
        queue=queue,
        caller=CALLER,
        caller_name=CALLER_NAME,
        position=1,
        **more,
    )


def rang(
    call: str, *, queue: str = "support", result: Any = "answered", ring_s: float | None = 6.0
) -> RingEnded:
    return RingEnded(
        at=1006.0,
        call_id=call,
        queue=queue,
        agent="PJSIP/1001",
        attempt_id=f"{call}.2",
        ring_s=ring_s,
        rings=2,
        result=result,
    )


def connected(
    call: str,
    *,
    queue: str = "support",
    at: float = 1008.0,
    wait_s: float | None = 8.0,
    ring_s: float | None = 6.0,
    rings: int | None = 2,
    resumed: bool = False,
    heard_at: float | None = None,
) -> CallConnected:
    return CallConnected(
        at=at,
        call_id=call,
        system="pbx",
        uniqueid=f"{call}.1",
        channel="PJSIP/trunk-1",
        queue=queue,
        agent="PJSIP/1001",
        agent_name=AGENT_NAME,
        wait_s=wait_s,
        ring_s=ring_s,
        rings=rings,
        resumed=resumed,
        heard_at=heard_at,
    )


def record(call: str, **more: Any) -> CallRecord:
    values: dict[str, Any] = {
        "call_id": call,
        "system": "pbx",
        "uniqueid": f"{call}.1",
        "linkedid": f"{call}.1",
        "visit": 1,
        "queue": "support",
        "caller": CALLER,
        "caller_name": CALLER_NAME,
        "agent": "PJSIP/1001",
        "outcome": "answered",
        "joined_at": 1000.0,
        "answered_at": 1008.0,
        "ended_at": 1100.0,
        "wait_s": 8.0,
        "ring_s": 6.0,
        "rings": 2,
        "talk_s": 92.0,
        "hold_s": 10.0,
        "transfers": 0,
        "hangup_by": "customer",
        "hangup_cause": 16,
        "unanswered": (),
        "complete": True,
    }
    if more.get("outcome", "answered") != "answered":
        values |= {"agent": "", "answered_at": None, "ring_s": None, "rings": None, "talk_s": None}
    return CallRecord(**(values | more))


def ended(call: str, **more: Any) -> CallEnded:
    return CallEnded(at=1100.0, call_id=call, record=record(call, **more))


def leg_opened(call: str, role: Any, leg: str = "") -> LegOpened:
    return LegOpened(
        at=1008.1, call_id=call, leg_id=leg or f"{call}-{role}", role=role, rate=8000, offset_s=0.0
    )


def leg_closed(call: str, role: Any, *, complete: bool = True, reason: str = "") -> LegClosed:
    return LegClosed(
        at=1100.0,
        call_id=call,
        leg_id=f"{call}-{role}",
        role=role,
        samples=8000,
        complete=complete,
        reason=reason,
    )


def final(call: str, *, lag_s: float = 0.8, unintelligible: bool = False) -> TranscriptFinal:
    return TranscriptFinal(
        at=1020.0,
        call_id=call,
        role="customer",
        leg_id=f"{call}-customer",
        segment_id=f"{call}-1",
        start=1.0,
        end=3.0,
        text=SPOKEN,
        language="zh",
        confidence=0.9,
        level_db=-20.0,
        lag_s=lag_s,
        decode_s=0.3,
        unintelligible=unintelligible,
    )


def alert(
    name: str,
    *,
    kind: str = "taboo_phrase",
    severity: Any = "high",
    at: float = 1021.0,
    call: str = "c1",
) -> Alert:
    return Alert(
        at=at,
        alert_id=name,
        call_id=call,
        queue="support",
        agent="PJSIP/1001",
        rule="taboo-1",
        kind=kind,
        severity=severity,
        role="agent",
        title="服务禁语",
        title_en="Taboo phrase",
        phrase=SPOKEN,
        start=1.0,
        end=3.0,
        suspected=False,
        evidence=Evidence(segment_id=f"{call}-1", text=SPOKEN),
    )


def acknowledged(name: str, *, at: float = 1033.0) -> AlertAcknowledged:
    return AlertAcknowledged(at=at, alert_id=name, call_id="c1", by="lead")


def step(name: str = "greeting", state: Any = "done") -> ComplianceStep:
    return ComplianceStep(
        at=1012.0, call_id="c1", step=name, title="问候", title_en="Greeting", state=state, due=10.0
    )


def rules(*, error: str = "", number: int = 40) -> RulesLoaded:
    return RulesLoaded(at=900.0, pack="hospital", version="1", rules=number, error=error)


def asr_health(scale: int = 1, *, lag_s: float = 0.4) -> AsrHealth:
    return AsrHealth(
        at=1020.0,
        node="node-1",
        ready=True,
        legs=2,
        lag_s=lag_s,
        queued=3,
        segments=10 * scale,
        partials=40 * scale,
        partials_skipped=4 * scale,
        redecodes=2 * scale,
        audio_s=50.0 * scale,
        decode_s=10.0 * scale,
        late=1 * scale,
        ahead=6 * scale,
        ahead_wasted=2 * scale,
        workers_replaced=1 * scale,
    )


def pbx_health(*, up: bool = True, last_event_at: float | None = 1019.0) -> PbxHealth:
    return PbxHealth(
        at=1020.0,
        system="pbx",
        up=up,
        state="up" if up else "lost",
        last_event_at=last_event_at,
        reconnects=2,
    )


def tap_health(*, up: bool = True, lost_s: float = 0.0) -> TapHealth:
    return TapHealth(at=1020.0, system="pbx", up=up, legs=2, lost_s=lost_s)


def round_of_calls(number: int, now: float) -> list[Event]:
    """A scripted stretch of work: answered, abandoned, judged, alerted; ids from `number`."""
    a, b, c = f"a{number}", f"b{number}", f"c{number}"
    return [
        rules(),
        pbx_health(last_event_at=now),
        tap_health(lost_s=number * 0.5),
        agent_state("PJSIP/1001", "talking"),
        agent_state("PJSIP/1002", "available"),
        queue_state(),
        refused(number),
        asr_health(number + 1),
        joined(a, at=now - 60),
        rang(a),
        connected(a, at=now - 52, heard_at=now - 52),
        leg_opened(a, "agent"),
        leg_opened(a, "customer"),
        final(a),
        step("greeting", "done"),
        step("closing", "missing"),
        alert(f"alert-{number}-1", at=now - 48, call=a),
        alert(f"alert-{number}-2", kind="red_line", severity="critical", at=now - 40),
        AlertShown(at=now - 47, alert_id=f"alert-{number}-1", call_id=a, provisional=False, end=3),
        acknowledged(f"alert-{number}-1", at=now - 30),
        leg_closed(a, "customer", complete=False, reason="media_server_stopped"),
        leg_closed(a, "agent"),
        ended(a, joined_at=now - 60, ended_at=now),
        joined(b, at=now - 30),
        ended(
            b,
            outcome="abandoned",
            joined_at=now - 30,
            wait_s=20.0,
            complete=False,
            incomplete_reason="ami_gap",
        ),
        joined(c, at=now - 5),
    ]


def day_report(now: float) -> KpiReport:
    """Today's totals as the store would read them: one call answered, one given up."""
    tally = Tally()
    for number, outcome in enumerate(("answered", "abandoned")):
        answered = outcome == "answered"
        tally.add_visit(
            Visit(
                call_id=f"{number}",
                queue="support",
                agent="PJSIP/1001" if answered else "",
                caller=CALLER,
                channel=f"{number}",
                first=True,
                at=now,
                outcome=outcome,  # type: ignore[arg-type]  # mypy sees a str
                wait_s=8.0 if answered else 20.0,
                rings=2 if answered else None,
                talk_s=92.0 if answered else None,
                hold_s=0.0,
                wrap_up_s=10.0 if answered else None,
                transferred=False,
            ),
            Conventions(),
        )
    tally.add({"talk_state_s": 60.0, "idle_s": 40.0, "rated": 10, "satisfied": 9})
    tally.add({"unanswered_known": 1, "called_back": 1, "acknowledged": 1})
    tally.add({"script_required": 10, "script_done": 9, "legs_closed": 2, "legs_complete": 2})
    kpis = figures(tally)
    return KpiReport(
        period="day",
        label="2026-11-22",
        start=now - 3600,
        end=now + 3600,
        time_zone="Asia/Shanghai",
        read_at=now,
        total=kpis,
        by={"queue": (Row(key="support", kpis=kpis),)},
    )


def agent_state(agent: str = "PJSIP/1001", state: Any = "available") -> AgentState:
    return AgentState(at=1000.0, system="pbx", agent=agent, name=AGENT_NAME, state=state, since=1.0)


def queue_state(*, system: str = "pbx", members: int = 3, available: int = 2) -> QueueState:
    return QueueState(
        at=1000.0,
        system=system,
        queue="support",
        waiting=(),
        longest_since=None,
        members=members,
        available=available,
        paused=1,
    )


def refused(number: int = 1) -> CallRefused:
    return CallRefused(
        at=1000.0, system="pbx", uniqueid="r.1", attempt=number, queue="support", reason="full"
    )
