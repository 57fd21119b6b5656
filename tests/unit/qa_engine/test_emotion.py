import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qa_guidance import guidance

from qa_engine.emotion.models import SCENES
from qa_engine.emotion.tracker import HALF_LIFE_S, EmotionTracker, groups
from qa_engine.emotion.voice import Voice, VoiceBaseline
from qa_engine.phrases import parse
from qa_engine.words import Phonetic, WordGroup, WordIndex

QUIET = Voice(0.0, 0.0, 0.0)
RAISED = Voice(1.0, 1.0, 1.0)


def tracker():
    return EmotionTracker(guidance().scenes)


def scan(text):
    return guidance().index.scan(text)


def test_a_call_begins_calm():
    feeling = tracker().hear(scan("你好我想问一下"), QUIET, 3)
    assert (feeling.scene, feeling.score, feeling.trend) == ("calm", 0.0, "steady")


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("我特别着急，再不约就来不及了", "anxious"),
        ("气死我了，我要投诉你们", "angry"),
        ("我父亲昨天去世了", "grieving"),
        ("求求你们，我该怎么办", "helpless"),
        ("我不相信你们，别骗我", "doubting"),
        ("快点说，我没时间，说了多少遍了", "impatient"),
        ("我很害怕，万一是癌怎么办", "afraid"),
        ("我白跑一趟，心里很委屈", "aggrieved"),
        ("太感谢了，我放心了", "grateful"),
        ("I'm so worried, I need it today, I can't wait any longer", "anxious"),
        ("This is outrageous, I'm furious with you people", "angry"),
        ("My husband passed away, my husband has died", "grieving"),
        ("I don't know what to do, I'm at my wits end", "helpless"),
        ("I don't trust that, I doubt you charged correctly", "doubting"),
        ("Hurry up, I'm losing my patience", "impatient"),
        ("I'm terrified, what if it is cancer", "afraid"),
        ("I came all the way for nothing, it's so unfair", "aggrieved"),
        ("Thank you so much, I am so grateful", "grateful"),
        ("I'm not angry and it is not urgent, take your time", "calm"),
    ],
)
def test_each_scene_is_told_by_its_words(text, scene):
    assert tracker().hear(scan(text), QUIET, 3).scene == scene


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("家里的药就剩两片了，大夫说一顿都不能停", "anxious"),
        ("亏你们还挂着三甲的牌子", "angry"),
        ("他的衣服我还挂在柜子里", "grieving"),
        ("就我一个人照顾他，晚上都没合过眼", "helpless"),
        ("同一张片子，怎么两个大夫两个说法", "doubting"),
        ("音乐我都听了十几分钟了", "impatient"),
        ("医生说要做手术，我一晚上没睡着", "afraid"),
        ("我好心提醒一句，他倒说我多管闲事", "aggrieved"),
        ("要不是你们动作快，我爸这条命就没了", "grateful"),
        ("医生说要做手术，我想问问住几天", "calm"),
        ("上次的药吃完了，想再开一点", "calm"),
        ("年龄写错了怎么改", "calm"),
    ],
)
def test_a_feeling_is_told_by_what_befalls_one(text, scene):
    assert tracker().hear(scan(text), QUIET, 3).scene == scene


def scenes_with_hints(*hints):
    words = (
        guidance()
        .scenes[0]
        .model_copy(update={"words": (), "strong": ("急死了",), "situations": (), "hints": hints})
    )
    group = groups(words.scene)
    index = WordIndex(
        [
            WordGroup(group[1], (parse("急死了"),)),
            WordGroup(group[3], tuple(parse(hint) for hint in hints), Phonetic.OFF),
        ]
        + [WordGroup(name, ()) for name in (group[0], group[2])]
    )
    return words, index


@pytest.mark.parametrize(
    ("text", "strength"),
    [
        ("还没排上", 0.0),
        ("还没排上还没排上", 0.0),
        ("还没排上，明天就到期", 0.6),
        ("急死了，还没排上", 2.3),
    ],
)
def test_a_hint_needs_another_or_something_that_tells_by_itself(text, strength):
    words, index = scenes_with_hints("还没排上", "到期")
    feeling = EmotionTracker([words]).hear(index.scan(text), QUIET, 3)
    assert feeling.strength == strength
    assert feeling.scene == (words.scene if strength else "calm")


@pytest.mark.parametrize(
    "text",
    ["我不着急你慢慢查", "我没有生气", "不害怕", "不用担心我", "谢谢再见", "我想挂号", "恐怕不行"],
)
def test_a_feeling_that_is_denied_or_polite_is_none(text):
    assert tracker().hear(scan(text), QUIET, 3).scene == "calm"


def test_a_raised_voice_makes_anger_weigh_more_and_grief_hardly():
    angry = scan("你们太过分了")
    loud, soft = tracker(), tracker()
    assert loud.hear(angry, RAISED, 3).strength > 1.5 * soft.hear(angry, QUIET, 3).strength
    grief = scan("他走了以后我很舍不得")
    loud, soft = tracker(), tracker()
    assert loud.hear(grief, RAISED, 3).strength < 1.2 * soft.hear(grief, QUIET, 3).strength


def test_a_raised_voice_alone_is_unrest_but_no_scene():
    feeling = tracker().hear(scan("我要去三楼"), RAISED, 3)
    assert feeling.scene == "calm"
    assert -0.3 < feeling.score < 0


def test_feelings_fade_and_come_back_to_calm():
    tracking = tracker()
    before = tracking.hear(scan("气死我了"), QUIET, 3)
    later = tracking.tick(3 + HALF_LIFE_S)
    assert later.strength == pytest.approx(before.strength / 2, abs=0.02)
    assert before.score < later.score < 0
    assert tracking.tick(3 + 6 * HALF_LIFE_S).scene == "calm"


def test_the_trend_follows_the_call():
    tracking = tracker()
    assert tracking.hear(scan("你们太过分了"), QUIET, 5).trend == "worsening"
    assert tracking.hear(scan("气死我了我要投诉"), QUIET, 10).trend == "worsening"
    for at in (60, 90, 120):
        tracking.hear(scan("嗯好的"), QUIET, at)
    assert tracking.hear(scan("太好了非常感谢"), QUIET, 125).trend == "improving"
    assert tracking.main_scene() == "angry"
    assert [point.at_s for point in tracking.points] == sorted(p.at_s for p in tracking.points)


def test_time_alone_turns_no_trend_and_draws_no_point():
    tracking = tracker()
    heard = tracking.hear(scan("气死我了"), QUIET, 3)
    later = tracking.tick(3 + HALF_LIFE_S)
    assert later.score > heard.score
    assert later.trend == heard.trend == "worsening"
    assert [(point.at_s, point.score) for point in tracking.points] == [(3, heard.score)]


def test_a_point_is_drawn_where_something_changes():
    tracking = tracker()
    for at, text in enumerate(["您好", "我想挂号", "气死我了", ""]):
        tracking.hear(scan(text), QUIET, 3 + 0.001 * at)
    assert [(point.at_s, point.scene) for point in tracking.points] == [
        (3.0, "calm"), (3.0, "angry"),
    ]  # fmt: skip


def test_a_raised_voice_takes_nothing_from_thanks():
    thanks = scan("太好了非常感谢")
    soft, loud = tracker().hear(thanks, QUIET, 3), tracker().hear(thanks, RAISED, 3)
    assert loud.scene == soft.scene == "grateful"
    assert loud.score >= soft.score > 0


def test_a_feeling_grows_to_a_limit_only():
    tracking = tracker()
    strengths = [tracking.hear(scan("太过分了"), QUIET, 3).strength for _ in range(6)]
    assert strengths == sorted(strengths)
    assert strengths[0] < strengths[-1] == strengths[-2] == 3.0


def test_the_main_scene_is_that_which_weighed_most_or_none():
    tracking = tracker()
    assert tracking.main_scene() == "calm"
    for at, text in ((5, "气死我了我要投诉"), (40, "太过分了"), (90, "谢谢，我放心了")):
        tracking.hear(scan(text), QUIET, at)
    assert (tracking.feeling.scene, tracking.main_scene()) == ("grateful", "angry")


def test_what_was_said_last_names_the_scene():
    tracking = tracker()
    tracking.hear(scan("我很害怕，吓死我了"), QUIET, 5)
    assert tracking.hear(scan("真的吗，我不相信你们"), QUIET, 8).scene == "doubting"


def test_a_voice_is_measured_beside_itself():
    voice = VoiceBaseline()
    for _ in range(4):
        assert voice.hear(-30.0, 12, 3.0, 0.0).arousal == 0
    louder = voice.hear(-24.0, 12, 3.0, 0.0)
    assert louder.loudness == pytest.approx(0.75)
    faster = voice.hear(-30.0, 18, 3.0, 0.0)
    assert faster.rate == pytest.approx(1.0)
    assert faster.loudness == 0
    assert voice.hear(-30.0, 12, 3.0, 1.6).interruption == 1.0


def test_the_first_words_of_a_loud_speaker_are_no_shouting():
    assert VoiceBaseline().hear(-8.0, 12, 2.0, 0.0).loudness == 0


@given(
    st.lists(
        st.tuples(st.floats(-90, 0), st.integers(0, 60), st.floats(0, 20), st.floats(0, 20)),
        max_size=20,
    )
)
def test_a_voice_is_between_0_and_1(segments):
    voice = VoiceBaseline()
    for level, characters, seconds, overlap in segments:
        heard = voice.hear(level, characters, seconds, overlap)
        for part in (heard.loudness, heard.rate, heard.interruption, heard.arousal):
            assert 0 <= part <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(max_size=20)
            | st.sampled_from(["气死我了", "谢谢医生", "我害怕", "快点", "委屈"]),
            st.floats(0, 1),
            st.floats(0, 100),
        ),
        max_size=15,
    )
)
def test_a_score_stays_in_its_range_whatever_is_said(said):
    tracking = tracker()
    clock = 0.0
    for text, arousal, gap in said:
        clock += gap
        feeling = tracking.hear(scan(text), Voice(arousal, arousal, 0.0), clock)
        assert -1 <= feeling.score <= 1
        assert feeling.scene in (*SCENES, "calm")
        assert (feeling.scene == "calm") == (feeling.strength < 0.5)
        assert tracking.tick(clock + 1).strength <= feeling.strength
