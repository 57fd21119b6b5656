"""Small rule packs, written for one test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

MANNER_RULES = """\
  - {id: rude, type: words, kind: taboo_phrase, severity: high, role: agent, lists: [rude],
     title: 禁语, title_en: Taboo}
  - {id: cure, type: words, kind: red_line, severity: high, role: agent, lists: [cure],
     title: 红线, title_en: Red line}
"""
"""Two rules that an agent breaks by saying 随便你 (`rude`) or 包治百病 (`cure`)."""
MANNER_LISTS = """\
  rude: {about: x, words: [随便你]}
  cure: {about: x, words: [包治百病]}
"""
MANNER_ITEMS = """\
      items:
        - {id: polite, title: 礼貌, title_en: Polite, points: 20, each: 5,
           forbidden: [taboo_phrase]}
        - {id: honest, title: 诚实, title_en: Honest, points: 20, forbidden: [red_line],
           critical: true}
"""
"""Of a scorecard's section: a question for each of these rules."""


def write_pack(folder: Path, *rules: str, lists: Mapping[str, Sequence[str]]) -> Path:
    """Write a pack of some lists and of rules r0, r1, …; returns its folder.

    Args:
        folder: where to.
        rules: what each rule has besides its id, titles, severity and kind, in YAML's flow style.
        lists: words by list.
    """
    text = 'pack: test\nversion: "1"\nlists:\n'
    for name, words in lists.items():
        text += f"  {name}: {{about: x, words: [{', '.join(words)}]}}\n"
    text += "rules:\n"
    for number, rule in enumerate(rules):
        head = f"id: r{number}, title: 规则, title_en: rule, severity: high, kind: taboo_phrase"
        text += f"  - {{{head}, {rule}}}\n"
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return folder
