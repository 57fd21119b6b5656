"""How one side feels over a call: words and voice in, scene, score and trend out. Pure.

Each scene has an activation that words raise and time lets fade. A raised voice lends weight to
scenes that are loud by nature; alone it only lowers the score a little, because shouting for joy
and for anger measure the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_engine.emotion.voice import Voice
from qa_engine.events import EmotionPoint, Scene, Trend
from qa_engine.words import Scan

if TYPE_CHECKING:
    from qa_engine.emotion.models import SceneWords

HALF_LIFE_S = 30.0
"""After so long without anything new, a feeling counts half."""
ACTIVE = 0.5
"""A scene with less activation than this is calm."""

_WORTH = (1.0, 2.0, 1.0)
"""Of a plain word, a strong one, and a situation."""
_HINT = 0.3
_FEW_HINTS = 2
"""Fewer say nothing, unless something else is said that tells the same scene."""
_SOUND_SHARE = 0.5
_VOICE_ALONE = 0.25
_TREND = 0.12
_PULL = 0.7
_SLOW = 0.3
_MOST = 3.0
_POINTS = 400


def groups(scene: Scene) -> tuple[str, str, str, str]:
    """Names of a scene's word groups: plain, strong, situations, hints."""
    name = f"scene/{scene}"
    return f"{name}/words", f"{name}/strong", f"{name}/situations", f"{name}/hints"


@dataclass(frozen=True, slots=True)
class Feeling:
    """Where a side stands. `score` −1..1; `strength` is the activation of `scene`, 0..3."""

    scene: Scene
    score: float
    trend: Trend
    strength: float


class EmotionTracker:
    """One side of one call.

    Args:
        scenes: of the pack, each of the nine.
    """

    def __init__(self, scenes: Sequence[SceneWords]) -> None:
        self._scenes = scenes
        self._activation: dict[Scene, float] = {scene.scene: 0.0 for scene in scenes}
        self._at = 0.0
        self._slow = 0.0
        self._unrest = 0.0
        self._weights: dict[Scene, float] = dict.fromkeys(self._activation, 0.0)
        self.points: list[EmotionPoint] = []
        """Every change of score or scene, the first ones of a very long call."""
        self.feeling = Feeling("calm", 0.0, "steady", 0.0)

    def hear(self, scan: Scan, voice: Voice, at: float) -> Feeling:
        """Take in what the side said, ending at `at` on the call's clock."""
        self._fade(at)
        self._unrest = max(self._unrest, voice.arousal)
        fresh: dict[Scene, float] = {}
        found = scan.groups()
        for scene in self._scenes:
            if found.isdisjoint(groups(scene.scene)):
                continue
            points = self._points(scene, scan)
            if points:
                points *= 1 + scene.arousal * voice.arousal
                fresh[scene.scene] = points
                gained = min(_MOST, self._activation[scene.scene] + points)
                self._weights[scene.scene] += points
                self._activation[scene.scene] = gained
        return self._settle(at, fresh)

    def tick(self, at: float) -> Feeling:
        """Let feelings fade."""
        self._fade(at)
        return self._settle(at, None)

    def main_scene(self) -> Scene:
        """The scene that weighed most over the call."""
        best = max(self._weights, key=lambda scene: self._weights[scene])
        return best if self._weights[best] >= ACTIVE else "calm"

    def _points(self, scene: SceneWords, scan: Scan) -> float:
        points = 0.0
        *telling, hinting = groups(scene.scene)
        for group, worth in zip(telling, _WORTH, strict=True):
            for hit in scan.hits(group):
                points += worth * (_SOUND_SHARE if hit.suspected else 1.0)
        # The same hint again says no more than once.
        hints = len({hit.phrase for hit in scan.hits(hinting)})
        if points or hints >= _FEW_HINTS:
            points += _HINT * hints
        return points

    def _fade(self, at: float) -> None:
        passed = max(0.0, at - self._at)
        self._at = max(at, self._at)
        left = 0.5 ** (passed / HALF_LIFE_S)
        for scene in self._activation:
            self._activation[scene] *= left
        self._unrest *= left

    def _settle(self, at: float, fresh: Mapping[Scene, float] | None) -> Feeling:
        strength = round(max(self._activation.values(), default=0.0), 2)
        scene: Scene = "calm"
        if strength >= ACTIVE:
            # What was just said tells more than what it adds up to with all before.
            latest = fresh or self._activation
            scene = max(latest, key=lambda name: (latest[name], self._activation[name]))
        pull = sum(s.valence * self._activation[s.scene] for s in self._scenes)
        if pull <= 0:
            pull -= _VOICE_ALONE * self._unrest
        score = round(math.tanh(_PULL * pull), 2)
        moved = fresh is not None
        trend = self._trend(score) if moved else self.feeling.trend
        last = self.feeling
        self.feeling = Feeling(scene, score, trend, strength)
        changed = (scene, score) != (last.scene, last.score)
        if moved and (changed or not self.points) and len(self.points) < _POINTS:
            self.points.append(EmotionPoint(round(at, 2), score, scene))
        return self.feeling

    def _trend(self, score: float) -> Trend:
        before = self._slow
        self._slow += _SLOW * (score - self._slow)
        if score - before > _TREND:
            return "improving"
        return "worsening" if score - before < -_TREND else "steady"
