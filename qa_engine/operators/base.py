"""What an operator is: a rule at work on one call.

To add one: a module with a pydantic `…Rule` (a subclass of `BaseRule` with its own `type`) and a
class that fulfils `Operator`; then a line in `operators/__init__.py`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, field_validator

from backbone.events import Event
from backbone.media import Role
from qa_engine.attributes import Only
from qa_engine.events import SEVERITIES, Evidence, HitRole, Severity

if TYPE_CHECKING:
    from qa_engine.state import CallState, Said

KIND = r"^[a-z][a-z0-9_]*$"

SPOKEN_BY = re.compile(r"\s*(agent|customer)\s*[:：]\s*")
"""Who says a line of an example."""

_SOMEBODY = re.compile(r"\s*([A-Za-z]+)\s*[:：]")


_Conversations = Annotated[
    tuple[tuple[str, ...], ...],
    # A sentence by itself is a conversation of one: `_one_sentence`.
    WithJsonSchema(
        {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1},
                ]
            },
        }
    ),
]


class Examples(BaseModel):
    """Sentences that must, and must not, make a rule fire; `tingzhen rules test` says them.

    One sentence is said by the rule's own side. Several in a list are a conversation; each may
    begin with `agent:` or `customer:`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    fires: _Conversations = ()
    silent: _Conversations = ()

    @field_validator("fires", "silent", mode="before")
    @classmethod
    def _one_sentence(cls, value: Any) -> Any:
        """A sentence by itself is a conversation of one."""
        if isinstance(value, list | tuple):
            return [item if isinstance(item, list | tuple) else [item] for item in value]
        return value

    @field_validator("fires", "silent")
    @classmethod
    def _by_a_side(cls, value: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        """A misspelt side would be taken for words, and a silent example prove nothing."""
        for lines in value:
            if not lines:
                raise ValueError("an example holds no sentence")
            for line in lines:
                named = None if SPOKEN_BY.match(line) else _SOMEBODY.match(line)
                meant = named and difflib.get_close_matches(named[1].lower(), ["agent", "customer"])
                if named and meant:
                    raise ValueError(f"`{named[1]}` is no side; did you mean {meant[0]}?")
        return value


class BaseRule(BaseModel):
    """What every rule has."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False
    )

    id: str = Field(pattern=KIND, max_length=128, description="Unique in the pack.")
    kind: str = Field(pattern=KIND, max_length=64, description="What it finds, in reports.")
    severity: Severity
    title: str = Field(min_length=1, max_length=256, description="For people, in Chinese.")
    title_en: str = Field(min_length=1, max_length=256, description="The same in English.")
    advice: str = Field("", max_length=256, description="What the lead should do, in Chinese.")
    advice_en: str = Field("", max_length=256, description="The same in English.")
    advice_after: str = Field(
        "",
        max_length=256,
        description="What is left to do once the call is over, in Chinese; else by the kind.",
    )
    advice_after_en: str = Field("", max_length=256, description="The same in English.")
    alert: bool | None = Field(
        None, description="Tell the lead at once; by default all but `info` does."
    )
    cooldown_s: float = Field(
        30.0, ge=0, description="The same wording raises no second alert for that long."
    )
    kind_cooldown_s: float = Field(
        0.0,
        ge=0,
        description="Nor does anything so soon after an alert of the same kind, by whatever rule, "
        "about the same side.",
    )
    only: Only | None = Field(None, description="Only on such calls.")
    examples: Examples | None = Field(None, description="What must and must not fire it.")
    enabled: bool = True

    @property
    def alerts(self) -> bool:
        """Whether a finding is an alert, not only a hit."""
        return self.severity != "info" if self.alert is None else self.alert

    @property
    def alert_title(self) -> str:
        """What its alerts are called, in Chinese."""
        return self.title

    @property
    def alert_title_en(self) -> str:
        """The same in English."""
        return self.title_en

    def groups(self) -> Iterable[str]:
        """Names of the word groups it looks at."""
        return ()

    def learns(self) -> frozenset[Role]:
        """Sides of whose sentences it learns meanings."""
        return frozenset()

    def builds_on(self) -> Iterable[str]:
        """Ids of the rules whose findings it looks at."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something an operator found; `key` tells it from all other findings of its rule and call."""

    key: tuple[object, ...]
    role: HitRole
    phrase: str
    start: float
    end: float
    evidence: Evidence
    kind: str | None = None
    """None: the rule's own."""
    severity: Severity | None = None
    """None: the rule's own."""
    suspected: bool = False
    absence: bool = False
    """Of something that was not said: its words are those that asked for it, and ask for more."""
    alert: bool | None = None
    """None: as the rule says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """A required step has come to another state."""

    state: Literal["pending", "done", "missing"]
    due: float | None
    done_at: float | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What will be found, or `TakenBack`, when what may follow has followed or not."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was held was nothing; `key` is that of its finding."""

    key: tuple[object, ...]


Outcome = Finding | StepChange | Held | TakenBack


class Operator(Protocol):
    """A rule at work on one call. Pure: no clock, no I/O; all it knows comes from the state."""

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """React to an event that the state has learnt; `said` is set for finals."""
        ...

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """React to time having passed."""
        ...

    def close(self, state: CallState) -> Iterable[Outcome]:
        """The call is over and nothing more will be heard of it."""
        ...


class Quiet:
    """An operator that does nothing; real ones override what they need."""

    def feed(self, state: CallState, event: Event, said: Said | None) -> Iterable[Outcome]:
        """See `Operator.feed`."""
        del state, event, said
        return ()

    def tick(self, state: CallState) -> Iterable[Outcome]:
        """See `Operator.tick`."""
        del state
        return ()

    def close(self, state: CallState) -> Iterable[Outcome]:
        """See `Operator.close`."""
        del state
        return ()


def one_lower(severity: Severity) -> Severity:
    """The severity of what is only suspected: one step down, never below `low` from above it."""
    rank = SEVERITIES.index(severity)
    return severity if rank <= 1 else SEVERITIES[rank - 1]
