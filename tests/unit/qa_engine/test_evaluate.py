import msgspec
import pytest
from qa_calls import CALLS

from qa_engine.evaluate import Evaluation, Planned, Score, Truth, Utterance, evaluate, read_truth
from qa_engine.events import Evidence, Hit

UTTERANCES = [
    Utterance("agent", 0, 2, "您好"),
    Utterance("customer", 3, 6, "你们态度太差"),
    Utterance("agent", 7, 9, "不归我管"),
    Utterance("customer", 10, 12, "太过分了"),
    Utterance("agent", 13, 15, "再见"),
    Utterance("customer", 16, 18, "哼"),
]
TRUTH = Truth(
    id="t",
    duration=20,
    agent_compliant=False,
    utterances=UTTERANCES,
    events=[
        Planned("customer_complaint", "customer", 3, 6, 1, "态度太差"),
        Planned("taboo_phrase", "agent", 7, 9, 2, "不归我管"),
    ],
    must_not=[Planned("taboo_phrase", "agent", 13, 15, 4)],
)


def hit(kind, role, start, end):
    return Hit(
        at=0, hit_id=f"{kind}{start}", call_id="c", rule="r", kind=kind, severity="high",
        role=role, phrase="", start=start, end=end, suspected=False, evidence=Evidence(),
    )  # fmt: skip


def test_a_call_with_all_found_is_perfect():
    result = evaluate(
        TRUTH, [hit("customer_complaint", "customer", 4, 5), hit("taboo_phrase", "agent", 7, 8)]
    )
    assert result.total().recall == 1.0
    assert result.total().precision == 1.0
    assert result.missed == []


@pytest.mark.parametrize(
    ("kind", "role", "start", "wrong"),
    [
        ("taboo_phrase", "customer", 4, True),
        ("red_line", "agent", 7.5, True),
        ("taboo_phrase", "agent", 1, True),
        ("customer_complaint", "customer", 10.5, False),  # next to a labelled one
        ("customer_complaint", "customer", 16.5, True),
        ("escalation_threat", "customer", 10.5, True),  # next to one of another kind
        ("taboo_phrase", "agent", 7.5, False),
    ],
)
def test_what_counts_as_wrong(kind, role, start, wrong):
    result = evaluate(TRUTH, [hit(kind, role, start, start + 0.5)])
    assert bool(result.wrong) is wrong


def test_what_is_missed_and_what_must_not_be():
    result = evaluate(TRUTH, [hit("taboo_phrase", "agent", 13.5, 14)])
    assert [event.kind for event in result.missed] == ["customer_complaint", "taboo_phrase"]
    assert result.forbidden[0][0].utterance == 4
    assert result.scores["taboo_phrase"].precision == 0.0


def test_of_a_labelled_utterance_any_part_will_do():
    said = Planned("taboo_phrase", "agent", 7, 7.4, 2, "不归")
    truth = msgspec.structs.replace(TRUTH, events=[said])
    result = evaluate(truth, [hit("taboo_phrase", "agent", 8.2, 8.9)])
    assert result.scores == {"taboo_phrase": Score(planned=1, found=1, right=1)}


@pytest.mark.parametrize(("start", "wrong"), [(4, True), (10.5, False), (16.5, False)])
def test_only_what_is_said_next_may_belong_to_a_complaint(start, wrong):
    last = Planned("customer_complaint", "customer", 16, 18, 5, "哼")
    truth = msgspec.structs.replace(TRUTH, events=[last])
    assert bool(
        evaluate(truth, [hit("customer_complaint", "customer", start, start + 1)]).wrong
    ) is (wrong)


def test_each_kind_is_counted_for_itself_and_calls_are_added_up():
    complaint, taboo = (
        hit("customer_complaint", "customer", 4, 5),
        hit("taboo_phrase", "agent", 13.5, 14),
    )
    first, second = evaluate(TRUTH, [complaint, taboo]), evaluate(TRUTH, [taboo])
    both = Evaluation()
    both.add(first)
    both.add(second)
    assert both.scores == {
        "customer_complaint": Score(planned=2, found=1, right=1),
        "taboo_phrase": Score(planned=2, wrong=2),
    }
    assert both.total() == Score(planned=4, found=1, right=1, wrong=2)
    assert both.total(["taboo_phrase", "long_wait"]) == both.scores["taboo_phrase"]
    assert both.missed == [*first.missed, *second.missed]
    assert both.wrong == [taboo, taboo]
    assert both.forbidden == [(TRUTH.must_not[0], taboo)] * 2


def test_figures_of_the_call_do_not_count():
    assert evaluate(TRUTH, [hit("long_wait", "call", 0, 0)]).wrong == []


def test_bundled_calls_are_read():
    truths = [read_truth(path.read_bytes()) for path in sorted(CALLS.glob("c??.json"))]
    assert len(truths) == 10
    assert sum(truth.agent_compliant for truth in truths) == 5
