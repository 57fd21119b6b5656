"""A recogniser that says what it is told, for tests of everything around recognition."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asr.recognisers.base import Capabilities, Recognition
from asr.resample import RATE, Audio


@dataclass(frozen=True, slots=True)
class Heard:
    """One call of `decode`, as a script sees it. `index` counts finals and partials apart."""

    index: int
    duration_s: float
    partial: bool
    languages: tuple[str, ...]


Script = Callable[[Heard], Recognition | str]


class ScriptedRecogniser:
    """Answers each segment by a script: a function, or texts for finals in their order.

    A list's partials are the final's text cut to half; finals beyond the list are refused. A
    script may raise, to play a recogniser that fails. With `words` it is one whose answers have
    times.
    """

    def __init__(self, script: Script | Sequence[str], *, words: bool = False) -> None:
        self._words = words
        self._script = script if callable(script) else _from_texts(script)
        self._lock = threading.Lock()
        self.calls: list[Heard] = []
        """What was asked for, in order."""

    @property
    def capabilities(self) -> Capabilities:
        """Like Whisper's, for the languages of the product."""
        return Capabilities(
            name="scripted",
            rate=RATE,
            languages=frozenset({"zh", "en"}),
            detects_language=True,
            batch=False,
            streaming=False,
            words=self._words,
            confidences=True,
        )

    def decode(
        self,
        audio: Audio,
        *,
        languages: Sequence[str],
        partial: bool,
        timed: bool = False,
        quick: bool = False,
    ) -> Recognition:
        """Answer as the script says."""
        del timed, quick
        with self._lock:
            index = sum(call.partial == partial for call in self.calls)
            heard = Heard(index, len(audio) / RATE, partial, tuple(languages))
            self.calls.append(heard)
        answer = self._script(heard)
        if isinstance(answer, Recognition):
            return answer
        if not answer:
            return Recognition(text="", language=languages[0], refused="empty")
        return Recognition(text=answer, language=languages[0], confidence=0.9)

    def decode_batch(
        self, segments: Sequence[Audio], *, languages: Sequence[str], quick: bool = False
    ) -> list[Recognition]:
        """Answer for each in turn."""
        return [
            self.decode(audio, languages=languages, partial=False, quick=quick)
            for audio in segments
        ]


def _from_texts(texts: Sequence[str]) -> Script:
    finals = 0

    def script(heard: Heard) -> str:
        nonlocal finals
        if heard.partial:
            text = texts[finals] if finals < len(texts) else ""
            return text[: max(1, len(text) // 2)]
        finals = heard.index + 1
        return texts[heard.index] if heard.index < len(texts) else ""

    return script
