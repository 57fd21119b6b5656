import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.phrases import FAR, parse


@pytest.mark.parametrize(
    ("notation", "wordings"),
    [
        ("没办法", {"没办法"}),
        ("我(们|)没(有|)办法", {"我们没办法", "我们没有办法", "我没办法", "我没有办法"}),
        ("(a(b|c)|d)", {"ab", "ac", "d"}),
        ("十二床", {"12床"}),
    ],
)
def test_alternatives_unfold(notation, wordings):
    assert set(parse(notation).all_wordings()) == wordings


def test_lists_fill_in():
    phrase = parse("是<illness>", lambda name: {"illness": ["胃炎", "肺炎"]}[name])
    assert set(phrase.all_wordings()) == {"是胃炎", "是肺炎"}


@pytest.mark.parametrize(
    ("notation", "reason"),
    [
        ("我(们", "never closed"),
        ("我们)", "without `(`"),
        ("*好", "both sides"),
        ("好*", "both sides"),
        ("(我|)*好", "both sides"),
        ("，。", "nothing is left"),
        ("嗯", "nothing is left"),
        ("是<nothing>", "no list"),
        ("是<nothing", "never closed"),
        ("(" * 30 + "a" + ")" * 30, "deeply"),
        ("(a|)" * 100 + "b", "too long"),
        ("疼 & ", "nothing is left"),
        ("疼 & *好", "both sides"),
        ("(疼 & 汗)", "never closed"),
        ("疼 & 汗 & 麻 & 倒", "more than 3"),
    ],
)
def test_what_is_wrong_is_told(notation, reason):
    with pytest.raises(ValueError, match=reason.replace("(", r"\(")):
        parse(notation)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("胸口疼，一身冷汗", ["胸口疼一身冷汗"]),
        ("冷汗，胸口还有点疼", ["冷汗胸口还有点疼"]),
        ("胸口疼", []),
        ("冷汗", []),
        ("胸口疼" + "甲" * FAR + "冷汗", ["胸口疼" + "甲" * FAR + "冷汗"]),
        ("胸口疼" + "甲" * (FAR + 1) + "冷汗", []),
    ],
)
def test_parts_are_found_together_in_any_order(text, spans):
    pattern = re.compile(parse("胸口*疼 & (冷汗|大汗)").regex(str))
    found = [match.group() for match in pattern.finditer(text.replace("，", ""))]
    assert found == spans


def test_a_joined_phrase_is_looked_for_by_the_part_that_says_most():
    assert parse("疼 & (冷汗|大汗)").anchors() == ("冷汗", "大汗")
    assert parse("胸口疼 & 冷汗").literals() is None


@given(st.text(alphabet="我们(|)*<>&ab，嗯", max_size=40))
def test_any_notation_is_read_or_refused(notation):
    try:
        phrase = parse(notation)
    except ValueError:
        return
    assert phrase.shortest > 0
    assert phrase.anchors()
