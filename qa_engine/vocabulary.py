"""The Chinese words that a pack's phrases are made of. Pure.

A recogniser that asks which words are usual in such calls (`asr.homophones`) hears them better.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qa_engine.phrases import Phrase
from qa_engine.text import spellings

LEAST, MOST = 3, 5
"""Characters of a word. Of two, any would sound like something else that is said."""

_HAN = re.compile(r"[\u4e00-\u9fff]+")


def vocabulary(phrases: Iterable[Phrase]) -> frozenset[str]:
    """All that is said in some phrases without a gap, as a recogniser would write it."""
    pieces = {piece for phrase in phrases for piece in phrase.pieces(LEAST, MOST)}
    return frozenset(
        written for piece in pieces if _HAN.fullmatch(piece) for written in spellings(piece)
    )
