"""Personal data in what was said: where it stands, and the same text with it covered.

Numbers are found in digits and in spoken numerals (幺三八零零…), names after the words that
introduce one, addresses by their parts. Every covered character becomes one `MASK`, so that
offsets and spans into the text stay true. What was covered once stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import msgspec

from asr.events import TranscriptFinal, TranscriptPartial
from backbone.events import Event
from qa_engine.events import Alert, AlertCommented, Hit, ProvisionalAlert
from qa_engine.text import Normalised, normalise

MASK = "＊"

PersonalKind = Literal["id_number", "phone", "bank_card", "number", "name", "address"]
KINDS: frozenset[PersonalKind] = frozenset(get_args(PersonalKind))

SHOWN_DIGITS = 4
"""Last digits of a whole phone or card number that stay: enough to tell two apart, not to call."""


@dataclass(frozen=True, slots=True, order=True)
class PersonalSpan:
    """Characters [start, end) of the original text to be covered, and what they are."""

    start: int
    end: int
    kind: PersonalKind


_ID = re.compile(r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dx]")
_X = "(?:x|叉|差|艾克斯)"
_DIGITS = re.compile(rf"\d{{15,17}}(?:大写)?{_X}|\d{{7,}}x?")
# An amount, a year or a count is nobody's number.
_UNIT = re.compile(r"[元块年个万亿岁毫%]")
_PLACE_OR_COUNT = re.compile(r"[室窗楼诊房病床号分点天次路人位层米科]")
# 尾号 is told to tell two apart by, as the last digits that stay are.
_NAMED_NUMBER = re.compile(
    r"(?:身份证|证件|电话|手机|号码|卡号|银行卡|医保卡|社保|病历号|住院号|就诊卡|微信)"
    r"(?:(?!尾号|[房楼室科床])\D){0,8}?(\d{3,6})(?![\dx])"
)
_SURE_LENGTH = 5
"""A shorter number after the word for one may be a room or a time; what follows it decides."""
# Numbers are dictated in pieces, one segment each, with little else between them.
_GLUE = (
    "(?:就是|是吧|对吧|对|好的|好|那|然后|接着|后面|前面|中间|最后|再|哦|哎|喂|吧|吗|了|呢|吖|没错|"
    "记下|记一下|你记一下|你说|是)"
)
_DICTATED = re.compile(rf"(?:{_GLUE}|\d+{_X}?)*+")
_PIECE = re.compile(rf"\d+{_X}?")
_SPELT_OUT = re.compile(
    r"(?<![周期拜第\d零〇一二三四五六七八九幺])(?:[\d零〇一二三四五六七八九幺][，,、\s]+){3,}"
    r"[\d零〇一二三四五六七八九幺]+"
)
_ONE_BY_ONE = re.compile("0|.*[零〇幺]")
_BY_PLACE = re.compile("[十百千万亿]")
_SHORTEST_PIECE = 3
# The rest of a number that a segment before began (see `FinalWanted`), with other words behind it.
_REST = re.compile(r"\d{4,6}(?!\d)")
_BEGUN = re.compile(r"\d{3,6}$")
_SERVICE = frozenset({"110", "114", "119", "120", "122", "12345", "12320"})
_PHONE = re.compile(r"(?:86|0)?1[3-9]\d{9}|0\d{9,11}")
_CARD_LENGTHS = range(16, 20)
_MISHEARD_ID_LENGTHS = (15, 17, 18)
"""An ID number of old, or one of which a digit was lost or misheard."""

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
    r"(?:[我他你]叫|[我他你](?:就|也|大名|全名)叫|名字叫|名字是|姓名叫|姓名是|姓名|全名叫|全名是|(?:病人|患者|孩子|宝宝|老人|"
    r"爱人|母亲|父亲|妈妈|爸爸|老公|老婆|儿子|女儿|家属|联系人|本人)(?:名字)?(?:叫|是叫|名叫)|名叫|户名是|户名)"
)
_NAME = re.compile(
    rf"{_INTRODUCED}(?:做|作)?((?:{_COMPOUND}|[{_SURNAMES}])[^\W\d_a-z]{{1,2}})",
)
_GIVEN = re.compile(rf"[{_NO_NAME}]")
# After 我是 much else may follow: only surnames that begin few words, at the end of a clause.
_PLAIN_SURNAMES = "王李张刘杨赵吴徐郭郑梁宋韩冯邓曹彭肖董袁潘蒋蔡杜魏吕沈姚卢崔谭廖贾"
_TITLE = "先生|女士|小姐|医生|大夫|主任|护士|院长|教授|老师|阿姨|叔叔|大爷|师傅|经理|警官"
_NO_GIVEN = rf"(?!{_TITLE}|.?[{_NO_NAME}人州省市县区村镇家总姐哥])"
_I_AM = re.compile(
    rf"(?:我|人|者|孩子|家属|爸|妈)(?:就)?是([{_PLAIN_SURNAMES}]{_NO_GIVEN}[^\W\d_a-z]{{1,2}})"
)
_ADDRESSED = re.compile(
    rf"([{_PLAIN_SURNAMES}]{_NO_GIVEN}[^\W\d_a-z]{{1,2}})(?:先生|女士|小姐|小朋友)"
)
_SURNAME_FIRST = re.compile(
    rf"姓({_COMPOUND}|[{_SURNAMES}])(?:名叫|全名|名字|叫|是)?(\1[^\W\d_a-z]{{1,2}})"
)

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
_OUR_OWN = re.compile(r"(?:医院|我们(?!家)|我院|本院|院区|门诊|急诊|窗口|中心)")
_HOME = re.compile("住|家")
_BESIDE = re.compile(r"旁边|附近|对面|隔壁|边上|后面|门口|家属院|宿舍")


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
    whole: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        if _UNIT.match(text, match.end()):
            continue
        whole.append(match.span())
        # Of one that goes on, other digits would be the last ones at every revision.
        goes_on = growing and match.end() == len(text)
        yield _number(heard, *match.span(), shown=0 if goes_on else SHOWN_DIGITS)
    for match in _NAMED_NUMBER.finditer(text):
        said = heard.original[slice(*heard.span(match.start(), match.end()))]
        if MASK not in said and _is_named(heard, *match.span(1)):
            yield PersonalSpan(*heard.span(*match.span(1)), "number")
    if MASK in heard.original:
        return  # the digits that are left were left on purpose
    for start, end in _dictated(heard):
        if not any(start < stop and begin < end for begin, stop in whole):
            yield PersonalSpan(*heard.span(start, end), "number")
    for match in _SPELT_OUT.finditer(heard.original):
        yield PersonalSpan(*match.span(), "number")
    for start, end in _parts(heard, growing=growing):
        yield PersonalSpan(*heard.span(start, end), "number")


def _parts(heard: Normalised, *, growing: bool) -> Iterator[tuple[int, int]]:
    """[start, end) of what may be one end of a number that another segment has the rest of."""
    rest = _REST.match(heard.text)
    if rest is not None and _goes_on(heard, rest.end()):
        yield rest.span()
    begun = _BEGUN.search(heard.text) if growing else None
    if begun is not None and begun.group() not in _SERVICE:
        yield begun.span()


def _is_named(heard: Normalised, start: int, end: int) -> bool:
    """Whether digits after the word for a number are one."""
    text = heard.text
    if text[start:end] in _SERVICE or _UNIT.match(text, end):
        return False
    if end - start >= _SURE_LENGTH:
        return True
    return _PLACE_OR_COUNT.match(text, end) is None and not _by_place(heard, start, end)


def _goes_on(heard: Normalised, end: int) -> bool:
    """Whether the digits up to `end`, with which a text begins, may be the end of a number."""
    return not _by_place(heard, 0, end) and _is_named(heard, 0, end)


def _dictated(heard: Normalised) -> Iterator[tuple[int, int]]:
    """[start, end) of the pieces of a number that is told one digit after the other."""
    text = heard.text
    alone = _DICTATED.fullmatch(text) is not None
    stretches = [(0, len(text))] if alone else heard.clauses()
    for begin, stop in stretches:
        if not alone and _DICTATED.fullmatch(text, begin, stop) is None:
            continue
        for piece in _PIECE.finditer(text, begin, stop):
            start, end = piece.span()
            if piece.group() in _SERVICE or _by_place(heard, start, end):
                continue
            first, last = heard.span(start, end)
            zeros = _ONE_BY_ONE.match(heard.original, first, last) is not None
            # Beside other words, a short number is mostly a room, an hour or a queue ticket.
            if (zeros or alone) and (zeros or end - start >= _SHORTEST_PIECE):
                yield start, end


def _by_place(heard: Normalised, start: int, end: int) -> bool:
    """Whether a numeral was said by place value, as amounts are, not digit by digit."""
    return _BY_PLACE.search(heard.original, *heard.span(start, end)) is not None


def _number(heard: Normalised, start: int, end: int, *, shown: int) -> PersonalSpan:
    digits = heard.text[start:end]
    kind: PersonalKind = "number"
    if _ID.search(digits) or not digits.isdigit():
        kind = "id_number"
    elif _PHONE.fullmatch(digits):
        kind = "phone"
    elif len(digits) in _CARD_LENGTHS and (
        _luhn(digits) or len(digits) not in _MISHEARD_ID_LENGTHS
    ):
        kind = "bank_card"
    elif len(digits) in _MISHEARD_ID_LENGTHS:
        kind = "id_number"
    if kind in ("phone", "bank_card"):
        end -= shown
    return PersonalSpan(*heard.span(start, end), kind)


def _luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812-1, as bank cards have it."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    rest = sum(int(digit) for digit in digits[::-2])
    return (rest + sum(number - 9 * (number > 9) for number in doubled)) % 10 == 0  # noqa: PLR2004 - the standard's nine and ten


def _names(heard: Normalised) -> Iterator[PersonalSpan]:
    for pattern, group in ((_NAME, 1), (_SURNAME_FIRST, 2), (_ADDRESSED, 1)):
        for match in pattern.finditer(heard.text):
            yield from _given_name(heard, *match.span(group))
    for match in _I_AM.finditer(heard.text):
        if match.end() == len(heard.text) or match.end() in heard.pauses:
            yield from _given_name(heard, *match.span(1))


def _given_name(heard: Normalised, start: int, end: int) -> Iterator[PersonalSpan]:
    """A name without its surname, which stays, as people are addressed by it."""
    given = start + (2 if re.match(_COMPOUND, heard.text[start:end]) else 1)
    stop = _GIVEN.search(heard.text, given, end)
    if stop is not None:
        end = stop.start()
    while end > given and not heard.one_clause(given, end):
        end -= 1
    if end > given:
        yield PersonalSpan(*heard.span(given, end), "name")


def _addresses(heard: Normalised) -> Iterator[PersonalSpan]:
    text = heard.text
    for pattern, group in ((_ADDRESS, 0), (_LIVES, 1)):
        for match in pattern.finditer(text):
            start, end = match.span(group)
            if _OUR_OWN.search(text, max(0, start - 8), end) and not (
                _HOME.search(text, max(0, start - 8), end) and _BESIDE.search(text, start, end)
            ):
                continue  # where the hospital stands is no secret
            lead = _LEAD.match(text, start, end)
            start = lead.end() if lead is not None else start
            stop = next((m for m in heard.stops if start < m < end), end)
            if stop > start:
                yield PersonalSpan(*heard.span(start, stop), "address")


_E = TypeVar("_E", bound=Event)
_Changes = dict[str, Any]
_COVERED = re.compile(f"{MASK}+")


def redact(event: _E, kinds: Collection[PersonalKind] = KINDS) -> _E:
    """An event with personal data covered in all that it quotes; the same one if it quotes none.

    Idempotent: what comes back from a store that holds covered text passes unchanged.
    """
    match event:
        case TranscriptFinal():
            covered = _final(event, kinds)
        case TranscriptPartial():
            covered = {"text": mask(event.text, kinds, growing=True)}
        case AlertCommented():
            covered = {"text": mask(event.text, kinds)}
        case Hit() | Alert() | ProvisionalAlert():
            covered = _finding(event, kinds)
        case _:
            return event
    if all(getattr(event, name) == value for name, value in covered.items()):
        return event
    return msgspec.structs.replace(event, **covered)


def _final(final: TranscriptFinal, kinds: Collection[PersonalKind]) -> _Changes:
    text, display = mask(final.text, kinds), mask(final.display, kinds)
    if len(_COVERED.findall(display)) < len(_COVERED.findall(text)):
        display = text if final.display else ""  # in digits, less can be told of a number
    # What the lexicon wrote where it is covered would tell what stands there.
    corrections = tuple(
        made for made in final.corrections if MASK not in text[made.at :][: len(made.written)]
    )
    return {"text": text, "display": display, "corrections": corrections}


def _finding(found: Hit | Alert | ProvisionalAlert, kinds: Collection[PersonalKind]) -> _Changes:
    # A provisional alert quotes the beginning of a sentence.
    growing = isinstance(found, ProvisionalAlert)
    text, span = mask(found.evidence.text, kinds, growing=growing), found.evidence.span
    phrase = text[slice(*span)] if text and span is not None else mask(found.phrase, kinds)
    return {"phrase": phrase, "evidence": msgspec.structs.replace(found.evidence, text=text)}
