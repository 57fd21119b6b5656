"""Numbers as people write them: inverse text normalisation of Chinese numerals. Pure.

工号幺零三幺 becomes 工号1031, 五月十二号上午八点半 5月12号上午8点半. Only what is surely a number
changes: digits told one by one from three on, numerals with 十百千万亿, and numerals before a
unit. 十分 (very), 万一 (in case) and 三五个 (three or five) stay.
"""

from __future__ import annotations

import re

_DIGIT = {
    digit: number
    for number, digits in enumerate(
        ("零〇", "一幺", "二两", "三", "四", "五", "六", "七", "八", "九")
    )
    for digit in digits
}
_PLACE = {"十": 10, "百": 100, "千": 1000}
_BIG = {"万": 10_000, "亿": 100_000_000}
_NUMERAL = r"[零一二三四五六七八九十百千万亿两]"
_UNITS = (
    r"年|月|日|号|点|分钟|小时|楼|层|岁|元|块|天|周|米|公里|毫升|毫克|毫米|厘米|公斤|克|度|"
    r"号楼|诊室|病区|床|次|分钟"
)
# Up to 9999, places in falling order, 零 for a place left out; 一百五 could be 150 or the
# beginning of something else, and is none.
_D = "[一二三四五六七八九两]"
_TENS = rf"(?:{_D}?十{_D}?)"
_SECTION = (
    rf"(?:{_D}千(?:{_D}百(?:{_D}十{_D}?|零{_D})?|零{_TENS}|零{_D})?"
    rf"|{_D}百(?:{_D}十{_D}?|零{_D})?|{_TENS}|[零一二三四五六七八九两])"
)
_WELL_FORMED = re.compile(rf"(?:{_SECTION}亿零?)?(?:{_SECTION}万零?)?{_SECTION}|{_SECTION}[万亿]")
_STAY = re.compile(
    r"千万|万一|万分|(?<![一二三四五六七八九])十分(?!钟)|万岁|一百分|百分百|十足|百般|千方百计|成千上万|一万个|万能|万全|"
    r"十字|百姓|百年|万事|一点(?![半零一二三四五六七八九十])|星期[一二三四五六]|礼拜[一二三四五六]|周[一二三四五六]"
)
_PERCENT = re.compile(rf"百分之({_NUMERAL}+)(?:点([零一二三四五六七八九]+))?")
_DECIMAL = re.compile(rf"({_NUMERAL}+)点([零一二三四五六七八九]+)(?=度|元|块|毫|厘|公|米|克|%)")
_ONE_BY_ONE = re.compile(r"[零〇一二三四五六七八九幺]{3,}")
# Neither touches what is left of a numeral that is none (一千一号): half of it in digits would
# read as another number.
_PLACED = re.compile(rf"(?<!\d){_NUMERAL}{{2,}}(?!\d)")
_BEFORE_UNIT = re.compile(
    rf"(?<![\d零一二三四五六七八九十百千万亿两])([零一二三四五六七八九十两]+)(?={_UNITS})"
)
_TIME = re.compile(r"(\d{1,2}点)([零一二三四五六七八九十]+)(?=分|$|[^\u4e00-\u9fff])")


def value(numeral: str) -> int | None:
    """The number that a numeral by place value stands for, or None when it is none."""
    if not _WELL_FORMED.fullmatch(numeral):
        return None
    total = section = digit = 0
    for character in numeral:
        if character in _DIGIT:
            digit = _DIGIT[character]
        elif character in _PLACE:
            section += (digit or 1) * _PLACE[character]
            digit = 0
        else:
            total += (section + digit) * _BIG[character]
            section = digit = 0
    return total + section + digit


def written(text: str) -> str:
    """The text with its numbers in digits."""
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return chr(0xE000 + len(kept) - 1)

    text = _PERCENT.sub(_percent, text)
    text = _DECIMAL.sub(_decimal, text)
    text = _STAY.sub(keep, text)
    text = _ONE_BY_ONE.sub(_one_by_one, text)
    text = _PLACED.sub(_by_value, text)
    text = _BEFORE_UNIT.sub(_by_value, text)
    text = _TIME.sub(lambda match: match[1] + _plain(match[2]), text)
    return re.sub("[\ue000-\uf8ff]", lambda match: kept[ord(match[0]) - 0xE000], text)


def _plain(numeral: str) -> str:
    number = value(numeral)
    return numeral if number is None else str(number)


def _percent(match: re.Match[str]) -> str:
    number = value(match[1])
    if number is None:
        return match[0]
    rest = f".{_digits(match[2])}" if match[2] else ""
    return f"{number}{rest}%"


def _decimal(match: re.Match[str]) -> str:
    number = value(match[1])
    return match[0] if number is None else f"{number}.{_digits(match[2])}"


def _one_by_one(match: re.Match[str]) -> str:
    told = match[0]
    surely = len(told) > 3 or "幺" in told or "零" in told  # noqa: PLR2004 - 一二三 may be counting
    return _digits(told) if surely else told


def _by_value(match: re.Match[str]) -> str:
    told = match[0]
    if len(told) > 1 and not any(character in "十百千万亿" for character in told):
        return told
    number = value(told)
    if number is None or told in {"万", "亿", "千", "百"}:
        return told
    return str(number)


def _digits(told: str) -> str:
    return "".join(str(_DIGIT[character]) for character in told)
