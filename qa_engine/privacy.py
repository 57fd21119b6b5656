"""Personal data in what was said: where it stands, and the same text with it covered.

Numbers are found in digits and in spoken numerals (幺三八零零…), names after the words that
introduce one, addresses by their parts. Every covered character becomes one `MASK`, so that
offsets and spans into the text stay true. What was covered once stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import msgspec

from asr.events import TranscriptFinal, TranscriptPartial
from backbone.events import Event
from qa_engine.events import Alert, Hit, ProvisionalAlert
from qa_engine.text import Normalised, normalise

MASK = "＊"

PersonalKind = Literal["id_number", "phone", "bank_card", "number", "name", "address"]
KINDS: frozenset[PersonalKind] = frozenset(get_args(PersonalKind))

SHOWN_DIGITS = 4
"""Last digits of a phone or card that stay: enough to tell two apart, not enough to call."""


@dataclass(frozen=True, slots=True, order=True)
class PersonalSpan:
    """Characters [start, end) of the original text to be covered, and what they are."""

    start: int
    end: int
    kind: PersonalKind


_ID = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dx]")
_DIGITS = re.compile(r"\d{7,}x?")
# An amount, a year or a count is nobody's number.
_UNIT = re.compile(r"[元块年个万亿岁毫%]")
_NAMED_NUMBER = re.compile(
    r"(?:身份证|证件|电话|手机|号码|卡号|银行卡|医保卡|社保|病历号|住院号|就诊卡|微信)"
    r"[^\d]{0,8}?(\d{5,6})(?![\dx])"
)
_ALONE = re.compile(r"(?:是|对|就是|然后|后面|前面)?(\d{3,6})(?:对|吧|吗|了)?")
_SERVICE = frozenset({"110", "114", "119", "120", "122", "12345", "12320"})
_MOBILE = re.compile(r"1[3-9]\d{9}")
_CARD_LENGTHS = range(16, 20)

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑谢罗梁宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏"
    "魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万"
    "钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包"
    "宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷曲盛冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时"
    "穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯"
# A name's end cannot be told for certain; these characters rarely stand in one.
_NO_NAME = (
    "我你他的是在了吗呢啊吧嘛和跟也就都不没有来去想要问挂今昨前后电身住打"
    "下上这那个一号预咨先从给把被让啥么"
)
_INTRODUCED = (
    r"(?:我叫|我名字叫|名字叫|名字是|姓名叫|姓名是|姓名|全名叫|全名是|(?:病人|患者|孩子|宝宝|老人|"
    r"爱人|母亲|父亲|妈妈|爸爸|老公|老婆|儿子|女儿|家属|联系人|本人)(?:名字)?(?:叫|是叫|名叫)|名叫|户名是|户名)"
)
_NAME = re.compile(
    rf"{_INTRODUCED}(?:做|作)?((?:{_COMPOUND}|[{_SURNAMES}])[^\W\d_a-z]{{1,2}})",
)
_GIVEN = re.compile(rf"[{_NO_NAME}]")

_PLACE = r"(?:路|街|大道|巷|弄|胡同|小区|花园|公寓|家园|新村|苑|庄|村|镇|屯|社区|大厦|广场)"
_DOOR = r"(?:号楼|号院|栋|幢|座|单元|号|弄|室|楼|层|组|队|房)"
_ADDRESS = re.compile(
    rf"[^\W\d_a-z]{{2,12}}?{_PLACE}(?:[^\W_]{{0,6}}?{_PLACE})?[^\W\d_]{{0,6}}?"
    rf"\d{{1,5}}{_DOOR}(?:[^\W\d_]{{0,2}}\d{{1,5}}{_DOOR}?)*"
)
_LIVES = re.compile(
    r"(?:住在|家住|家在|住址是|住址|地址是|家庭地址|收件地址|寄到|送到)"
    r"([^\W_]{1,16}?(?:省|市|区|县|镇|乡|路|街|大道|巷|弄|小区|花园|新村|村|栋|单元)[^\W_]{0,16})"
)
_LEAD = re.compile(r"[^\W_]{0,8}(?:住在|家住|家在|在|是|到)")
_OUR_OWN = re.compile(r"(?:医院|我们|我院|本院|院区|门诊|急诊|窗口|中心)")


def personal_spans(text: str, *, growing: bool = False) -> tuple[PersonalSpan, ...]:
    """Personal data in a text, in order, none overlapping.

    Args:
        text: as it was recognised.
        growing: more of the sentence is to come, so that a number at its end may only have begun.
    """
    heard = normalise(text)
    if not heard.text:
        return ()
    found = [*_numbers(heard, growing=growing), *_names(heard), *_addresses(heard)]
    kept: list[PersonalSpan] = []
    # What covers more is taken first; what lies inside is covered with it.
    for span in sorted(found, key=lambda s: (s.start - s.end, s.start)):
        if not any(span.start < other.end and other.start < span.end for other in kept):
            kept.append(span)
    return tuple(sorted(kept))


def mask(text: str, kinds: Collection[PersonalKind] = KINDS, *, growing: bool = False) -> str:
    """The text with personal data of these kinds covered; as long as it was."""
    before, after = "", text
    # What is left may read as something else once its neighbours are gone.
    while kinds and after != before:
        before, after = after, _once(after, kinds, growing=growing)
    return after


def _once(text: str, kinds: Collection[PersonalKind], *, growing: bool) -> str:
    covered = list(text)
    for span in personal_spans(text, growing=growing):
        if span.kind in kinds:
            for at in range(span.start, span.end):
                if covered[at].isalnum():
                    covered[at] = MASK
    return "".join(covered)


def _numbers(heard: Normalised, *, growing: bool) -> Iterator[PersonalSpan]:
    text = heard.text
    for match in _DIGITS.finditer(text):
        if _UNIT.match(text, match.end()):
            continue
        yield _number(heard, match.start(), match.end())
    for match in _NAMED_NUMBER.finditer(text):
        if not _UNIT.match(text, match.end()):
            yield PersonalSpan(*heard.span(*match.span(1)), "number")
    if MASK in heard.original:
        return  # the digits that are left were left on purpose
    alone = _ALONE.fullmatch(text)
    if alone is not None and alone.group(1) not in _SERVICE:
        # Numbers are dictated in pieces, one segment each.
        yield PersonalSpan(*heard.span(*alone.span(1)), "number")
    begun = re.search(r"\d{4,6}$", text) if growing else None
    if begun is not None and begun.group() not in _SERVICE:
        yield PersonalSpan(*heard.span(*begun.span()), "number")


def _number(heard: Normalised, start: int, end: int) -> PersonalSpan:
    digits = heard.text[start:end]
    if _ID.search(digits) or digits.endswith("x"):
        return PersonalSpan(*heard.span(start, end), "id_number")
    kind: PersonalKind = "number"
    if _MOBILE.fullmatch(digits) or digits.startswith("0"):
        kind = "phone"
    elif len(digits) in _CARD_LENGTHS:
        kind = "bank_card"
    return PersonalSpan(*heard.span(start, end - SHOWN_DIGITS), kind)


def _names(heard: Normalised) -> Iterator[PersonalSpan]:
    for match in _NAME.finditer(heard.text):
        start, end = match.span(1)
        surname = 2 if re.match(_COMPOUND, match.group(1)) else 1
        stop = _GIVEN.search(heard.text, start + surname, end)
        if stop is not None:
            end = stop.start()
        given = start + surname
        while end > given and not heard.one_clause(given, end):
            end -= 1
        if end > given:
            # The surname stays, as people are addressed by it.
            yield PersonalSpan(*heard.span(given, end), "name")


def _addresses(heard: Normalised) -> Iterator[PersonalSpan]:
    text = heard.text
    for pattern, group in ((_ADDRESS, 0), (_LIVES, 1)):
        for match in pattern.finditer(text):
            start, end = match.span(group)
            if _OUR_OWN.search(text, max(0, start - 8), end):
                continue  # where the hospital stands is no secret
            lead = _LEAD.match(text, start, end)
            start = lead.end() if lead is not None else start
            stop = next((m for m in heard.stops if start < m < end), end)
            if stop > start:
                yield PersonalSpan(*heard.span(start, stop), "address")


_E = TypeVar("_E", bound=Event)


def redact(event: _E, kinds: Collection[PersonalKind] = KINDS) -> _E:
    """An event with personal data covered in all that it quotes; the same one if it quotes none.

    Idempotent: what comes back from a store that holds covered text passes unchanged.
    """
    match event:
        case TranscriptFinal():
            return _with_text(event, mask(event.text, kinds))
        case TranscriptPartial():
            return _with_text(event, mask(event.text, kinds, growing=True))
        case Hit() | Alert() | ProvisionalAlert() if event.evidence.text:
            text = mask(event.evidence.text, kinds)
            if text == event.evidence.text:
                return event
            span = event.evidence.span
            evidence = msgspec.structs.replace(event.evidence, text=text)
            phrase = text[slice(*span)] if span is not None else mask(event.phrase, kinds)
            return msgspec.structs.replace(event, phrase=phrase, evidence=evidence)
        case _:
            return event


def _with_text(event: _E, text: str) -> _E:
    if text == getattr(event, "text", None):
        return event
    return msgspec.structs.replace(event, text=text)
