"""What was said for a slot: by phrase, by pattern, or by being personal data (then covered)."""

from __future__ import annotations

import re

from backbone.media import Role
from qa_engine.privacy import MASK, mask, personal_spans
from qa_engine.scripts.compiled import CompiledSlot
from qa_engine.words import Scan

_TIMEOUT_S = 0.02
_LONGEST = 24
_RUN = 3
"""So many covered characters in a row were a number; fewer a name."""
_COVERED = re.compile(f"{MASK}+")


def fill(slot: CompiledSlot, role: Role, scan: Scan) -> str | None:
    """The slot's value in one segment, personal data covered; None when it holds none.

    A text from the store is covered already: there the covering itself tells of the data.

    Raises:
        TimeoutError: the pattern takes too long on this text.
    """
    if slot.slot.by not in ("either", role):
        return None
    if slot.slot.personal:
        return _personal(slot, scan)
    spans = [(hit.start, hit.end) for hit in scan.hits(slot.group)]
    if slot.pattern is not None:
        found = slot.pattern.finditer(scan.text.text, timeout=_TIMEOUT_S)
        spans += [match.span() for match in found if match.end() > match.start()]
    if not spans:
        return None
    start, end = max(spans, key=lambda span: (span[1] - span[0], span[0]))
    first, last = scan.text.span(start, end)
    covered = mask(scan.text.original)
    return covered[first:last][:_LONGEST]


def _personal(slot: CompiledSlot, scan: Scan) -> str | None:
    text = scan.text.original
    wanted = slot.slot.personal
    for span in personal_spans(text):
        if span.kind in wanted:
            return MASK * min(3, span.end - span.start)
    numbers = any(kind not in ("name", "address") for kind in wanted)
    for run in _COVERED.finditer(text):
        if (len(run.group()) >= _RUN) == numbers:
            return MASK * 3
    hits = scan.hits(slot.group)
    return MASK * 3 if hits else None
