import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_calls import ANSWERED, CALL, final

from asr.events import TranscriptPartial
from qa_engine.events import Alert, Evidence
from qa_engine.privacy import MASK, mask, personal_spans, redact


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("身份证号110101199003071234。", "身份证号＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊。"),
        ("11010119900307123X", "＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊"),
        ("我的电话是13800138000，谢谢", "我的电话是＊＊＊＊＊＊＊8000，谢谢"),
        ("幺三八，零零幺三，八零零零", "＊＊＊，＊＊＊＊，八零零零"),
        ("座机是010-62345678", "座机是＊＊＊-＊＊＊＊5678"),
        ("卡号6222021234567890123", "卡号＊＊＊＊＊＊＊＊＊＊＊＊＊＊＊0123"),
        ("病历号是20881", "病历号是＊＊＊＊＊"),
        ("零零幺三", "＊＊＊＊"),
        ("我叫张建国，想挂号", "我叫张＊＊，想挂号"),
        ("患者叫欧阳雪", "患者叫欧阳＊"),
        ("姓名李雷，今年五十", "姓名李＊，今年五十"),
        ("孩子叫王小明他发烧", "孩子叫王＊＊他发烧"),
        ("我住在幸福路十二号三单元", "我住在＊＊＊＊＊＊＊＊＊"),
        ("家在海淀区学院南路", "家在＊＊＊＊＊＊＊"),
        ("寄到阳光小区5栋302室吧", None),
    ],
)
def test_personal_data_is_covered(text, covered):
    found = mask(text)
    assert len(found) == len(text)
    assert MASK in found
    if covered is not None:
        assert found == covered


@pytest.mark.parametrize(
    "text",
    [
        "请拨打120",
        "120",
        "一二零",
        "工号1026为您服务",
        "医药费一共1234567元",
        "周三上午九点半，三楼十二诊室",
        "我叫救护车了",
        "我叫你别急",
        "他姓什么我不知道",
        "我们医院在中山路100号",
        "门诊在健康路二十号一楼",
        "我住在十二床",
        "张先生您好",
        "血压一百六，心率九十",
        "等了两个小时",
        "名字是什么",
    ],
)
def test_look_alikes_stay(text):
    assert mask(text) == text


def test_only_the_kinds_that_are_asked_for():
    text = "我叫张建国，电话13800138000"
    assert mask(text, {"name"}) == "我叫张＊＊，电话13800138000"
    assert mask(text, set()) == text


def test_a_number_that_is_still_being_said_is_covered_early():
    assert mask("电话幺三八零", growing=True) == "电话＊＊＊＊"
    assert mask("请打120", growing=True) == "请打120"


@given(
    st.text(
        alphabet=st.one_of(
            st.characters(), st.sampled_from("0123456789幺一二三零我叫王李张名住在路号电话，。")
        )
    )
)
def test_offsets_stay_and_covering_again_changes_nothing(text):
    once = mask(text)
    assert len(once) == len(text)
    assert mask(once) == once
    for span in personal_spans(text):
        assert 0 <= span.start < span.end <= len(text)


def test_events_are_covered_with_their_spans():
    said = final("customer", 1, 3, "我电话13800138000")
    assert redact(said).text == "我电话＊＊＊＊＊＊＊8000"
    alert = Alert(
        at=1, alert_id="a", call_id=CALL, queue="", agent="", rule="r", kind="privacy_leak",
        severity="high", role="agent", title="", title_en="", phrase="13800138000", start=1,
        end=2, suspected=False,
        evidence=Evidence(segment_id="s", text="他电话13800138000", span=(3, 14)),
    )  # fmt: skip
    covered = redact(alert)
    assert covered.phrase == "＊＊＊＊＊＊＊8000"
    assert covered.evidence.text[slice(*covered.evidence.span)] == covered.phrase
    assert redact(covered) is covered
    partial = TranscriptPartial(
        at=ANSWERED, call_id=CALL, role="agent", segment_id="s", start=0, end=1, text="幺三八零",
        stable=2, revision=1,
    )  # fmt: skip
    assert redact(partial).text == MASK * 4
    quiet = final("agent", 1, 2, "您好")
    assert redact(quiet) is quiet
