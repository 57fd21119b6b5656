import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_guidance import guidance

from qa_engine.guidance.base import Wordings
from qa_engine.pack.reading import read_as
from qa_engine.scripts.compiled import compile_scripts
from qa_engine.scripts.models import ScriptsFile
from qa_engine.scripts.slots import fill
from qa_engine.scripts.tracker import GRACE_S, TRANSITIONS, Heard, ScriptTracker, advance
from qa_engine.words import WordIndex

YAML = """\
slots:
  time: {title: 时间, title_en: Time, words: [明天, 后天]}
  place: {title: 地点, title_en: Place, by: agent, words: [三楼]}
  phone: {title: 电话, title_en: Phone, personal: [phone, number], words: [尾号]}
steps:
  greet: {title: 问候, title_en: Greeting, words: [您好], within_s: 10, late: false}
  need: {title: 需求, title_en: Need, by: customer, spoken: 4, once: greet}
  notice: {title: 告知, title_en: Notice, words: [保密], needed_if: [身份证], within_s: 20}
  readback:
    {title: 复述, title_en: Read back, words: [核对], slots: [time, place, phone], some: 2,
     with_words: true, once: need, before: [bye]}
  extra: {title: 其他, title_en: Else, words: [还有别的吗], required: false}
  bye: {title: 再见, title_en: Bye, words: [再见], once: need}
scripts:
  - {id: s, title: 测试, title_en: Test, detail: full,
     steps: [greet, need, notice, readback, extra, bye]}
"""


def compiled(text=YAML):
    words = Wordings()
    source, file, problems = read_as(ScriptsFile, "scripts.yaml", text.encode())
    scripts, slots, wrong = compile_scripts(source, file, [], words)
    assert [*problems, *wrong, *words.problems] == []
    return scripts[""], slots, WordIndex(words.groups)


SCRIPT, SLOTS, INDEX = compiled()


def heard(role, start, text, end=None):
    return Heard(role, start, start + 2 if end is None else end, INDEX.scan(text))


def tracker(*said):
    return ScriptTracker(SCRIPT, SLOTS, said)


def states(tracking):
    return {step.step: step.state for step in tracking.steps()}


GREET = heard("agent", 1, "您好")
NEED = heard("customer", 4, "我想换个时间")


def test_the_first_step_is_due_from_the_start():
    tracking = tracker()
    tracking.tick(0)
    assert states(tracking) == {
        "greet": "due", "need": "open", "readback": "open", "extra": "open", "bye": "open",
    }  # fmt: skip
    assert tracking.next_step() == "greet"


def test_steps_are_ticked_off_and_the_next_is_named():
    tracking = tracker(GREET)
    assert (states(tracking)["greet"], tracking.next_step()) == ("done", "need")
    tracking.hear(NEED)
    assert tracking.next_step() == "readback"
    assert states(tracking)["readback"] == "due"
    assert tracking.steps()[0].at == 3


@pytest.mark.parametrize(
    ("said", "done"),
    [
        (["跟您核对一下，明天三楼"], True),
        (["跟您核对一下，明天", "在三楼"], True),
        (["跟您核对一下，三楼，手机尾号3306"], True),
        (["明天三楼"], False),  # said, but not read back
        (["明天三楼", "跟您核对一下"], False),
        (["跟您核对一下"], False),
        (["跟您核对一下，明天"], False),
    ],
)
def test_a_read_back_needs_its_words_and_enough_of_its_slots_after_them(said, done):
    tracking = tracker(GREET, NEED)
    for number, text in enumerate(said):
        tracking.hear(heard("agent", 10 + 3 * number, text))
    assert (states(tracking)["readback"] == "done") is done


def test_what_the_caller_says_is_no_read_back():
    tracking = tracker(GREET, NEED, heard("agent", 8, "跟您核对一下"))
    tracking.hear(heard("customer", 11, "明天尾号三三零六"))
    assert states(tracking)["readback"] == "due"


def test_the_time_for_a_step_runs_from_the_step_that_it_follows():
    script, slots, index = compiled(
        """\
steps:
  need: {title: 需求, title_en: Need, by: customer, spoken: 4}
  answer: {title: 答复, title_en: Answer, words: [好的], once: need, within_s: 10}
scripts:
  - {id: s, title: 测试, title_en: Test, detail: full, steps: [need, answer]}
"""
    )
    tracking = ScriptTracker(script, slots)
    tracking.tick(29)
    assert [(s.state, s.deadline_s) for s in tracking.steps()] == [("due", None), ("open", None)]
    tracking.hear(Heard("customer", 30, 32, index.scan("我想换个时间")))
    assert tracking.steps()[1].deadline_s == 42
    tracking.tick(42 + GRACE_S - 0.1)
    assert tracking.steps()[1].state == "due"
    tracking.tick(42 + GRACE_S)
    assert tracking.steps()[1].state == "missed"


def test_a_deadline_passes_after_a_grace_for_recognition():
    tracking = tracker()
    tracking.tick(10 + GRACE_S - 0.1)
    assert states(tracking)["greet"] == "due"
    tracking.tick(10 + GRACE_S)
    assert states(tracking)["greet"] == "missed"


def test_a_final_that_comes_late_still_counts_when_the_words_were_in_time():
    tracking = tracker()
    tracking.tick(20)
    tracking.hear(heard("agent", 9.5, "您好", end=12))
    assert states(tracking)["greet"] == "done"


def test_what_may_not_be_late_is_not_done_late():
    tracking = tracker()
    tracking.tick(20)
    tracking.hear(heard("agent", 21, "您好"))
    assert states(tracking)["greet"] == "missed"


def test_what_is_needed_sometimes_has_its_deadline_from_then_on():
    tracking = tracker(GREET, NEED)
    assert "notice" not in states(tracking)
    tracking.hear(heard("agent", 10, "请报身份证"))
    notice = next(s for s in tracking.steps() if s.step == "notice")
    assert (notice.state, notice.deadline_s, notice.required) == ("due", 32, True)
    tracking.tick(32 + GRACE_S)
    assert states(tracking)["notice"] == "missed"
    tracking.hear(heard("agent", 40, "我们会保密"))
    assert states(tracking)["notice"] == "done"  # late, which `at` beside `deadline_s` tells


def test_a_step_that_belongs_before_another_is_missed_when_that_one_is_done():
    tracking = tracker(GREET, NEED, heard("agent", 10, "再见"))
    assert states(tracking)["readback"] == "missed"
    tracking.hear(heard("agent", 13, "等等，跟您核对一下，明天三楼"))
    assert states(tracking)["readback"] == "done"


def test_a_step_waits_for_the_one_that_it_comes_after():
    tracking = tracker(heard("agent", 1, "您好，再见"))
    assert states(tracking)["bye"] == "open"


def test_at_the_end_nothing_is_due_and_what_was_optional_is_no_fault():
    tracking = tracker(GREET, NEED)
    tracking.close()
    assert states(tracking) == {
        "greet": "done", "need": "done", "readback": "missed", "extra": "open", "bye": "missed",
    }  # fmt: skip
    assert tracking.next_step() == ""


def test_a_script_that_begins_later_knows_what_was_said_before():
    said = [GREET, NEED, heard("agent", 9, "跟您核对，明天三楼")]
    step_by_step = tracker()
    for one in said:
        step_by_step.hear(one)
    assert tracker(*said).steps() == step_by_step.steps()


def test_the_transitions_never_take_back_what_was_done():
    assert not [state for state, _ in TRANSITIONS if state == "done"]
    assert advance("done", "passed") == "done"
    assert advance("missed", "turn") == "missed"


@pytest.mark.parametrize(
    ("name", "role", "text", "value"),
    [
        ("time", "customer", "那就下周二上午九点吧", "下周二上午九点"),
        ("time", "agent", "明天下午有号", "明天下午"),
        ("time", "agent", "十二月三号上午", "十二月三号上午"),
        ("time", "agent", "好的", None),
        ("department", "agent", "心内科张主任门诊", "心内科"),
        ("doctor", "agent", "挂张主任的号", "张主任"),
        ("place", "agent", "在门诊楼三楼", "门诊楼"),
        ("place", "customer", "我在三楼", None),
        ("phone", "customer", "我的电话是13812345678", "＊＊＊"),
        ("phone", "customer", "电话＊＊＊＊＊＊＊5678", "＊＊＊"),
        ("phone", "agent", "手机尾号3306", "＊＊＊"),
        ("phone", "customer", "我住三楼", None),
        ("name", "customer", "我叫李明", "＊"),
        ("precautions", "agent", "请您提前半小时到院取号", "提前半小时"),
        ("reply_time", "agent", "会在一个工作日之内给您回电", "一个工作日"),
        ("materials", "agent", "请带身份证原件", "身份证原件"),
    ],
)
def test_slots_are_filled_from_what_was_said_and_personal_data_is_covered(name, role, text, value):
    slot = guidance().slots[name]
    filled = fill(slot, role, guidance().index.scan(text))
    assert filled == value


SAID = st.lists(
    st.tuples(
        st.sampled_from(["agent", "customer"]),
        st.floats(0, 4),
        st.sampled_from(
            [
                "您好",
                "再见",
                "跟您核对",
                "明天三楼",
                "身份证",
                "保密",
                "还有别的吗",
                "我想问问事情",
                "",
            ]
        ),
    ),
    max_size=15,
)


@settings(max_examples=150, deadline=None)
@given(SAID)
def test_a_checklist_is_always_whole(said):
    tracking = tracker()
    clock = 0.0
    done: set[str] = set()
    for role, gap, text in said:
        clock += gap
        tracking.tick(clock)
        tracking.hear(heard(role, clock, text, end=clock + 1))
        clock += 1
        now = states(tracking)
        assert done <= {name for name, state in now.items() if state == "done"}
        done = {name for name, state in now.items() if state == "done"}
        for step in tracking.steps():
            assert (step.at is not None) == (step.state == "done")
        following = tracking.next_step()
        assert following == "" or now[following] == "due"
    tracking.close()
    required = {s.step: s.state for s in tracking.steps() if s.required}
    assert set(required.values()) <= {"done", "missed"}
    assert "due" not in states(tracking).values()
