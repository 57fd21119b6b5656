"""The bundled calls by their true texts, and sentences kept aside, against what a reader told."""

import pytest
from qa_calls import CALLS
from qa_guidance import guidance

from qa_engine.evaluate import read_truth
from tingzhen.guidance_bench import (
    TRUTH,
    Tally,
    followed,
    read_guidance_truth,
    tally_calls,
    tally_scenes,
    tally_topics,
)

TRUTHS = {path.stem: read_truth(path.read_bytes()) for path in sorted(CALLS.glob("c??.json"))}
WANTED = read_guidance_truth(TRUTH)


@pytest.mark.parametrize("call", sorted(TRUTHS))
def test_topic_and_steps_of_a_bundled_call_are_those_that_a_reader_told(call):
    topic, steps, _ = followed(guidance(), TRUTHS[call])
    wanted = WANTED.calls[call]
    assert topic == wanted.topic
    assert {s.step for s in steps if s.state == "done"} == set(wanted.done)
    assert {s.step for s in steps if s.state == "missed"} == set(wanted.missed)


def test_the_read_back_of_the_first_call_has_its_slots():
    _, steps, _ = followed(guidance(), TRUTHS["c01"])
    readback = next(step for step in steps if step.step == "readback")
    assert {slot.slot: slot.value for slot in readback.slots} == {
        "time": "下周二上午九点", "department": "心内科", "doctor": "张主任", "phone": "＊＊＊",
    }  # fmt: skip


def test_scenes_of_the_bundled_calls_are_mostly_those_that_a_reader_told():
    scenes = tally_calls(guidance(), TRUTHS.values(), WANTED.calls).scenes
    assert scenes.recall >= 0.9
    assert scenes.precision >= 0.9


def test_compliant_calls_miss_no_step():
    for call in ("c01", "c03", "c04", "c05", "c09"):
        _, steps, _ = followed(guidance(), TRUTHS[call])
        assert not [step.step for step in steps if step.state == "missed"]


def test_scenes_of_sentences_kept_aside_are_seldom_wrong_and_calm_ones_stay_calm():
    tallies = tally_scenes(guidance(), WANTED.scenes_held_out)
    calm = tallies.pop("calm")
    assert calm.right == calm.wanted == 24
    right, told = sum(t.right for t in tallies.values()), sum(t.told for t in tallies.values())
    assert right / told >= 0.9
    assert right / sum(t.wanted for t in tallies.values()) >= 0.55


def test_topics_of_sentences_kept_aside_are_seldom_wrong():
    tally = tally_topics(guidance(), WANTED.topics_held_out)
    assert tally.precision >= 0.9
    assert tally.recall >= 0.7


def test_a_tally_counts_what_was_wanted_told_and_right():
    tally = Tally()
    tally.count(["a", "b"], ["b", "c"], "call")
    assert (tally.wanted, tally.told, tally.right) == (2, 2, 1)
    assert tally.wrong == ["call: not c", "call: no a"]
    assert Tally().recall == Tally().precision == 1.0
