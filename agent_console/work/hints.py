"""What a call's register may be filled with beforehand, from what was heard: a pure fold.

Every hint is a guess that the agent sees, with where it was heard, and confirms by saving. Where
two guesses contradict each other there is none: an empty field is asked for, a wrong one is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Literal

from asr.written_numbers import value, written
from backbone.dispositions import DispositionOutcome, Sex
from backbone.media import Role
from qa_engine.privacy import MASK

OLDEST = 120

_PLAIN = re.compile(r"[\s，。！？、；：,.!?;:\"'“”（）()]+")

# Left in characters by `written`, which may only change what is surely a number.
_COUNTED = re.compile(r"([一二两三四五六七八九十]{1,3})(?=个(?:多|半)?(?:月|小时|工作日))")
_SHORT_YEAR = re.compile(
    r"([零一二三四五六七八九])([零一二三四五六七八九])(?=年(?:出生|生的|的人))"
)
_DIGITS = "零一二三四五六七八九"

# Age. 岁数 and 几岁 ask for it; 岁 after an animal's or a building's number is not expected here.
_YEARS = re.compile(
    r"(?<![\d零一二三四五六七八九十百])(\d{1,3})(?:多|来)?周?岁(?!以[上下内]|的时候)"
)
_MONTHS = re.compile(r"(?<!\d)(\d{1,2})个(?:多|半)?月(?:大|的(?:宝宝|孩子|婴儿))")
_BORN = re.compile(r"(?<!\d)((?:19|20)\d\d|\d\d)年(?:出生|生的|的人)")

# Sex: what says most comes first, and decides alone.
_FEMALE_KIN = (
    "母亲|妈妈|我妈|老婆|妻子|女儿|奶奶|外婆|姥姥|姐姐|妹妹|阿姨|婆婆|岳母|丈母娘|孙女|媳妇|女朋友"
)
_MALE_KIN = "父亲|爸爸|我爸|老公|丈夫|儿子|爷爷|外公|姥爷|哥哥|弟弟|叔叔|公公|岳父|孙子|男朋友"
_FOR_WHOM = r"(?:给|帮|替|为|带|陪)我?(?:们)?(?:家)?的?"
_SEX_WORDS: tuple[tuple[Role, re.Pattern[str], re.Pattern[str]], ...] = (
    (
        "customer",
        re.compile(rf"{_FOR_WHOM}(?:{_FEMALE_KIN})"),
        re.compile(rf"{_FOR_WHOM}(?:{_MALE_KIN})"),
    ),
    (
        "customer",
        re.compile(r"性别女|女的|女孩|女宝|女性|怀孕|孕妇|产检|月经|妇科|生二胎"),
        re.compile(r"性别男|男的|男孩|男宝|男性|前列腺|男科"),
    ),
    (
        "customer",
        re.compile(rf"(?:是|我)(?:的)?(?:{_FEMALE_KIN})"),
        re.compile(rf"(?:是|我)(?:的)?(?:{_MALE_KIN})"),
    ),
    ("agent", re.compile(r"女士|小姐|大姐|阿姨"), re.compile(r"先生|大哥|叔叔")),
)

_ADDRESS = re.compile(
    r"(?:住在|家住|家在|来自|我是从|我在|我是|从)((?:[\u4e00-\u9fff]{2,7}?(?:省|自治区))?"
    r"(?:[\u4e00-\u9fff]{2,6}?[市州盟])?(?:[\u4e00-\u9fff]{1,6}?[区县旗])?"
    r"(?:[\u4e00-\u9fff]{1,6}?(?:街道|[镇乡村]))?)"
)
_NO_ADDRESS = re.compile(r"医院|院区|病区|门诊|小区|社区|哪个|哪里|什么|这个|那个|不是|就是")
_SHORTEST_ADDRESS = 3

_DEPARTMENTS = re.compile(
    "心血管内科|心内科|呼吸内科|消化内科|神经内科|神经外科|内分泌科|血液科|肾内科|肾脏内科|风湿免疫科|"
    "感染科|肿瘤科|骨科|普外科|胸外科|心外科|泌尿外科|肝胆外科|乳腺外科|乳腺科|甲状腺外科|整形外科|烧伤科|"
    "妇产科|妇科|产科|生殖中心|儿科|新生儿科|眼科|耳鼻喉科|口腔科|皮肤科|中医科|针灸科|康复科|疼痛科|"
    "精神科|心理科|急诊科|急诊|体检中心|放射科|影像科|超声科|检验科|病理科|输液室|发热门诊|男科"
)

_CALL_BACK = re.compile(
    r"(?:给您|跟您|会|再|马上|稍后|尽快|之后|内)(?:打|回|给)?(?:个)?(?:您)?(?:回电|回复|回访|联系您|"
    r"打电话给您|给您(?:回|打)电话|回电话|回个电话|答复)"
)
_WITHIN = re.compile(r"(\d{1,2})个?(小时|工作日|天|分钟)(?:之内|以内|内)")
_LENGTHS = {"分钟": timedelta(minutes=1), "小时": timedelta(hours=1), "天": timedelta(days=1)}
_TOMORROW = re.compile(r"明天|明早|明日")
_TODAY = re.compile(r"今天|下班前|当天")
_TRANSFER = re.compile(r"(?:帮您|给您|为您|替您)转(?:接|到)|转接(?:给|到|至)")
_BOOKED = re.compile(
    r"(?:约|挂|预约|登记)(?:成功|好了|上了|完成)|已经?(?:帮|给|为|替)您(?:预约|约|挂|登记)"
)
_COMPLAINT = re.compile(r"(?:要|想|来)投诉|我投诉|投诉你们")

_WORKDAY_ENDS = 17
_SATURDAY = 5

HintField = Literal["age", "sex", "address", "need", "outcome", "follow_up_due"]


@dataclass(frozen=True, slots=True)
class Hint:
    """A guess for one field, and the segment it was heard in."""

    value: int | float | str
    segment_id: str


@dataclass(slots=True)
class Hints:
    """The guesses of one call so far. Feed it with final transcripts in the order of their ends.

    Attributes:
        now: local time of the call, from which years of birth and promised days are counted.
    """

    now: datetime
    _seen: dict[HintField, Hint] = field(default_factory=dict)
    _sex: dict[int, dict[Sex, str]] = field(default_factory=dict)
    _departments: dict[str, str] = field(default_factory=dict)

    def heard(self, role: Role, text: str, segment_id: str) -> None:
        """Take in one final transcript."""
        plain = _in_digits(_PLAIN.sub("", written(text)))
        if role == "customer":
            self._age(plain, segment_id)
            self._address(plain, segment_id)
            if _COMPLAINT.search(plain):
                self._outcome("complaint", segment_id)
        else:
            self._promise(plain, segment_id)
            if _TRANSFER.search(plain):
                self._outcome("transferred", segment_id)
            if _BOOKED.search(plain):
                self._outcome("booked", segment_id)
        for rank, (who, female, male) in enumerate(_SEX_WORDS):
            if who == role:
                found = self._sex.setdefault(rank, {})
                if female.search(plain):
                    found.setdefault("female", segment_id)
                if male.search(plain):
                    found.setdefault("male", segment_id)
        for department in _DEPARTMENTS.findall(plain):
            self._departments.setdefault(department, segment_id)

    def guesses(self) -> dict[HintField, Hint]:
        """What can be filled in."""
        found = dict(self._seen)
        for rank in sorted(self._sex):
            said = self._sex[rank]
            if len(said) == 1:
                [(sex, segment_id)] = said.items()
                found["sex"] = Hint(sex, segment_id)
            if said:
                break
        if self._departments:
            first = next(iter(self._departments.values()))
            found["need"] = Hint("、".join(self._departments), first)
        return found

    def _age(self, plain: str, segment_id: str) -> None:
        years = _YEARS.search(plain)
        if years is not None and int(years.group(1)) <= OLDEST:
            self._seen["age"] = Hint(int(years.group(1)), segment_id)
        elif _MONTHS.search(plain):
            self._seen["age"] = Hint(0, segment_id)
        elif (born := _BORN.search(plain)) is not None:
            year = int(born.group(1))
            if len(born.group(1)) == len("85"):
                century = self.now.year // 100 * 100
                year += century if year <= self.now.year % 100 else century - 100
            if 0 <= self.now.year - year <= OLDEST:
                self._seen["age"] = Hint(self.now.year - year, segment_id)

    def _address(self, plain: str, segment_id: str) -> None:
        for match in _ADDRESS.finditer(plain):
            place = match.group(1)
            if len(place) < _SHORTEST_ADDRESS or MASK in place or _NO_ADDRESS.search(place):
                continue
            known = self._seen.get("address")
            if known is None or len(str(known.value)) < len(place):
                self._seen["address"] = Hint(place, segment_id)

    def _promise(self, plain: str, segment_id: str) -> None:
        if not _CALL_BACK.search(plain):
            return
        self._outcome("follow_up", segment_id)
        due = _due(plain, self.now)
        if due is not None:
            self._seen["follow_up_due"] = Hint(due.timestamp(), segment_id)

    def _outcome(self, outcome: DispositionOutcome, segment_id: str) -> None:
        known = self._seen.get("outcome")
        if known is None or _OUTCOMES.index(outcome) <= _OUTCOMES.index(str(known.value)):
            self._seen["outcome"] = Hint(outcome, segment_id)


# What was promised weighs more than what was done: it is what must not be forgotten.
_OUTCOMES: tuple[str, ...] = ("complaint", "follow_up", "transferred", "booked")


def _in_digits(plain: str) -> str:
    def counted(match: re.Match[str]) -> str:
        number = value(match.group(1))
        return match.group() if number is None else str(number)

    def year(match: re.Match[str]) -> str:
        return "".join(str(_DIGITS.index(digit)) for digit in match.groups())

    return _SHORT_YEAR.sub(year, _COUNTED.sub(counted, plain))


def _due(plain: str, now: datetime) -> datetime | None:
    within = _WITHIN.search(plain)
    if within is None:
        if _TOMORROW.search(plain):
            return _at_end(now + timedelta(days=1))
        return _at_end(now) if _TODAY.search(plain) else None
    amount = int(within.group(1))
    length = _LENGTHS.get(within.group(2))
    return now + amount * length if length is not None else _end_of_workday(now, amount)


def _end_of_workday(now: datetime, days: int) -> datetime:
    day = now
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < _SATURDAY
    return _at_end(day)


def _at_end(day: datetime) -> datetime:
    return day.replace(hour=_WORKDAY_ENDS, minute=0, second=0, microsecond=0)


def begin(at: float, zone: tzinfo) -> Hints:
    """The hints of a call that was answered at this time (seconds since the epoch)."""
    return Hints(datetime.fromtimestamp(at, zone))
