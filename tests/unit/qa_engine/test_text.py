import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_engine.text import _lay_out, normalise


@pytest.mark.parametrize(
    ("original", "text"),
    [
        ("您好，工号一零二六。", "你好工号1026"),
        ("请拨打幺二零", "请拨打120"),
        ("ＶＩＰ　１２３", "vip123"),
        ("請問後天檢查嗎？", "请问后天检查吗"),
        ("嗯，啊，我呃不知道", "我不知道"),
        ("住在十二床", "住在12床"),
        ("三百二十五块", "325块"),
        ("二十四小时", "24小时"),
        ("一百零五", "105"),
        ("打一百二", "打120"),
        ("两百五十块和三千五和三千零五", "250块和3500和3005"),
        ("一千二百三和一千零二十", "1230和1020"),
        ("百分之百成功", "100%成功"),
        ("百分百成功", "100%成功"),
        ("百分之九十五", "95%"),
        ("哈哈哈哈哈", "哈哈"),
        ("谢谢，妈妈", "谢谢妈妈"),
        ("1000元", "1000元"),
        ("她和妳", "他和你"),
        ("十分抱歉", "十分抱歉"),
        ("。，！", ""),
        ("", ""),
    ],
)
def test_what_text_becomes(original, text):
    assert normalise(original).text == text


def test_a_match_is_shown_where_it_stood():
    heard = normalise("好的，成功率是百分之百，您放心。")
    start = heard.text.index("100%")
    assert heard.original[slice(*heard.span(start, start + 4))] == "百分之百"


def test_the_ends_of_sentences_and_clauses_are_remembered():
    heard = normalise("我不知道。您方便，就来")
    assert heard.one_clause(0, 4)
    assert not heard.one_sentence(2, 6)
    assert heard.one_sentence(4, 9)
    assert not heard.one_clause(4, 9)


@given(
    st.text(
        alphabet=st.one_of(
            st.characters(), st.sampled_from("一二两十百千万零幺分之，。嗯啊%9０㎏…")
        )
    )
)
def test_offsets_are_valid_and_never_go_back(original):
    heard = normalise(original)
    laid_out = _lay_out(original)
    assert heard.text == laid_out.text
    assert list(heard.stops) == laid_out.stops
    assert len(heard.text) == len(heard.starts) == len(heard.ends)
    assert list(heard.starts) == sorted(heard.starts)
    assert list(heard.ends) == sorted(heard.ends)
    for start, end in zip(heard.starts, heard.ends, strict=True):
        assert 0 <= start < end <= len(original)
    for marks in (heard.stops, heard.pauses):
        assert list(marks) == sorted(set(marks))
        assert all(0 <= mark <= len(heard.text) for mark in marks)
    assert set(heard.stops) <= set(heard.pauses)


@given(st.text(alphabet="您好我不知道ABCabc零一二三，。 嗯妈"))
def test_what_is_normalised_stays_as_it_is(original):
    once = normalise(original).text
    assert normalise(once).text == once
