"""What was said in the calls of a made-up month: a few sentences each, of a small vocabulary.

One call in a thousand names an illness that no other does, so that rare words can be looked for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Engine, insert, select

from agent_console.history import index
from backbone.ids import stable_id
from backbone.store.schema import calls, segments

COMMON, TWO_CHARACTERS, RARE, UNSAID = "预约", "投诉", "白癜风", "量子力学"
_BATCH = 2000
_SENTENCES = 8
_RARE_EVERY = 997
_OPENINGS = ("您好，这里是市第一医院，请问有什么可以帮您？", "您好，导医台，请讲。")
_THINGS = ("预约挂号", "检查报告", "医保报销", "住院手续", "退费", "专家号", "体检套餐", "CT检查")
_CLOSINGS = ("请问还有其他可以帮您的吗？", "好的，祝您早日康复，再见。")
_MOODS = ("我要投诉", "太慢了", "谢谢你", "我很着急", "听不清", "麻烦你了")


def write_talk(engine: Engine, progress: Callable[[int, int], None]) -> None:
    """Give every answered call of a store its transcript, found by the search."""
    with engine.connect() as connection:
        answered = (
            select(calls.c.call_id, calls.c.answered_at)
            .where(calls.c.answered_at.is_not(None))
            .order_by(calls.c.joined_at)
        )
        known = [(row.call_id, row.answered_at) for row in connection.execute(answered)]
    chance = random.Random(1)  # noqa: S311 - made-up calls, not secrets
    for begin in range(0, len(known), _BATCH):
        with engine.begin() as connection:
            _speak(connection, known[begin : begin + _BATCH], begin, chance)
        progress(min(begin + _BATCH, len(known)), len(known))


def _speak(
    connection: Connection,
    answered: Sequence[tuple[str, float]],
    first: int,
    chance: random.Random,
) -> None:
    rows = [
        {
            "segment_id": stable_id("bench", call_id, place),
            "call_id": call_id,
            "leg_id": "",
            "role": "customer" if place % 2 else "agent",
            "start": place * 5.0,
            "end": place * 5.0 + 4.0,
            "text": text,
            "language": "zh",
            "confidence": 0.9,
            "level_db": -20.0,
            "at": at + place * 5.0,
        }
        for number, (call_id, at) in enumerate(answered, first)
        for place, text in enumerate(_sentences(number, chance))
    ]
    connection.execute(insert(segments), rows)
    index.add_calls(connection, [call_id for call_id, _ in answered])


def _sentences(number: int, chance: random.Random) -> list[str]:
    said = [chance.choice(_OPENINGS)]
    said += [
        f"我想问一下{chance.choice(_THINGS)}的事，{chance.choice(_MOODS)}，编号{chance.randrange(9999)}。"
        for _ in range(_SENTENCES - 2)
    ]
    if number % _RARE_EVERY == 0:
        said.append(f"想挂{RARE}专科。")
    return [*said, chance.choice(_CLOSINGS)]
