import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_guidance import guidance

from qa_engine.emotion.models import SCENES
from qa_engine.emotion.tracker import Feeling
from qa_engine.empathy.likeness import part_of
from qa_engine.empathy.offers import (
    AGAIN_S,
    LISTEN_FINALS,
    LISTEN_S,
    USED_FROM,
    EmpathyOffers,
    sentence_group,
)
from qa_engine.text import normalise


def feeling(scene):
    return Feeling(scene, -0.5, "steady", 1.0)


def nothing(_group):
    return False


def offers(call="c1"):
    return EmpathyOffers(call, guidance().library)


def test_three_sentences_are_offered_for_the_scene():
    offer = offers().consider(feeling("angry"), "", 10, nothing)
    assert len(offer.sentences) == 3
    assert {s.id[:3] for s in offer.sentences} == {"ang"}


def test_a_calm_caller_is_left_alone():
    assert offers().consider(feeling("calm"), "", 10, nothing) is None


def test_the_same_scene_is_not_offered_again_at_once_but_another_is():
    making = offers()
    assert making.consider(feeling("angry"), "", 10, nothing)
    assert making.consider(feeling("angry"), "", 10 + AGAIN_S - 1, nothing) is None
    assert making.consider(feeling("afraid"), "", 12, nothing)
    assert making.consider(feeling("angry"), "", 10 + AGAIN_S, nothing)


@pytest.mark.parametrize("scene", SCENES)
def test_no_sentence_comes_twice_in_a_call_and_the_library_runs_out_quietly(scene):
    making, shown = offers(), []
    for number in range(20):
        offer = making.consider(feeling(scene), "", number * AGAIN_S, nothing)
        shown += [s.id for s in offer.sentences] if offer else []
    assert len(shown) == len(set(shown)) >= 4


def test_a_sentence_for_another_topic_is_not_offered():
    making, shown = offers(), []
    for number in range(20):
        offer = making.consider(feeling("anxious"), "parking", number * AGAIN_S, nothing)
        shown += [s.id for s in offer.sentences] if offer else []
    assert not set(shown) & {"anx09", "anx10", "anx11", "anx12"}


def test_what_answers_the_callers_words_and_topic_comes_first():
    def of_charges(group):
        return group == sentence_group("ang08")

    offer = offers().consider(feeling("angry"), "complaint", 10, of_charges)
    assert offer.sentences[0].id == "ang08"
    report = offers().consider(feeling("anxious"), "report_query", 10, nothing)
    assert report.sentences[0].id == "anx10"


def test_calls_differ_in_what_they_are_offered_and_one_call_does_not():
    def first(call):
        return tuple(
            s.id for s in offers(call).consider(feeling("angry"), "", 1, nothing).sentences
        )

    assert first("c1") == first("c1")
    assert len({first(f"c{number}") for number in range(8)}) > 3


SORRY = "遇到这样的事，您生气是应该的，我先向您道歉。"
TROUBLE = "给您添了这么大的麻烦，真的对不起，您慢慢说，我都记下来。"
WAITED = "让您久等了，我直接说结果。"
SAID = [
    (SORRY, "遇到这样的事您生气是应该的我先向您道歉", True),
    (SORRY, "嗯，遇到这种事您生气是应该的，我先跟您道个歉，您请说", True),
    (TROUBLE, "给您添了这么大麻烦真的对不起，您慢慢说我记下来", True),
    (WAITED, "让你久等了，我直接说结果，您的报告已经出来了", True),
    (WAITED, "让您久等了，我只接说结果", True),
    ("您先坐下来，深吸一口气，我在电话这头陪着您。", "您先坐下来深吸一口气", True),
    ("听得出来您很着急，我马上帮您看，先从最要紧的开始。", "请您告诉我卡号我现在就登记", False),
    (SORRY, "没人接我也没办法你自己看着办吧", False),
    (SORRY, "非常抱歉给您带来不好的体验，请您告诉我就诊卡号", False),
    (WAITED, "请您稍等", False),
    ("能帮到您，我也很高兴。", "不客气，请您提前半小时到院取号", False),
    ("您太客气了，这是我应该做的。", "感谢您的来电祝您身体健康再见", False),
]


@pytest.mark.parametrize(("sentence", "said", "used"), SAID)
def test_a_sentence_is_used_when_most_of_it_was_said(sentence, said, used):
    likeness = part_of(normalise(sentence).text, normalise(said).text)
    assert (likeness >= USED_FROM) is used, likeness


def test_a_used_sentence_is_told_once_and_settles_the_offer():
    making = offers()
    offer = making.consider(feeling("angry"), "", 10, nothing)
    said = normalise(offer.sentences[2].zh).text
    uses = making.hear("嗯" + said, 12)
    assert [(u.sentence_id, u.offer_id) for u in uses] == [(offer.sentences[2].id, offer.offer_id)]
    assert making.hear(said, 15) == []
    assert making.close() == []


def test_what_was_begun_before_the_offer_does_not_count():
    making = offers()
    offer = making.consider(feeling("angry"), "", 10, nothing)
    assert making.hear(normalise(offer.sentences[0].zh).text, 9) == []


@pytest.mark.parametrize("how", ["time", "finals", "end"])
def test_an_offer_that_nobody_takes_up_is_ignored(how):
    making = offers()
    making.consider(feeling("angry"), "", 10, nothing)
    assert making.tick(10 + LISTEN_S - 1) == []
    told = []
    if how == "time":
        told = making.tick(10 + LISTEN_S)
    elif how == "finals":
        for number in range(LISTEN_FINALS):
            told += making.hear("我查一下", 11 + number)
    else:
        told = making.close()
    assert [use.sentence_id for use in told] == [""]


def test_an_offer_that_is_told_again_after_a_restart_is_the_same():
    making = offers()
    offer = making.consider(feeling("angry"), "", 10, nothing)
    making.restore(offer)
    assert len(making.close()) == 1
    again = offers()
    again.restore(offer)
    second = again.consider(feeling("angry"), "", 10 + AGAIN_S, nothing)
    assert not {s.id for s in second.sentences} & {s.id for s in offer.sentences}
    assert second.offer_id != offer.offer_id


@given(st.text(max_size=30), st.text(max_size=60))
def test_likeness_is_a_share(sentence, said):
    assert 0 <= part_of(sentence, said) <= 1


@settings(max_examples=50)
@given(st.lists(st.tuples(st.sampled_from(SCENES), st.floats(0, 60), st.booleans()), max_size=12))
def test_each_offer_ends_in_exactly_one_way(moments):
    making, made, ended, clock = offers(), [], [], 0.0
    for scene, gap, speaks in moments:
        clock += gap
        ended += making.tick(clock)
        offer = making.consider(feeling(scene), "", clock, nothing)
        if offer:
            made.append(offer.offer_id)
        if offer and speaks:
            ended += making.hear(normalise(offer.sentences[0].zh).text, clock + 1)
    ended += making.close()
    assert sorted(use.offer_id for use in ended) == sorted(made)
