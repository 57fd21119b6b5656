import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qa_calls import ANSWERED, CALL, final

from asr.events import Correction, TranscriptPartial
from qa_engine.events import Alert, AlertCommented, Evidence, ProvisionalAlert
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
        ("我们家住在建国路88号", "我们家住在＊＊＊＊＊＊"),
        ("我住在人民医院旁边的和平小区3号楼", "我住在＊＊＊＊＊＊＊＊＊＊＊＊＊＊"),
        (
            "一一零一零五，一九四九，一二三一，零零二，叉",
            "＊＊＊＊＊＊，＊＊＊＊，＊＊＊＊，＊＊＊，＊",
        ),
        ("身份证号是一一零一", "身份证号是＊＊＊＊"),
        ("电话幺三八", "电话＊＊＊"),
        ("好，幺三八零", "好，＊＊＊＊"),
        ("嗯，后面是八零零零", "嗯，后面是＊＊＊＊"),
        ("一三八然后零零一三", "＊＊＊然后＊＊＊＊"),
        ("好的您说，零零幺三，我记一下", "好的您说，＊＊＊＊，我记一下"),
        ("是，幺，三，八，零，零", "是，＊，＊，＊，＊，＊"),
        ("零五", "＊＊"),
        # The rest of what the segment before began.
        ("0288下午打", "＊＊＊＊下午打"),
        ("八零零零，您记一下", "＊＊＊＊，您记一下"),
        ("零零二叉", "＊＊＊＊"),
        ("62220212", "＊＊＊＊＊＊＊＊"),
        ("我是王小明。", "我是王＊＊。"),
        ("病人是李建国，五十岁", "病人是李＊＊，五十岁"),
        ("我姓张，叫张伟", "我姓张，叫张＊"),
        ("给我妈妈挂号，她叫孙秀英", "给我妈妈挂号，她叫孙＊＊"),
        ("请王小明先生接电话", "请王＊＊先生接电话"),
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
        "我是高血压",
        "我是徐州人",
        "我是李医生",
        "我是张女士",
        "和李女士说",
        "我爸住在你们医院三号楼五层",
        "医保卡在302室办",
        "打电话，房间302",
        "手机尾号8000",
        "周一、三、五上午",
        "周一三五上午",
        "多少钱？五百",
        "二十四",
        "20",
        "好的，100，谢谢",
        "12345我打过了",
        "2025年的片子",
        "一千五百多吧",
        "一万两千五多吗",
        "1203病房",
        "1500块",
        "一个三个八",
        "投诉电话是12345",
        "医保卡里有五百元",
        "打电话要等120分钟",
        "病历号1203室",
        "手机买了2000块",
    ],
)
def test_look_alikes_stay(text):
    assert mask(text) == text


@pytest.mark.parametrize("number", ["110", "114", "119", "120", "122", "12345", "12320"])
def test_the_numbers_of_public_services_are_everybodys(number):
    for text in (number, f"请拨打{number}", f"电话是{number}", f"{number}，我打过了"):
        assert mask(text) == mask(text, growing=True) == text


def test_only_the_kinds_that_are_asked_for():
    text = "我叫张建国，电话13800138000"
    assert mask(text, {"name"}) == "我叫张＊＊，电话13800138000"
    assert mask(text, set()) == text


def test_a_number_that_is_still_being_said_is_covered_early():
    assert mask("电话幺三八零", growing=True) == "电话＊＊＊＊"
    assert mask("请打120", growing=True) == "请打120"


def left(text, covered):
    """Which characters that stand for digits were not covered."""
    return [a for a, b in zip(text, covered, strict=True) if b != MASK and (a in SPOKEN + "0")]


SPOKEN = "零幺二三四五六七八九一"
WAYS = ("0123456789", SPOKEN[:10], "零一二三四五六七八九")
NUMBERS = ("13800138000", "330106197905231034", "33010619790523103X", "6222021987654321098")
"""None holds 120 or the like, which stays, as it is everybody's."""


@st.composite
def dictated(draw):
    """A number in one of the ways in which it is said, cut into pieces of three digits and more."""
    number, way = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(WAYS))
    said = "".join(way[int(digit)] if digit.isdigit() else "叉" for digit in number)
    pieces = []
    while said:
        size = draw(st.integers(3, 6))
        if len(said) - size < 3:
            size = len(said)
        pieces.append(said[:size])
        said = said[size:]
    return pieces


@given(dictated(), st.sampled_from(["", " ", "，", "-", "、 "]))
def test_of_a_number_in_one_sentence_four_digits_stay_at_most(pieces, pause):
    text = "号码是" + pause.join(pieces)
    assert len(left(text, mask(text))) <= 4


@given(
    dictated(), st.sampled_from(["", "对，", "然后是", "后面", "嗯，"]), st.sampled_from("。， 吗")
)
def test_of_a_number_over_several_sentences_four_digits_stay_at_most(pieces, before, after):
    sentences = [f"{before}{piece}{after}" for piece in pieces]
    assert sum(len(left(text, mask(text))) for text in sentences) <= 4


@given(dictated())
def test_revisions_of_a_number_that_is_being_said_do_not_tell_it_bit_by_bit(pieces):
    said = "".join(pieces)
    shown = set()
    for length in range(1, len(said) + 1):
        covered = mask("电话" + said[:length], growing=True)[2:]
        shown |= {at for at, char in enumerate(covered) if char != MASK}
    assert shown <= {0, 1}


def test_a_card_is_told_by_its_check_digit_where_an_id_number_could_be_as_long():
    assert {span.kind for span in personal_spans("621700001234567890")} == {"id_number"}
    assert {span.kind for span in personal_spans("621700001234567893")} == {"bank_card"}


def test_no_field_of_an_event_tells_what_another_covers():
    said = msgspec.structs.replace(
        final("customer", 1, 3, "我叫张建国，电话幺三八零零幺三八零零零"),
        display="我叫张建国，电话13800138000",
        corrections=(Correction(2, "张剑国", "张建国"), Correction(0, "窝", "我")),
    )
    covered = redact(said)
    assert covered.text == "我叫张＊＊，电话＊＊＊＊＊＊＊八零零零"
    assert covered.display == "我叫张＊＊，电话＊＊＊＊＊＊＊8000"
    assert covered.corrections == (Correction(0, "窝", "我"),)
    assert redact(covered) is covered
    provisional = ProvisionalAlert(
        at=1, alert_id="a", call_id=CALL, queue="", agent="", rule="r", kind="red_line",
        severity="high", role="agent", title="", title_en="", phrase="包治", start=1, end=2,
        evidence=Evidence(segment_id="s", text="包治，电话1380013", span=(0, 2)),
    )  # fmt: skip
    assert redact(provisional).evidence.text == "包治，电话＊＊＊＊＊＊＊"
    remark = AlertCommented(at=1, alert_id="a", call_id=CALL, by="lead", text="回电13800138000")
    assert redact(remark).text == "回电＊＊＊＊＊＊＊8000"


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
