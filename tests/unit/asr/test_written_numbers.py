import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.written_numbers import value, written


@pytest.mark.parametrize(
    ("spoken", "shown"),
    [
        ("工号幺零三幺", "工号1031"),
        ("电话是幺三八零零幺三八零零零", "电话是13800138000"),
        ("打幺二零", "打120"),
        ("二零二六年三月五号", "2026年3月5号"),
        ("五月十二号上午八点半", "5月12号上午8点半"),
        ("八点三十分", "8点30分"),
        ("两点半", "2点半"),
        ("二十分钟", "20分钟"),
        ("一共三百二十块", "一共320块"),
        ("一千零五十元", "1050元"),
        ("三万五千", "35000"),
        ("百分之二十五", "25%"),
        ("百分之九十九点五", "99.5%"),
        ("体温三十八点五度", "体温38.5度"),
        ("在三楼", "在3楼"),
    ],
)
def test_numbers_are_written_in_digits(spoken, shown):
    assert written(spoken) == shown


@pytest.mark.parametrize(
    "text",
    [
        "十分感谢", "万一不行呢", "千万别", "三五个人", "一百五", "一点也不", "请等一下",
        "一二三", "星期三下午", "百分百", "成千上万", "一个", "", "Hello 123",
    ],
)  # fmt: skip
def test_what_is_no_number_stays(text):
    assert written(text) == text


@given(st.text(alphabet="零一二两三幺十百千万亿点分年月号百分之好、", max_size=20))
def test_whatever_comes_it_ends_and_is_stable(text):
    assert written(written(text)) == written(text)


def spoken(number):
    """The usual way to say a number below a hundred million."""
    digits = "零一二三四五六七八九"

    def section(n):
        told, zero = "", False
        for place, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
            digit = n // place % 10
            if digit:
                told += ("零" if zero and told else "") + digits[digit] + name
                zero = False
            else:
                zero = True
        return told

    high, low = divmod(number, 10_000)
    told = section(high) + "万" if high else ""
    if low:
        told += ("零" if high and low < 1000 else "") + section(low)
    return told


@given(st.integers(1, 99_999_999))
def test_every_number_is_read_back(number):
    assert value(spoken(number)) == number
