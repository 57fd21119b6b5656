import msgspec
import pytest
from qa_calls import (
    ANSWERED,
    CALL,
    connected,
    dialogue,
    ended,
    final,
    joined,
    legs,
    play,
    run,
    spoken,
)

from asr.events import TranscriptPartial
from qa_engine.events import Alert, Hit, RuleMuted
from qa_engine.judge import CallJudge
from qa_engine.operators.words import WordsOperator
from qa_engine.pack import DEFAULT_PACK, load


@pytest.fixture(scope="module")
def pack():
    return load(DEFAULT_PACK)


@pytest.fixture
def small(tmp_path):
    """A pack whose rules find the same words, one exactly and one by their sound."""
    (tmp_path / "pack.yaml").write_text(
        """\
pack: small
version: "1"
lists:
  alike: {about: x, words: [不贵我管]}
  exact: {about: x, words: [不归我管]}
rules:
  - {id: by_sound, type: words, kind: taboo_phrase, severity: critical, role: agent,
     lists: [alike], title: 音, title_en: Sound, advice_after: 复盘。, advice_after_en: Review it.}
  - {id: by_word, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [exact],
     title: 字, title_en: Word}
  - {id: again, type: when, kind: repeated_question, severity: low, title: 重复,
     title_en: Again, find: {op: repeats, role: customer}}
""",
        encoding="utf-8",
    )
    return load(tmp_path)


def alerts(verdicts):
    """What was said wrong; silence between made-up segments is another matter."""
    return [v for v in verdicts if isinstance(v, Alert) and v.phrase]


def begun(pack):
    judge = CallJudge(pack, CALL)
    for event in (joined(), connected(), *legs()):
        judge.feed(event, event.at)
    return judge


def test_an_alert_carries_its_evidence(pack):
    said = final("agent", 10, 12, "这个，不归我管啊")
    (alert,) = alerts(begun(pack).feed(said, ANSWERED + 13))
    assert alert.kind == "taboo_phrase"
    assert alert.phrase == "不归我管"
    assert said.text[slice(*alert.evidence.span)] == "不归我管"
    assert alert.evidence.segment_id == said.segment_id
    assert (alert.queue, alert.agent) == ("general", "PJSIP/1001")
    assert 10 <= alert.start < alert.end <= 12
    assert alert.at == ANSWERED + 13
    assert alert.advice
    assert alert.advice_en
    assert (alert.advice_after, alert.advice_after_en) == ("", "")
    assert alert.phrase not in alert.title


def test_a_caller_who_complains_in_several_ways_at_once_raises_one_alert(pack):
    said = final("customer", 10, 16, "我打了好几次，一直没有人接，你们怎么能这样")
    verdicts = begun(pack).feed(said, ANSWERED + 17)
    assert len([v for v in verdicts if isinstance(v, Hit)]) > 1
    assert [alert.kind for alert in alerts(verdicts)] == ["customer_complaint"]


def test_each_wording_of_an_agent_raises_its_own_alert(pack):
    said = final("agent", 10, 14, "我也没办法，你自己看着办吧")
    assert len(alerts(begun(pack).feed(said, ANSWERED + 15))) == 2


def test_a_final_that_comes_twice_is_judged_once(pack):
    judge, said = begun(pack), final("agent", 10, 12, "不归我管")
    assert judge.feed(said, ANSWERED + 13)
    assert judge.feed(said, ANSWERED + 14) == []


def test_the_same_call_judged_again_gets_the_same_ids(pack):
    finals = dialogue(("agent", "喂"), ("customer", "我要投诉"), ("agent", "随便你"))
    ids = [{v.alert_id for v in alerts(play(pack, finals, finals[-1].end + 1))} for _ in range(2)]
    assert ids[0] == ids[1] != set()


def test_the_same_wording_alerts_once_for_a_while_but_hits_each_time(pack):
    judge = begun(pack)
    verdicts = [
        v
        for start in (10, 15, 60)
        for v in judge.feed(final("agent", start, start + 2, "不归我管"), ANSWERED + start + 2)
    ]
    assert len([v for v in verdicts if isinstance(v, Hit) and v.phrase]) == 3
    assert [round(v.start) for v in alerts(verdicts)] == [10, 60]


def test_overlapping_rules_of_a_kind_give_one_hit(pack):
    verdicts = begun(pack).feed(final("agent", 10, 14, "你爱来不来，随便你"), ANSWERED + 15)
    phrases = [v.phrase for v in verdicts if isinstance(v, Hit)]
    assert phrases == ["爱来不来", "随便你"]


def test_of_two_rules_on_the_same_words_the_exact_one_tells_whichever_comes_first(small):
    (alert,) = alerts(begun(small).feed(final("agent", 10, 12, "不归我管"), ANSWERED + 13))
    assert (alert.rule, alert.severity, alert.suspected) == ("by_word", "high", False)
    (alert,) = alerts(begun(small).feed(final("agent", 10, 12, "不贵我管"), ANSWERED + 13))
    assert (alert.rule, alert.severity, alert.suspected) == ("by_sound", "critical", False)
    assert (alert.advice_after, alert.advice_after_en) == ("复盘。", "Review it.")


def test_a_final_that_comes_twice_was_not_said_twice(small):
    judge, asked = begun(small), final("customer", 10, 13, "内科今天上班吗")
    assert judge.feed(asked, ANSWERED + 14) + judge.feed(asked, ANSWERED + 15) == []
    assert len(judge.state.said) == 1
    again = judge.feed(final("customer", 20, 23, "内科今天上班吗"), ANSWERED + 24)
    assert [hit.rule for hit in again if isinstance(hit, Hit)] == ["again"]


def test_partials_do_not_alert(pack):
    partial = TranscriptPartial(
        at=ANSWERED + 11, call_id=CALL, role="agent", segment_id="s", start=10, end=11,
        text="不归我管", stable=4, revision=2,
    )  # fmt: skip
    assert begun(pack).feed(partial, ANSWERED + 11) == []


def test_what_is_suspected_is_less_severe(pack):
    judge = begun(pack)
    (exact,) = alerts(judge.feed(final("agent", 10, 12, "绝对没有副作用"), ANSWERED + 13))
    # By itself: beside certain words it would be certain too.
    judge = begun(pack)
    judge.feed(final("agent", 20, 22, "决对没有付作用"), ANSWERED + 23)
    (heard,) = alerts(judge.tick(ANSWERED + 40))
    assert (exact.severity, exact.suspected) == ("critical", False)
    assert (heard.severity, heard.suspected) == ("high", True)


def test_a_failing_rule_does_not_silence_the_others(pack, monkeypatch):
    whole = WordsOperator.feed

    def feed(self, state, event, said):
        if self._rule.id == "taboo_shirk":
            raise RuntimeError("secret 13900000000")
        return whole(self, state, event, said)

    monkeypatch.setattr(WordsOperator, "feed", feed)
    failed = []
    judge = CallJudge(pack, CALL, failed.append)
    judge.feed(connected(), ANSWERED)
    verdicts = judge.feed(final("agent", 10, 14, "不归我管，你爱来不来"), ANSWERED + 15)
    judge.feed(final("agent", 20, 24, "不归我管"), ANSWERED + 25)
    assert "爱来不来" in [v.phrase for v in alerts(verdicts)]
    assert failed == ["taboo_shirk"]


def test_a_final_after_the_end_still_counts(pack):
    judge = begun(pack)
    run(judge, [ended(ANSWERED + 30)], ANSWERED + 60)
    assert judge.closed
    assert alerts(judge.feed(final("agent", 28, 30, "不归我管"), ANSWERED + 61))


def test_the_end_waits_for_what_is_still_being_recognised(pack):
    late = final("agent", 25, 29, "感谢您的来电，再见")
    events = [joined(), connected(), *legs(), *spoken([final("customer", 1, 3, "你好")])]
    started, stopped, _ = spoken([late])
    judge = CallJudge(pack, CALL)
    run(judge, [*events, started, stopped, ended(ANSWERED + 30)], ANSWERED + 33)
    verdicts = judge.feed(late, ANSWERED + 34) + judge.tick(ANSWERED + 45)
    kinds = [v.kind for v in verdicts if isinstance(v, Hit)]
    assert kinds == ["closing_done"]


def test_time_never_goes_back(pack):
    judge = begun(pack)
    judge.tick(ANSWERED + 50)
    judge.tick(ANSWERED + 40)
    assert judge.state.now == ANSWERED + 50


def test_a_missing_step_is_called_missing(pack):
    judge = begun(pack)
    judge.feed(final("agent", 1, 3, "喂，说吧"), ANSWERED + 4)
    judge.feed(final("customer", 4, 8, "我想问一下怎么挂号"), ANSWERED + 9)
    missing = [v for v in judge.tick(ANSWERED + 30) if isinstance(v, Alert)]
    opening = next(alert for alert in missing if alert.kind == "missing_greeting")
    assert opening.title.startswith("缺少")
    assert opening.title_en.startswith("Missing")


def test_a_muted_rule_raises_no_alert_on_this_call_and_still_counts(pack):
    judge = begun(pack)
    said = [final("agent", 10 + 40 * n, 12 + 40 * n, "不归我管") for n in range(3)]
    (alert,) = alerts(judge.feed(said[0], ANSWERED + 13))
    muted = RuleMuted(at=ANSWERED + 20, call_id=CALL, rule=alert.rule, by="lead")
    assert judge.feed(muted, ANSWERED + 20) == []
    verdicts = judge.feed(said[1], ANSWERED + 53)
    assert [v.rule for v in verdicts if isinstance(v, Hit) and v.phrase] == [alert.rule]
    assert alerts(verdicts) == []
    judge.feed(msgspec.structs.replace(muted, muted=False), ANSWERED + 60)
    assert [a.rule for a in alerts(judge.feed(said[2], ANSWERED + 93))] == [alert.rule]
