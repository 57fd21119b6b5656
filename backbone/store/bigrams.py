"""Chinese text cut for a full-text index, so that words of two characters are found.

Chinese has no spaces, and an index of three characters (SQLite's `trigram`) finds no word of two,
which most are. A run of Han characters becomes its overlapping pairs and, at its end, its last
character alone: 我要投诉 → 我要 要投 投诉 诉. That last one lets a single character be found as the
beginning of a token wherever it stands, and keeps words from matching across punctuation. Other
letters and digits stay whole words, in lower case. The result is plain words between spaces, so
SQLite's FTS5 with its own tokenizer takes it as it is, and any table of terms does.
"""

from __future__ import annotations

import re
import unicodedata

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff〇"
_RUN = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_IS_HAN = re.compile(rf"[{_HAN}]")


def _runs(text: str) -> list[str]:
    return _RUN.findall(unicodedata.normalize("NFKC", text).lower())


def tokens(text: str) -> list[str]:
    """The tokens of a text to be indexed, in their order."""
    found: list[str] = []
    for run in _runs(text):
        if _IS_HAN.match(run):
            found += [run[at : at + 2] for at in range(len(run))]
        else:
            found.append(run)
    return found


def indexed(text: str) -> str:
    """A text as it is written into an FTS5 column."""
    return " ".join(tokens(text))


def wanted(text: str) -> list[list[str]]:
    """What somebody looks for: for each word or run of Han, the tokens that must follow each other.

    A run of one Han character is that character alone; it stands for any token that begins with
    it. Empty when the text holds no letter and no digit.
    """
    found = []
    for run in _runs(text):
        if _IS_HAN.match(run) and len(run) > 1:
            found.append([run[at : at + 2] for at in range(len(run) - 1)])
        else:
            found.append([run])
    return found


def fts5_query(text: str) -> str:
    """An FTS5 expression that finds texts with all of these words; empty when there are none.

    It holds letters, digits and our own quotes only, whatever was typed.
    """
    return " AND ".join(
        '"' + " ".join(run) + '"' + (" *" if len(run) == 1 else "") for run in wanted(text)
    )
