"""What of a register can be filled in from what was heard, and what must not be guessed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_console.work.hints import OLDEST, Hints

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 3, 6, 10, 30, tzinfo=ZONE)


def guesses(*said: tuple[str, str]) -> dict[str, object]:
    hints = Hints(FRIDAY)
    for number, (role, text) in enumerate(said):
        hints.heard(role, text, f"s{number}")
    return {name: hint.value for name, hint in hints.guesses().items()}


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("我今年三十五岁。", 35),
        ("孩子六岁了", 6),
        ("老人家八十二周岁", 82),
        ("我 62 岁", 62),
        ("宝宝八个月大", 0),
        ("我是85年出生的", 41),
        ("他一九五零年生的", 76),
        ("零三年出生", 23),
        ("十八岁以下能挂吗", None),
        ("我五岁的时候得过", None),
        ("挂三号诊室", None),
        ("吃了八个月药", None),
        ("三百岁", None),
    ],
)
def test_an_age_is_heard(text: str, age: int | None) -> None:
    assert guesses(("customer", text)).get("age") == age


def test_the_last_age_holds_and_the_agents_figures_do_not() -> None:
    assert guesses(("customer", "我六十岁"), ("customer", "不对，我六十一岁"))["age"] == 61
    assert "age" not in guesses(("agent", "七十岁以上优先"))


@pytest.mark.parametrize(
    ("said", "sex"),
    [
        ([("customer", "我想给我妈妈挂个号")], "female"),
        ([("customer", "给我妈妈挂号"), ("agent", "好的先生")], "female"),
        ([("customer", "我怀孕五个月了")], "female"),
        ([("agent", "张女士您好")], "female"),
        ([("agent", "好的，先生")], "male"),
        ([("customer", "是我父亲，胸口疼")], "male"),
        ([("agent", "王先生"), ("agent", "不好意思，王女士")], None),
        ([("customer", "给我爸爸和给我妈妈都挂一个")], None),
        ([("customer", "我想挂号")], None),
    ],
)
def test_sex_is_guessed_from_what_says_most_and_not_where_it_is_ambiguous(said, sex) -> None:
    assert guesses(*said).get("sex") == sex


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("我住在云海市东城区", "云海市东城区"),
        ("我家住南山县青石镇的", "南山县青石镇"),
        ("我从江南省云海市过来", "江南省云海市"),
        ("我住在＊＊＊＊＊", None),
        ("我在医院门诊这个区", None),
        ("我是想问一下哪个区有分院", None),
        ("你好", None),
    ],
)
def test_an_address_is_heard_down_to_its_district(text: str, address: str | None) -> None:
    assert guesses(("customer", text)).get("address") == address


def test_departments_make_the_need() -> None:
    found = guesses(("customer", "我想挂心内科"), ("agent", "心内科还是神经内科"))
    assert found["need"] == "心内科、神经内科"


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("我们两小时内给您回电", datetime(2026, 3, 6, 12, 30, tzinfo=ZONE)),
        ("三十分钟之内会联系您", datetime(2026, 3, 6, 11, 0, tzinfo=ZONE)),
        ("我们两个工作日内会给您答复", datetime(2026, 3, 10, 17, 0, tzinfo=ZONE)),
        ("明天给您回电话", datetime(2026, 3, 7, 17, 0, tzinfo=ZONE)),
        ("今天下班前会回复您", datetime(2026, 3, 6, 17, 0, tzinfo=ZONE)),
        ("稍后给您回电", None),
    ],
)
def test_a_promise_to_call_back_makes_a_follow_up_with_its_time(text, due) -> None:
    found = guesses(("agent", text))
    assert found["outcome"] == "follow_up"
    assert found.get("follow_up_due") == (due.timestamp() if due else None)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ([("agent", "已经帮您预约好了")], "booked"),
        ([("agent", "我帮您转接到住院部")], "transferred"),
        ([("customer", "我要投诉"), ("agent", "已经帮您登记")], "complaint"),
        ([("agent", "挂好了，稍后给您回电")], "follow_up"),
        ([("customer", "预约好了吗")], None),
        ([("agent", "请问有什么可以帮您")], None),
    ],
)
def test_the_outcome_is_what_must_not_be_forgotten(said, outcome) -> None:
    assert guesses(*said).get("outcome") == outcome


def test_each_guess_says_where_it_was_heard() -> None:
    hints = Hints(FRIDAY)
    hints.heard("customer", "你好", "s1")
    hints.heard("customer", "我四十岁", "s2")
    assert hints.guesses()["age"].segment_id == "s2"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["agent", "customer"]),
            st.text(
                alphabet="我住在市区县岁年出生三五十零1298给您回电小时内天＊，妈爸a", max_size=30
            ),
        ),
        max_size=8,
    )
)
def test_whatever_was_heard_the_guesses_are_possible_ones(said) -> None:
    found = guesses(*said)
    assert 0 <= found.get("age", 0) <= OLDEST
    assert found.get("sex", "male") in {"female", "male"}
    assert "＊" not in str(found.get("address", ""))
    assert found.get("follow_up_due", FRIDAY.timestamp()) >= FRIDAY.timestamp()
