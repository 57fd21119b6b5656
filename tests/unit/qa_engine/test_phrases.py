import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.phrases import FAR, parse
from qa_engine.text import normalise


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
    ("notation", "anchors"),
    [
        ("(我|你)靠(墙|窗)", {"我靠", "你靠"}),  # two characters tell, and of few strings
        ("(你|)不(要|)急*坐下", {"坐下"}),
        ("我(急|慌|怕)", {"我急", "我慌", "我怕"}),
        ("我*急死(人|)了", {"急死"}),
        ("我*急", {"我"}),
    ],
)
def test_it_is_looked_for_where_neighbours_stand_that_say_most(notation, anchors):
    assert set(parse(notation).anchors()) == anchors


@given(
    st.lists(
        st.one_of(
            st.text("甲乙丙", min_size=1, max_size=3),
            st.lists(st.text("丁戊己", max_size=2), min_size=1, max_size=4, unique=True).map(
                lambda options: f"({'|'.join(options)})"
            ),
            st.just("*"),
        ),
        min_size=1,
        max_size=4,
    ).map(lambda parts: f"起{''.join(parts)}止")
)
def test_every_wording_holds_an_anchor(notation):
    def all_ways(notation):
        parts = re.findall(r"\(([^)]*)\)|(\*)|([^(*]+)", notation)
        choices = [
            ["", "癸"] if gap else ([text] if text else some.split("|"))
            for some, gap, text in parts
        ]
        return map("".join, product(*choices))

    try:
        phrase = parse(notation)
    except ValueError:
        return
    anchors = phrase.anchors()
    assert anchors
    for wording in all_ways(notation):
        if normalise(wording).text == wording:  # what is said thrice in a row is written twice
            assert any(anchor in wording for anchor in anchors)


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
