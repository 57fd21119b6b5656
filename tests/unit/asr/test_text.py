import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asr.cer import ErrorRate, character_errors, normalise, total, word_errors
from asr.guards import Hypothesis, compression_ratio, is_invention, refusal
from asr.language import LanguageLock
from asr.live_leg import Shown
from asr.settings import GuardSettings
from asr.text import common_prefix, tidy


def hypothesis_of(text="您好，请讲。", **changes):
    values = {"tokens": 8, "duration_s": 2.0, "avg_logprob": -0.3, "no_speech": 0.1}
    return Hypothesis(text=text, **{**values, **changes})


@pytest.mark.parametrize(
    ("hypothesis", "reason"),
    [
        (hypothesis_of(), ""),
        (hypothesis_of("挂号在一楼" * 20, avg_logprob=-0.04), "loop"),
        (hypothesis_of(tokens=26), ""),
        (hypothesis_of(tokens=27), "too_many_tokens"),
        (hypothesis_of(avg_logprob=-1.1), "low_confidence"),
        (hypothesis_of(avg_logprob=-1.1, no_speech=0.7), "silence"),
        (hypothesis_of(no_speech=0.99), ""),
        (hypothesis_of("……"), "empty"),
        (hypothesis_of("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目"), "invention"),
    ],
)
def test_what_cannot_have_been_said_is_refused_with_its_reason(hypothesis, reason):
    assert refusal(hypothesis, "zh", GuardSettings()) == reason


@pytest.mark.parametrize(
    "text",
    [
        "字幕由 Amara.org 社群提供",
        "请不吝点赞订阅转发打赏支持明镜与点点栏目",
        "优优独播剧场——YoYo Television Series Exclusive",
        "谢谢大家",
        "谢谢观看",
        "Thanks for watching!",
        "Thank you for watching.",
        "you",
    ],
)
def test_known_inventions_are_known(text):
    assert is_invention(tidy(text), "zh")
    assert is_invention(tidy(text), "en")


@pytest.mark.parametrize(
    "text",
    [
        "谢谢您的来电，再见",
        "谢谢",
        "好的，谢谢大家帮我，我明天来",
        "我订阅了你们的公众号",
        "Thank you.",
        "Do you have an appointment?",
    ],
)
def test_what_callers_say_is_kept(text):
    assert not is_invention(text, "zh")


def test_a_loop_compresses_better_than_speech():
    assert compression_ratio("我想挂一个心内科的专家号，请问明天上午还有吗") < 1.5
    assert compression_ratio("好的" * 60) > 2.4


def test_text_becomes_simplified_and_one_line():
    assert tidy(" 請問 核磁共振\n報告 ") == "请问核磁共振报告"
    assert tidy("hello  world\ufffd") == "hello world"


@given(st.text(max_size=40), st.text(max_size=40))
def test_two_texts_share_their_beginning_and_differ_behind_it(one, other):
    length = common_prefix(one, other)
    assert one[:length] == other[:length]
    assert one[length : length + 1] != other[length : length + 1] or one == other


@pytest.mark.parametrize(
    ("reference", "heard", "errors", "units"),
    [
        ("我国的经济", "我国的经济。", 0, 5),
        ("五月份", "5月份", 0, 3),
        ("幺零三幺号", "1031號", 0, 5),
        ("核磁共振", "核池贡政", 3, 4),
        ("好", "", 1, 1),
        ("", "谢谢", 2, 0),
    ],
)
def test_errors_count_characters_whatever_the_punctuation(reference, heard, errors, units):
    assert character_errors(reference, heard) == ErrorRate(errors, units)


def test_word_errors_and_totals():
    one = word_errors("ask not what", "Ask, not that")
    assert one == ErrorRate(1, 3)
    assert total([one, ErrorRate(0, 3)]).rate == pytest.approx(1 / 6)
    assert ErrorRate(2, 0).rate == 1.0


@given(st.text(max_size=30))
@example("㉄")
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)
    assert character_errors(text, text).errors == 0


def test_a_set_language_is_kept():
    lock = LanguageLock("zh")
    lock.heard("en", 1.0, 10)
    assert lock.languages == ("zh",)


def test_one_sure_segment_or_two_that_agree_settle_the_language():
    lock = LanguageLock("auto")
    assert lock.languages == ("zh", "en")
    lock.heard("en", 0.95, 0.5)
    assert not lock.locked
    lock.heard("zh", 0.6, 5)
    assert not lock.locked
    lock.heard("en", 0.6, 0.5)
    assert lock.languages == ("en",)
    sure = LanguageLock("auto")
    sure.heard("zh", 0.9, 2)
    assert sure.languages == ("zh",)


def test_what_was_decoded_up_to_a_pause_may_be_heard_otherwise_with_what_follows():
    shown = Shown("segment")
    shown.revise("费用挺高的,我思想", settled=False)
    assert not shown.heard_otherwise
    assert shown.revise("费用挺高的,我思想跟你说。", settled=True) == 12
    assert not shown.heard_otherwise
    shown.revise("费用挺高的。我思想跟你说,外面", settled=False)
    assert not shown.heard_otherwise
    shown.revise("费用挺高的。我私下跟你说,外面", settled=False)
    assert shown.heard_otherwise
