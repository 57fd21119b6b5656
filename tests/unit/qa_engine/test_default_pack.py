"""The pack for Chinese hospitals: the scripted calls, wordings of all kinds, and look-alikes.

`phrases` is the pack without the meanings that it learns from these very sentences.
"""

import random
from pathlib import Path

import pytest
from pypinyin import lazy_pinyin
from qa_calls import CALLS, dialogue, play, utterances
from qa_development import ORDINARY, SAID
from qa_wordings import KNOWN, LOOK_ALIKES, by_phrases, taught

from qa_engine.evaluate import evaluate, read_truth
from qa_engine.events import Alert, Hit
from qa_engine.kinds import class_of
from qa_engine.pack import DEFAULT_PACK, load
from tingzhen.wordings_bench import GRAVE, find_wordings, read_wordings

WORDINGS = Path(__file__).parents[2] / "data" / "wordings"
TRUTHS = [read_truth(path.read_bytes()) for path in sorted(CALLS.glob("c??.json"))]
_FRAME = {"missing_greeting", "missing_closing"}


@pytest.fixture(scope="module")
def pack():
    return load(DEFAULT_PACK)


@pytest.fixture(scope="module")
def phrases(pack):
    return by_phrases(pack)


def hits(pack, role, text):
    """What is found in one sentence in the middle of a call."""
    other = "customer" if role == "agent" else "agent"
    finals = dialogue((other, "您说一下。"), (role, text))
    verdicts = play(pack, finals, finals[-1].end + 3)
    return [v for v in verdicts if isinstance(v, Hit) and v.role == role and v.kind not in _FRAME]


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.id)
def test_scripted_calls_as_written(pack, truth):
    verdicts = play(pack, list(utterances(truth)), truth.duration)
    found = [v for v in verdicts if isinstance(v, Hit)]
    result = evaluate(truth, found)
    assert result.missed == []
    assert result.wrong == []
    assert result.forbidden == []
    if truth.agent_compliant:
        alerts = [v for v in verdicts if isinstance(v, Alert)]
        assert [a for a in alerts if class_of(a.kind, a.role) == "violation"] == []


@pytest.mark.parametrize(("kind", "role"), KNOWN)
def test_known_wordings_are_found(phrases, kind, role):
    for text in KNOWN[kind, role]:
        assert kind in {hit.kind for hit in hits(phrases, role, text)}, text


@pytest.mark.parametrize(("kind", "role"), SAID)
def test_most_of_what_was_calibrated_on_is_found(pack, kind, role):
    texts = SAID[kind, role]
    found = [text for text in texts if kind in {hit.kind for hit in hits(pack, role, text)}]
    assert len(found) >= 0.9 * len(texts)


@pytest.mark.parametrize("role", ORDINARY)
def test_ordinary_talk_is_silent(pack, role):
    wrong = [
        text
        for text in ORDINARY[role]
        if any(class_of(h.kind, role) in {"violation", "risk"} for h in hits(pack, role, text))
    ]
    assert len(wrong) <= 0.02 * len(ORDINARY[role]), wrong


@pytest.mark.parametrize(
    ("role", "said", "suspected"),
    [
        ("agent", ("请讲", "我们保正给您制好", "您什么时候来"), True),
        ("agent", ("我们用的是祖传秘方", "我们保正给您制好", "您什么时候来"), False),
        ("agent", ("请讲", "我们保正给您制好", "不过不能保证，效果因人而异"), None),
        ("agent", ("请讲", "这个不贵我管", "您什么时候来"), True),
        ("agent", ("请讲", "这个不贵我管", "我帮您转过去"), None),
        ("agent", ("请讲", "你这就是危炎", "电话里不能诊断，要医生面诊"), None),
        ("customer", ("你好", "他混迷了", "你听到了吗"), True),
        ("customer", ("喊他也没反应", "他混迷了", "你听到了吗"), False),
        ("customer", ("我站在楼顶", "活着没有医死", "你听到了吗"), False),
    ],
)
def test_words_heard_by_sound_are_settled_by_what_is_said_around_them(pack, role, said, suspected):
    lines = dialogue(*((role, text) for text in said))
    found = [
        verdict
        for verdict in play(pack, lines, lines[-1].end + 10)
        if isinstance(verdict, Hit)
        and verdict.evidence.segment_id == lines[1].segment_id
        and class_of(verdict.kind, role) in {"violation", "risk"}
        and verdict.kind not in {"emergency_not_directed", "emergency_left_alone"}
    ]
    assert [hit.suspected for hit in found] == ([] if suspected is None else [suspected])


def test_calls_in_english(pack):
    english = find_wordings(pack, read_wordings(WORDINGS / "english.yaml"))
    assert english.total().recall >= 0.95
    assert english.total(GRAVE).recall == 1
    assert len({sentence for _, sentence in english.wrong}) <= 0.02 * english.ordinary


def test_wordings_kept_aside(pack, phrases):
    # Free speech has more wordings than any list: these are floors under what was measured.
    aside = read_wordings(WORDINGS / "held_out.yaml")
    assert find_wordings(phrases, aside).total().recall >= 0.75
    assert find_wordings(phrases, aside).total(GRAVE).recall >= 0.8
    assert find_wordings(pack, aside).total().recall >= 0.9
    assert find_wordings(pack, aside).total(GRAVE).recall >= 0.9


@pytest.mark.parametrize(
    ("name", "recall", "wrong"),
    [
        ("fresh", 0.95, 0.03),
        ("situations", 0.97, 0.01),
        ("colloquial_callers", 0.97, 0.03),
        ("colloquial_agents", 0.95, 0.02),
        ("hotline_1", 0.97, 0.04),
        ("hotline_2", 0.97, 0.04),
        ("hotline_3", 0.97, 0.04),
        ("hotline_4", 0.97, 0.04),
        ("hotline_5", 0.97, 0.05),
        ("hotline_6", 0.97, 0.04),
        ("hotline_7", 0.97, 0.05),
    ],
)
def test_what_phrases_were_widened_with_is_heard_and_what_only_sounds_like_it_is_not(
    phrases, name, recall, wrong
):
    result = find_wordings(phrases, taught(name))
    assert result.total().recall >= recall
    assert result.total(GRAVE).recall >= recall
    assert len({sentence for _, sentence in result.wrong}) <= wrong * result.ordinary


def test_talk_from_whole_ordinary_calls_is_silent(phrases):
    calls = find_wordings(phrases, taught("calls"))
    # Some of these callers are annoyed, and well treated.
    assert calls.ordinary > 0
    assert len({sentence for _, sentence in calls.wrong}) <= 0.015 * calls.ordinary


@pytest.mark.parametrize("role", LOOK_ALIKES)
def test_look_alikes_are_silent(phrases, role):
    for text in LOOK_ALIKES[role]:
        found = [
            h for h in hits(phrases, role, text) if class_of(h.kind, role) in {"violation", "risk"}
        ]
        assert found == [], text


_HOMOPHONES = (
    "不部布步归规管馆惯知只之制道到稻办半伴法发包宝保证正政治致制好号没每美有又友用永勇复付副"
)


def _misheard(text, seed):
    """One character in five written as another that sounds the same, as a recogniser does."""
    chance = random.Random(seed)
    alike = {}
    for char in _HOMOPHONES:
        alike.setdefault(lazy_pinyin(char)[0], []).append(char)
    return "".join(
        chance.choice(alike.get(lazy_pinyin(char)[0], [char])) if chance.random() < 0.2 else char
        for char in text
    )


def test_sound_wins_back_what_was_written_with_other_characters(phrases):
    texts = [
        (kind, role, _misheard(text, seed))
        for (kind, role), group in KNOWN.items()
        if role == "agent" and class_of(kind, role) == "violation"
        for seed, text in enumerate(group)
    ]
    found = [[h for h in hits(phrases, role, text) if h.kind == kind] for kind, role, text in texts]
    by_sound = sum(bool(group) for group in found)
    by_character = sum(any(not h.suspected for h in group) for group in found)
    assert by_sound > by_character
    assert by_sound / len(texts) >= 0.9


@pytest.mark.parametrize("role", LOOK_ALIKES)
def test_misheard_look_alikes_stay_silent(pack, role):
    wrong = [
        text
        for seed, clean in enumerate(LOOK_ALIKES[role])
        for text in [_misheard(clean, seed)]
        if any(class_of(h.kind, role) in {"violation", "risk"} for h in hits(pack, role, text))
    ]
    assert len(wrong) <= 0.05 * len(LOOK_ALIKES[role]), wrong


def test_what_people_read_is_in_both_languages(pack):
    for rule in pack.rules:
        assert rule.title
        assert rule.title_en.isascii()
        if rule.alerts:
            assert rule.advice
            assert rule.advice_en.isascii()
            assert bool(rule.advice_after) == bool(rule.advice_after_en)
            assert rule.advice_after_en.isascii()


@pytest.mark.parametrize("needs_the_call", ["耳语", "强插", "监听", "接手", "Whisper", "Listen"])
def test_what_is_advised_for_afterwards_needs_no_call(pack, needs_the_call):
    assert any(needs_the_call in rule.advice + rule.advice_en for rule in pack.rules)
    told = [rule.advice_after + rule.advice_after_en for rule in pack.rules if rule.advice_after]
    assert told
    assert not [text for text in told if needs_the_call in text]
