"""Small rule packs, written for one test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


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
