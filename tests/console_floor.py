"""A hotline in the middle of its day, for pages to show: agents, queues, guidance of calls."""

from __future__ import annotations

from typing import Literal

from console_world import Call, World
from msgspec import structs

from asr.events import AsrHealth
from qa_engine.events import (
    EmotionChanged,
    EmpathyOffered,
    EmpathySentence,
    Evidence,
    ProvisionalAlert,
    RunningScore,
    Scene,
    Score,
    ScoreItem,
    ScriptProgress,
    ScriptStep,
    TopicDetected,
    Trend,
)
from telephony.events import AgentPhase, AgentState, PbxHealth, QueueState, WaitingCaller

BAD = "你自己不会看吗，烦不烦"
QUEUES = ("预约挂号", "投诉建议", "检查预约", "报告查询")
AGENTS: tuple[tuple[str, str, AgentPhase, float, int], ...] = (
    ("1001", "李护士", "talking", 60, 0),
    ("1002", "周敏", "ringing", 3, 0),
    ("1003", "何佳怡", "available", 41, 0),
    ("1004", "陈思远", "wrap_up", 96, 0),
    ("1005", "吴倩", "paused", 410, 0),
    ("1006", "赵凯", "available", 12, 3),
    ("1007", "孙雨桐", "unreachable", 75, 0),
)


async def people(world: World, *, call: Call | None = None) -> None:
    """Seven agents in their states and four queues, one of them over its limit."""
    now = world.clock.time()
    for number, name, state, ago, missed in AGENTS:
        world.bus.emit(
            AgentState(
                at=now,
                system="pbx",
                agent=f"PJSIP/{number}",
                name=name,
                state=state,
                since=now - ago,
                reason="午餐" if state == "paused" else "",
                queues=("预约挂号", "检查预约"),
                call_id=call.id if call is not None and number == "1001" else "",
                missed_in_a_row=missed,
                wrap_up_until=now + 24 if state == "wrap_up" else None,
            )
        )
    for at, queue in enumerate(QUEUES):
        waiting = (
            (WaitingCaller(call_id="waits", position=1, since=now - 42),)
            if queue == "投诉建议"
            else ()
        )
        world.bus.emit(
            QueueState(
                at=now,
                system="pbx",
                queue=queue,
                waiting=waiting,
                longest_since=now - 42 if waiting else None,
                members=5 - at,
                available=2 if at != 1 else 0,
                paused=1,
            )
        )


async def guidance(world: World, call: Call) -> None:
    """What is known of a call while it lasts."""
    now = world.clock.time()
    await world.bus.publish(
        TopicDetected(
            at=now,
            call_id=call.id,
            topic="exam_booking",
            confidence=0.8,
            title="检查预约",
            title_en="Examination booking",
            stable=True,
        )
    )
    world.bus.emit(score(now, call.id, 71.5))
    world.bus.emit(script(now, call.id))
    courses: tuple[tuple[float, Scene, Trend], ...] = (
        (0.1, "calm", "steady"),
        (-0.2, "anxious", "steady"),
        (-0.3, "impatient", "worsening"),
        (-0.7, "angry", "worsening"),
    )
    for value, scene, trend in courses:
        world.bus.emit(
            EmotionChanged(
                at=now, call_id=call.id, role="customer", scene=scene, score=value, trend=trend
            )
        )
    await world.bus.publish(
        EmpathyOffered(
            at=now,
            call_id=call.id,
            scene="angry",
            offer_id=f"{call.name}-offer",
            sentences=(
                EmpathySentence(
                    "a1",
                    "让您等了这么久，换作是我也会着急，真的很抱歉。",
                    "I am sorry you had to wait this long; I would be upset too.",
                ),
                EmpathySentence(
                    "a2",
                    "您说的情况我记下来了，我现在就帮您查。",
                    "I have noted what you said and will look into it right now.",
                ),
            ),
        )
    )


def score(at: float, call_id: str, value: float) -> RunningScore:
    """A running score with a question of each answer."""
    return RunningScore(
        at=at,
        call_id=call_id,
        card="hotline",
        revision="1",
        score=value,
        items=(
            ScoreItem(
                section="opening",
                item="greeting",
                title="开场问候",
                title_en="Opening",
                answer="yes",
                points=10,
                earned=10,
            ),
            ScoreItem(
                section="opening",
                item="verify",
                title="核对身份",
                title_en="Verify identity",
                answer="no",
                points=10,
                earned=0,
            ),
            ScoreItem(
                section="closing",
                item="closing",
                title="结束语",
                title_en="Closing",
                answer="pending",
                points=10,
                earned=0,
            ),
        ),
    )


def final_score(at: float, call: Call) -> Score:
    """What the rules answered at the call's end, by the card of our own pack."""
    answers: tuple[tuple[str, str, str, Literal["yes", "no"], float], ...] = (
        ("flow", "greeting", "开场问候", "yes", 10.0),
        ("flow", "closing", "结束语", "no", 10.0),
        ("service", "language", "服务用语", "no", 20.0),
        ("safety", "privacy", "隐私保护", "yes", 15.0),
    )
    return Score(
        at=at,
        score_id=f"{call.name}-score",
        call_id=call.id,
        queue=call.queue,
        agent=call.agent,
        card="hotline",
        revision="1",
        score=62.5,
        items=tuple(
            ScoreItem(
                section=section,
                item=item,
                title=title,
                title_en=item.capitalize(),
                answer=answer,
                points=points,
                earned=points if answer == "yes" else 0.0,
            )
            for section, item, title, answer, points in answers
        ),
    )


def script(at: float, call_id: str) -> ScriptProgress:
    """A script half way through."""
    return ScriptProgress(
        at=at,
        call_id=call_id,
        script="exam_booking",
        topic="exam_booking",
        title="检查预约",
        title_en="Examination booking",
        next_step="which",
        steps=(
            ScriptStep(step="greet", title="开场问候", title_en="Opening", state="done", at=2.0),
            ScriptStep(step="verify", title="核对身份", title_en="Verify identity", state="missed"),
            ScriptStep(
                step="which",
                title="确认检查项目",
                title_en="Which examination",
                state="due",
                deadline_s=90.0,
                say="请问您要预约的是哪一项检查？开单医生是哪位？",
                say_en="Which examination is it, and which doctor ordered it?",
            ),
            ScriptStep(
                step="prepare",
                title="告知检查准备",
                title_en="Tell how to prepare",
                state="open",
                say="检查前请空腹八小时，带上身份证和检查单。",
                say_en="Please fast for eight hours and bring your ID and the order.",
            ),
            ScriptStep(step="close", title="结束语", title_en="Closing", state="open"),
        ),
    )


def provisional(at: float, call: Call) -> ProvisionalAlert:
    """An alert on what is still being said."""
    return ProvisionalAlert(
        at=at,
        alert_id=f"{call.name}-provisional",
        call_id=call.id,
        queue=call.queue,
        agent=call.agent,
        rule="complaint",
        kind="sensitive",
        severity="high",
        role="customer",
        title="来电人投诉",
        title_en="Caller complains",
        phrase="我要投诉",
        start=20.0,
        end=21.0,
        evidence=Evidence(),
    )


def speaks(world: World, call: Call, alert_id: str) -> None:
    """Tell of what is still being said."""
    spoken = provisional(world.clock.time(), call)
    world.bus.emit(structs.replace(spoken, alert_id=alert_id))


async def a_busy_desk(desk: World) -> tuple[Call, str]:
    """Four calls in different states, one with a taboo phrase and its alert."""
    desk.bus.emit(
        PbxHealth(
            at=desk.clock.time(),
            system="pbx",
            up=True,
            state="up",
            last_event_at=desk.clock.time(),
            reconnects=0,
        )
    )
    desk.bus.emit(
        AsrHealth(
            at=desk.clock.time(),
            node="one",
            ready=True,
            legs=2,
            lag_s=0.4,
            queued=0,
            segments=3,
            partials=9,
            partials_skipped=0,
            redecodes=0,
            audio_s=30.0,
            decode_s=6.0,
        )
    )
    done = Call(desk, "done", queue="投诉建议")
    await done.join(ago=300, caller="02887654321", name="")
    await done.connect(ago=280)
    await done.end(complete=False)
    waiting = Call(desk, "waiting", queue="投诉建议")
    await waiting.join(ago=42, caller="13912345678", name="")
    ringing = Call(desk, "ringing", queue="检查预约")
    ringing.agent = "PJSIP/1002"
    await ringing.join(ago=6, caller="13711112222", name="")
    await ringing.ring(ago=3)
    talking = Call(desk, "talking")
    await talking.join(ago=70)
    await talking.connect(ago=60, wait_s=18.0, rings=4)
    await talking.legs()
    await talking.step("opening", "开场问候", "Opening", "done", 10.0)
    await talking.step("verify", "核对身份", "Verify identity", "missing", 30.0)
    await talking.step("closing", "结束语", "Closing", "pending", None)
    await talking.say("s1", "agent", "您好，市第一医院预约中心，请问有什么可以帮您？", start=1.0)
    await talking.say(
        "s2", "customer", "你好，我想问一下我妈的核磁检查，等了两个星期了还没排上。", start=6.2
    )
    await talking.say("s3", "agent", f"单子上都写了，{BAD}。", start=14.0)
    await talking.hit("s3", f"单子上都写了，{BAD}。", "你自己不会看吗")
    alert = await talking.alert("taboo", segment="s3", phrase="你自己不会看吗")
    await talking.alert(
        "verify",
        severity="medium",
        kind="identity_not_verified",
        title="未核对身份",
        title_en="Identity not verified",
    )
    await talking.alert(
        "suspected",
        severity="low",
        title="敏感词",
        title_en="Sensitive word",
        kind="customer_complaint",
        phrase="投诉",
        suspected=True,
    )
    await talking.say("s4", "customer", "你这是什么态度？我要投诉。", start=19.5)
    await people(desk, call=talking)
    await guidance(desk, talking)
    return talking, alert


async def calls_of_the_past(desk: World) -> Call:
    """Three calls that are over; returns the one with a taboo phrase and its alert."""
    for number, (queue, said) in enumerate(
        (("报告查询", "我想查一下上周的检查报告。"), ("预约挂号", "帮我挂一个消化内科的号。"))
    ):
        call = Call(desk, f"past-{number}", queue=queue)
        await call.join(ago=4000 - number * 600, caller=f"1390000000{number}", name="")
        await call.connect(ago=3990 - number * 600)
        await call.say("s1", "customer", said, start=1.0)
        await call.end()
    bad = Call(desk, "bad", queue="投诉建议")
    await bad.join(ago=120)
    await bad.connect(ago=100)
    await bad.legs()
    await bad.step("opening", "开场问候", "Opening", "done", 10.0)
    await bad.say("s1", "agent", "您好，市第一医院，请问有什么可以帮您？", start=1.0)
    await bad.say("s2", "customer", "我要投诉，等了两个星期还没排上核磁。", start=6.0)
    await bad.say("s3", "agent", f"单子上都写了，{BAD}。", start=22.0)
    await bad.hit("s3", f"单子上都写了，{BAD}。", "你自己不会看吗")
    await bad.alert("taboo", segment="s3", phrase="你自己不会看吗")
    await bad.say("s4", "customer", "你这是什么态度？", start=24.0)
    await bad.say("s5", "agent", "我帮您登记，今天之内给您回电话。", start=40.0)
    await bad.end()
    return bad
