"""Scores from what the rules found: weights, what does not apply, what makes all of it nothing."""

import pytest
from qa_calls import ANSWERED, CALL, connected, dialogue, ended, joined, play, run
from qa_packs import MANNER_ITEMS, MANNER_LISTS, MANNER_RULES

from qa_engine.events import RunningScore, Score
from qa_engine.judge import CallJudge
from qa_engine.pack import DEFAULT_PACK, check, load
from qa_engine.scorecard import total

PACK = f"""\
pack: test
version: "1"
lists:
{MANNER_LISTS}  book: {{about: x, words: [约好了]}}
  read: {{about: x, words: [核对一下]}}
rules:
{MANNER_RULES}  - {{id: book, type: words, kind: booked, severity: info, role: agent, lists: [book],
     title: 预约, title_en: Booked}}
  - {{id: read, type: words, kind: read_back, severity: info, role: agent, lists: [read],
     title: 复述, title_en: Read back}}
scorecard:
  id: card
  title: 评分
  title_en: Score
  sections:
    - id: manner
      title: 态度
      title_en: Manner
      weight: 60
{MANNER_ITEMS}    - id: flow
      title: 流程
      title_en: Flow
      weight: 40
      items:
        - {{id: readback, title: 复述, title_en: Read back, points: 10, required: [read_back],
           applies_after: [booked]}}
"""


@pytest.fixture
def pack(tmp_path):
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    return load(tmp_path)


def scored(pack, *lines):
    finals = dialogue(*[("agent", line) for line in lines])
    verdicts = play(pack, finals, finals[-1].end + 3)
    (score,) = [v for v in verdicts if isinstance(v, Score)]
    return score


def answers(score):
    return {item.item: (item.answer, item.earned) for item in score.items}


@pytest.mark.parametrize(
    ("lines", "score", "readback"),
    [
        (["您好"], 100.0, "na"),
        (["随便你"], 87.5, "na"),
        (["随便你", "好的", "随便你"], 75.0, "na"),
        (["约好了"], 60.0, "no"),
        (["约好了", "核对一下"], 100.0, "yes"),
        (["约好了", "随便你"], 52.5, "no"),
        (["包治百病"], 0.0, "na"),
        (["包治百病", "约好了", "核对一下"], 0.0, "yes"),
    ],
)
def test_the_score_of_a_call(pack, lines, score, readback):
    result = scored(pack, *lines)
    assert result.score == score
    assert answers(result)["readback"][0] == readback
    assert (result.card, result.revision) == ("card", pack.version)
    assert result.queue == "general"


@pytest.mark.parametrize(
    ("each", "times", "earned"),
    [
        ("", 1, 0.0),  # without a price for each, the first costs all
        ("each: 5, ", 1, 15.0),
        ("each: 5, ", 3, 5.0),
        ("each: 5, ", 5, 0.0),  # and never more than all
    ],
)
def test_what_a_mistake_costs(tmp_path, each, times, earned):
    text = PACK.replace("each: 5,", each)
    (tmp_path / "pack.yaml").write_text(text, encoding="utf-8")
    result = scored(load(tmp_path), *["随便你"] * times)
    assert answers(result)["polite"] == ("no", earned)


def test_what_is_only_suspected_decides_nothing_unless_the_item_says_so(pack, tmp_path):
    certain, suspected = ["包治百病"], ["包制百病"]
    assert [scored(pack, *lines).score for lines in (certain, suspected)] == [0.0, 100.0]
    card = PACK.replace("critical: true", "critical: true, suspected: true")
    (tmp_path / "pack.yaml").write_text(card, encoding="utf-8")
    assert scored(load(tmp_path), *suspected).score == 0.0


def test_the_same_sum_serves_answers_that_people_changed(pack):
    result = scored(pack, "约好了", "随便你")
    as_corrected = [
        type(item)(**{**{f: getattr(item, f) for f in item.__struct_fields__},
                      "answer": "na" if item.item == "readback" else item.answer})
        for item in result.items
    ]  # fmt: skip
    assert total(pack.scorecard, as_corrected) == 87.5


def test_the_running_score_is_told_when_an_answer_changes(pack):
    finals = dialogue(("agent", "您好"), ("agent", "随便你"), ("agent", "好的"), ("agent", "再见"))
    verdicts = play(pack, finals, finals[-1].end + 3)
    running = [v.score for v in verdicts if isinstance(v, RunningScore)]
    # Before anybody is heard nothing is known; then all is well; then it is not.
    assert running == [None, 100.0, 87.5]


def test_a_call_that_nobody_answered_or_heard_has_no_score(pack):
    gone = ended(ANSWERED + 30, outcome="abandoned", answered=False)
    missed = run(CallJudge(pack, CALL), [joined(), gone], ANSWERED + 60)
    assert [v for v in missed if isinstance(v, Score)] == []
    unheard = run(CallJudge(pack, CALL), [joined(), connected(), ended(ANSWERED + 30)],
                  ANSWERED + 60)  # fmt: skip
    (score,) = [v for v in unheard if isinstance(v, Score)]
    assert score.score is None


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id: honest", "id: polite", "the item polite is there twice"),
        ("required: [read_back]", "required: []", "give either forbidden or required"),
        ("points: 10", "points: 0", "greater than 0"),
        ("weight: 40", "weight: -1", "greater than 0"),
    ],
)
def test_a_card_that_cannot_be_is_told(tmp_path, old, new, reason):
    (tmp_path / "pack.yaml").write_text(PACK.replace(old, new, 1), encoding="utf-8")
    assert any(reason in problem.reason for problem in check(tmp_path))


def test_there_is_one_card(tmp_path):
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    card = PACK[PACK.index("scorecard:") :]
    (tmp_path / "second.yaml").write_text(card, encoding="utf-8")
    assert any("there is one already" in problem.reason for problem in check(tmp_path))


def test_the_default_card_asks_for_kinds_that_rules_find():
    pack = load(DEFAULT_PACK)
    known = {rule.kind for rule in pack.rules}
    known |= {rule.done_kind for rule in pack.rules if hasattr(rule, "done_kind")}
    items = [item for section in pack.scorecard.sections for item in section.items]
    assert 6 <= len(items) <= 12
    for item in items:
        assert known.issuperset((*item.forbidden, *item.required, *item.applies_after)), item.id
