"""What a lead was told a moment ago, and is not told again."""

from __future__ import annotations

from qa_engine.events import HitRole
from qa_engine.operators import BaseRule


class Cooldown:
    """The alerts of one call, by rule and wording.

    Of an agent, each wording is a mistake of its own. A caller complains over several sentences;
    one alert for each sentence is what a lead can take in.
    """

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}
        self._kinds: dict[tuple[str, HitRole], float] = {}

    def holds(
        self, rule: BaseRule, role: HitRole, phrase: str, sentence: str, start: float
    ) -> bool:
        """Whether such words at `start` were just told of.

        Args:
            rule: that found them.
            role: whose they are.
            phrase: the words; of what has none, every finding is told.
            sentence: the first segment of the sentence that they stand in.
            start: in seconds on the call's clock.
        """
        of_kind = self._kinds.get((rule.kind, role))
        # Without one, what was said before is news: of a sentence the gravest is told first.
        if rule.kind_cooldown_s and of_kind is not None and start < of_kind + rule.kind_cooldown_s:
            return True
        last = self._told.get(_key(rule, role, phrase, sentence))
        return bool(phrase) and last is not None and start < last + rule.cooldown_s

    def tell(self, rule: BaseRule, role: HitRole, phrase: str, sentence: str, start: float) -> None:
        """A lead is told of them now."""
        self._told[_key(rule, role, phrase, sentence)] = start
        self._kinds[rule.kind, role] = max(start, self._kinds.get((rule.kind, role), start))


def _key(rule: BaseRule, role: HitRole, phrase: str, sentence: str) -> tuple[str, str]:
    return rule.id, sentence if role == "customer" else phrase
