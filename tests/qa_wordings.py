"""What people say, for the default pack: the sentences that it teaches meanings by.

All of this has been used to widen its phrases, too. What has not stands in `data/wordings`: a
wording of those that is missed is a reason to think again about how people speak, and to write
other sentences into the pack.
"""

from __future__ import annotations

import dataclasses

from ruamel.yaml import YAML

from backbone.media import Role
from qa_engine.meanings import NOTHING
from qa_engine.pack import DEFAULT_PACK, Pack
from tingzhen.wordings_bench import Wordings, WordingsFile


def taught(name: str) -> WordingsFile:
    """The sentences of one of the pack's files, to be found as any others are."""
    file = DEFAULT_PACK / f"said_{name}.yaml"
    sentences = YAML(typ="safe", pure=True).load(file.read_bytes())["sentences"]
    return WordingsFile(
        said=[
            Wordings(kind=meaning, role=role, sentences=said)
            for role, meanings in sentences.items()
            for meaning, said in meanings.items()
            if meaning != NOTHING
        ],
        ordinary={role: meanings[NOTHING] for role, meanings in sentences.items()},
    )


def by_phrases(pack: Pack) -> Pack:
    """The pack without what it learns: that it finds what it was taught proves nothing."""
    return dataclasses.replace(
        pack,
        rules=tuple(rule for rule in pack.rules if not rule.learns()),
        stages=tuple(tuple(rule for rule in stage if not rule.learns()) for stage in pack.stages),
    )


_FIRST = taught("first")
KNOWN: dict[tuple[str, Role], tuple[str, ...]] = {
    (group.kind, group.role): tuple(group.sentences) for group in _FIRST.said
}
LOOK_ALIKES: dict[Role, tuple[str, ...]] = {
    role: tuple(sentences) for role, sentences in _FIRST.ordinary.items()
}
