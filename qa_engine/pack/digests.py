"""What each rule comes to, as one number: it shows which rules an edit anywhere has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from backbone.media import Role
from qa_engine.operators import BaseRule
from qa_engine.pack.schema import WordList


def rule_digests(
    stages: Iterable[Sequence[BaseRule]],
    lists: Mapping[str, WordList],
    sentences: Mapping[Role, Mapping[str, Sequence[str]]],
) -> dict[str, str]:
    """SHA-256, in hexadecimal, of each rule as it was understood, by id.

    A rule is itself, the lists that it looks for with those that their phrases fill in, the
    sentences that it learns from, and the rules that it builds on. What a list says about itself
    to its authors is left out.

    Args:
        stages: rules in force, each after those it builds on.
        lists: all lists by name.
        sentences: all that meanings are learned from, by side and meaning.
    """
    digests: dict[str, str] = {}
    for stage in stages:
        for rule in stage:
            parts = [rule.model_dump_json()]
            for name in sorted(_looked_at(rule.groups(), lists)):
                parts += [name, lists[name].model_dump_json(exclude={"about"})]
            for role in sorted(rule.learns()):
                parts.append(json.dumps(sentences.get(role, {}), ensure_ascii=False))
            parts += [digests[other] for other in sorted(set(rule.builds_on()))]
            digests[rule.id] = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return digests


def _looked_at(names: Iterable[str], lists: Mapping[str, WordList]) -> set[str]:
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += lists[name].named()
    return found
