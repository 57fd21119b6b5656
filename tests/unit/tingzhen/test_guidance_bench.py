"""The bundled calls by their true texts, and sentences kept aside, against what a reader told."""

import pytest
from qa_calls import CALLS
from qa_guidance import guidance
from qa_wordings import KNOWN

from qa_engine.evaluate import read_truth
from tingzhen.guidance_bench import (
    TRUTH,
    Tally,
    add_up,
    calm_kept,
    followed,
    read_guidance_truth,
    scene_of,
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


@pytest.mark.parametrize(
    "sentences",
    [
        WANTED.scenes_tuned,
        WANTED.scenes_tuned_later,
        WANTED.scenes_indirect,
        WANTED.scenes_indirect_later,
    ],
)
def test_the_sentences_that_scenes_were_tuned_with_are_told(sentences):
    total = add_up(tally_scenes(guidance(), sentences))
    assert total.recall >= 0.95
    assert total.precision >= 0.92


def test_calm_sentences_kept_aside_stay_calm():
    calm = calm_kept(tally_scenes(guidance(), WANTED.scenes_held_out))
    assert calm.right == calm.wanted == 24
    for sentences in (WANTED.scenes_indirect, WANTED.scenes_indirect_later):
        beside = calm_kept(tally_scenes(guidance(), sentences))
        assert beside.right >= 0.95 * beside.wanted


def test_feelings_kept_aside_at_first_are_mostly_told():
    aside = add_up(tally_scenes(guidance(), WANTED.scenes_held_out))
    assert aside.recall >= 0.8
    assert aside.precision >= 0.9


def test_topics_of_sentences_kept_aside_are_seldom_wrong():
    tally = tally_topics(guidance(), WANTED.topics_held_out)
    assert tally.precision >= 0.95
    assert tally.recall >= 0.65


def test_what_customers_who_complain_or_lose_their_temper_say_is_no_joy():
    for kind in ("customer_complaint", "customer_anger"):
        told = [scene_of(guidance(), sentence) for sentence in KNOWN[kind, "customer"]]
        assert told
        assert "grateful" not in told
        assert sum(scene != "calm" for scene in told) >= 0.9 * len(told)


def test_a_tally_counts_what_was_wanted_told_and_right():
    tally = Tally()
    tally.count(["a", "b"], ["b", "c"], "call")
    assert (tally.wanted, tally.told, tally.right) == (2, 2, 1)
    assert tally.wrong == ["call: not c", "call: no a"]
    assert Tally().recall == Tally().precision == 1.0
