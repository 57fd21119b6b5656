"""When a lead who was told is told again."""

import pytest
from qa_packs import write_pack

from qa_engine.cooldown import Cooldown
from qa_engine.pack import load

COOLDOWN_S = 30.0


@pytest.fixture
def rules(tmp_path):
    """Two rules of one kind."""
    same = f"type: words, role: either, lists: [any], cooldown_s: {COOLDOWN_S}"
    return load(write_pack(tmp_path, same, same, lists={"any": ["随便你"]})).rules


@pytest.mark.parametrize(
    ("role", "phrase", "place", "held"),
    [
        ("agent", "随便你", ("s1", 10 + COOLDOWN_S - 0.1), True),
        ("agent", "随便你", ("s1", 10 + COOLDOWN_S), False),  # so long is long enough
        ("agent", "随便你", ("s2", 11), True),
        ("agent", "不归我管", ("s1", 11), False),  # each wording is a mistake of its own
        ("customer", "不归我管", ("s1", 11), True),  # of a caller, one a sentence
        ("customer", "随便你", ("s2", 11), False),
    ],
)
def test_it_is_told_again_later_or_when_it_is_another(rules, role, phrase, place, held):
    cooldown = Cooldown()
    cooldown.tell(rules[0], role, "随便你", "s1", 10)
    assert cooldown.holds(rules[0], role, phrase, *place) is held


@pytest.mark.parametrize("role", ["agent", "customer"])
def test_what_has_no_words_is_told_every_time(rules, role):
    cooldown = Cooldown()
    cooldown.tell(rules[0], role, "", "s1", 10)
    assert not cooldown.holds(rules[0], role, "", "s1", 11)


@pytest.mark.parametrize("start", [8, 10, 11])
def test_another_rule_of_the_kind_is_told_whenever_its_words_were_said(rules, start):
    # Of one sentence the gravest is told first, wherever it stands.
    cooldown = Cooldown()
    cooldown.tell(rules[0], "agent", "随便你", "s1", 10)
    assert not cooldown.holds(rules[1], "agent", "不归我管", "s1", start)
