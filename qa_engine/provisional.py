"""Alerts on what is still being said, from partial transcripts.

A final decides. Where a partial holds what a rule would tell, recognition is asked to bring the
final soon (`FinalWanted`). Until then an exact word in the part of the partial that will hardly
change any more is told as provisional; the final's own alert names it (`confirms`), or it is
withdrawn. Nothing of it is stored: what a page must not miss comes with the final.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from asr.events import FinalWanted, TranscriptFinal, TranscriptPartial
from backbone.ids import stable_id
from backbone.media import Role
from qa_engine.cooldown import Cooldown
from qa_engine.events import (
    SEVERITIES,
    Alert,
    AlertWithdrawn,
    ProvisionalAlert,
)
from qa_engine.matches import place, word_hits
from qa_engine.operators.base import BaseRule, Finding
from qa_engine.operators.words import WordsRule, finding
from qa_engine.pack import Pack
from qa_engine.state import CallState, Said
from qa_engine.verdicts import Verdict
from qa_engine.words import WordHit

_STOPS = "。.，,？?！!、… -"
_NUMERALS = "0123456789零一二两三四五六七八九十百千万幺"
_TELLING_DIGITS = 4
_NUMBER = re.compile(f"[{_NUMERALS}]{{2,}}")

_MARGIN_S = 0.2
"""Attention tells the end of a word so late or early; no cut shall go through one that matters."""

_TAKEN_BACK_S = 0.6
"""What makes words harmless often follows at once (不知道您方便吗): it has to be in their final."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A provisional alert that a page shows; `span` is in the segment's text."""

    alert_id: str
    rule: str
    kind: str
    phrase: str
    span: tuple[int, int]

    def same(self, kind: str, span: tuple[int, int] | None) -> bool:
        """Whether an alert on these words tells the same."""
        if kind != self.kind or span is None:
            return False
        return span[0] < self.span[1] and self.span[0] < span[1]


class Provisional:
    """The provisional alerts of one call.

    Only rules of type `words` take part, and of those only the ones that need no company.
    """

    def __init__(self, pack: Pack) -> None:
        # The gravest first: of rules of one kind on the same words, one is told.
        ordered = sorted(pack.rules, key=lambda rule: -SEVERITIES.index(rule.severity))
        self._rules = [
            rule
            for rule in ordered
            if isinstance(rule, WordsRule)
            and rule.alerts
            and rule.accompanied is None
            and rule.unaccompanied is None
            and not rule.not_first
        ]
        self._open: dict[str, list[_Shown]] = {}
        """By segment, in the order of telling."""
        self._wanted: set[str] = set()
        """Segments of which the final was asked for."""

    def hear(
        self, state: CallState, partial: TranscriptPartial, cooldown: Cooldown
    ) -> Iterator[ProvisionalAlert | FinalWanted]:
        """Tell what of a partial is stable and was not told of its segment yet.

        Where it holds anything that an alert would be raised for, the final is asked for, once.
        """
        if not partial.text:
            return
        known = self._open.setdefault(partial.segment_id, [])
        said = _as_said(state, partial)
        urgent = 0  # the end of what a final is needed for, in the normalised text
        for rule, hit in self._news(state, said, cooldown):
            urgent = max(urgent, hit.end)
            if hit.suspected or hit.span[1] > partial.stable:
                continue
            phrase = said.final.text[slice(*hit.span)]
            if not _told(known, rule, partial.role, phrase, hit.span):
                shown = _Shown(
                    stable_id(
                        "provisional", state.call_id, rule.id, partial.segment_id, len(known)
                    ),
                    rule.id,
                    rule.kind,
                    phrase,
                    hit.span,
                )
                known.append(shown)
                found = finding(said, hit, rule, rule.suspected)
                yield provisional_alert(state, rule, found, shown.alert_id)
        if urgent and partial.segment_id not in self._wanted and not _counting(partial.text):
            self._wanted.add(partial.segment_id)
            yield FinalWanted(
                at=state.now,
                call_id=state.call_id,
                role=partial.role,
                segment_id=partial.segment_id,
                after=_cut_after(said, urgent, partial.stable),
            )

    def _news(
        self, state: CallState, said: Said, cooldown: Cooldown
    ) -> Iterator[tuple[WordsRule, WordHit]]:
        """What alerts would be raised for, were this a final."""
        sentence = state.whole(said.final.segment_id)
        taken: list[tuple[str, WordHit]] = []
        for rule in self._rules:
            if rule.role not in ("either", said.role):
                continue
            if rule.only is not None and not rule.only.fits(state):
                continue
            for hit in word_hits(said, rule.lists, rule.suspected):
                if any(kind == rule.kind and _overlap(hit, other) for kind, other in taken):
                    continue
                taken.append((rule.kind, hit))
                phrase = said.final.text[slice(*hit.span)]
                begin, _ = place(said, hit.start, hit.end)
                cools = cooldown.holds(rule, said.role, phrase, sentence, begin)
                if not cools and rule.id not in state.muted:
                    yield rule, hit

    def settle(
        self, final: TranscriptFinal, verdicts: Sequence[Verdict], now: float
    ) -> list[Verdict]:
        """The final's verdicts, with what they confirm, and what is withdrawn."""
        known = self._open.pop(final.segment_id, [])
        self._wanted.discard(final.segment_id)
        settled: list[Verdict] = []
        for verdict in verdicts:
            if isinstance(verdict, Alert) and verdict.evidence.segment_id == final.segment_id:
                confirmed = _confirmed(known, verdict)
                if confirmed is not None:
                    known.remove(confirmed)
                    verdict = msgspec.structs.replace(verdict, confirms=confirmed.alert_id)  # noqa: PLW2901 - the same verdict, completed
            settled.append(verdict)
        return [*settled, *_withdrawn(final.call_id, now, known)]

    def close(self, state: CallState) -> list[AlertWithdrawn]:
        """Withdraw what no final ever decided."""
        pending, self._open = self._open, {}
        return [
            event
            for known in pending.values()
            for event in _withdrawn(state.call_id, state.now, known)
        ]


def provisional_alert(
    state: CallState, rule: BaseRule, found: Finding, alert_id: str
) -> ProvisionalAlert:
    """A finding as it is told before it is certain."""
    return ProvisionalAlert(
        at=state.now,
        alert_id=alert_id,
        call_id=state.call_id,
        queue=state.queue,
        agent=state.agent,
        rule=rule.id,
        kind=found.kind or rule.kind,
        severity=found.severity or rule.severity,
        role=found.role,
        title=rule.alert_title,
        title_en=rule.alert_title_en,
        phrase=found.phrase,
        start=round(found.start, 2),
        end=round(found.end, 2),
        evidence=found.evidence,
    )


def _overlap(one: WordHit, other: WordHit) -> bool:
    return one.start < other.end and other.start < one.end


def _counting(text: str) -> bool:
    """Whether a number has just begun: cut there, its first digits would not be understood.

    Of a longer one each part tells what it is, and the privacy mask knows the parts of one.
    """
    said = "".join(character for character in text if character not in _STOPS)
    digits = len(said) - len(said.rstrip(_NUMERALS))
    return 0 < digits < _TELLING_DIGITS


def _cut_after(said: Said, end: int, stable: int) -> float:
    """After which time a sentence may be cut whose characters up to one are needed.

    Nor may a number be cut that is told behind them. Unless it is known when characters were said,
    that is the end of all that was heard.
    """
    partial, text = said.final, said.scan.text
    until = partial.end
    if len(partial.char_times) == len(partial.text):
        number = max((match.end() for match in _NUMBER.finditer(text.text)), default=0)
        _, until = place(said, 0, max(end, number))
        until = min(until + _TAKEN_BACK_S, partial.end)
    # Of what is not stable, the last may have been heard by half.
    heard_whole = stable >= len(partial.text.rstrip(_STOPS))
    return until if heard_whole else until + _MARGIN_S


def _told(
    known: list[_Shown], rule: WordsRule, role: Role, phrase: str, span: tuple[int, int]
) -> bool:
    """Whether a page knows already, as far as the final will make a difference.

    As with alerts that count, each wording of an agent is told, and one of a customer's.
    """
    for shown in known:
        if shown.same(rule.kind, span):
            return True
        if shown.rule == rule.id and (
            role == "customer" or shown.phrase == phrase or span[0] < shown.span[1]
        ):
            return True
    return False


def _confirmed(known: list[_Shown], alert: Alert) -> _Shown | None:
    """What had told of this alert: its words by any rule of its kind, or its rule."""
    for shown in known:
        if shown.same(alert.kind, alert.evidence.span):
            return shown
    # The final may have put other words before them.
    of_rule = (shown for shown in known if shown.rule == alert.rule)
    return next((s for s in of_rule if s.phrase == alert.phrase), None) or next(
        (s for s in known if s.rule == alert.rule), None
    )


def _withdrawn(call_id: str, at: float, known: Iterable[_Shown]) -> Iterator[AlertWithdrawn]:
    for shown in known:
        yield AlertWithdrawn(at=at, alert_id=shown.alert_id, call_id=call_id)


def _as_said(state: CallState, partial: TranscriptPartial) -> Said:
    final = TranscriptFinal(
        at=partial.at,
        call_id=partial.call_id,
        role=partial.role,
        leg_id="",
        segment_id=partial.segment_id,
        start=partial.start,
        end=partial.end,
        text=partial.text,
        language="",
        confidence=0.0,
        level_db=0.0,
        lag_s=0.0,
        decode_s=0.0,
        char_times=partial.char_times,
    )
    return Said(final, state.index.scan(partial.text))
