"""Whisper by faster-whisper and CTranslate2, over windows much shorter than its 30 s.

`WhisperModel.transcribe` pads every segment to 3000 frames. The encoder takes fewer, at some
fifth of the cost, as long as the audio has silence behind it and the window is not too short;
what then goes wrong goes wrong visibly and is decoded again over the full window.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from asr.guards import Hypothesis, refusal, token_limit
from asr.recognisers.base import Capabilities, RecogniserError, Recognition
from asr.resample import RATE, Audio
from asr.settings import AsrSettings, WhisperSettings
from asr.text import tidy

FULL_WINDOW = 3000
"""Frames of 10 ms that Whisper was trained on."""

_FRAMES_PER_S = 100
_MOST_TOKENS = 224  # half of Whisper's text context; the rest is the prompt's
_TOKENS_OVER_LIMIT = 4  # a loop has to run past the guard's limit to be seen by it


class WhisperRecogniser:
    """Decodes segments with Whisper. Safe to call from as many threads as `settings.parallel`."""

    def __init__(self, model: WhisperModel, settings: WhisperSettings, name: str) -> None:
        self._model = model
        self._settings = settings
        self._name = name

    @classmethod
    def load(cls, folder: Path, settings: AsrSettings) -> WhisperRecogniser:
        """Load a model from its folder. Takes seconds and blocks.

        Raises:
            RecogniserError: the files are no model, or the device cannot run it.
        """
        device = settings.device
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        compute_type = settings.compute_type
        if compute_type == "default":
            compute_type = "int8" if device == "cpu" else "float16"
        try:
            model = WhisperModel(
                str(folder),
                device=device,
                compute_type=compute_type,
                cpu_threads=settings.cpu_threads,
                num_workers=settings.parallel,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RecogniserError(f"cannot load the model in {folder}: {reason}") from error
        return cls(model, settings.whisper, folder.name)

    @property
    def capabilities(self) -> Capabilities:
        """Whole segments, one at a time, with confidences."""
        return Capabilities(
            name=f"whisper-{self._name}",
            rate=RATE,
            languages=frozenset(self._model.supported_languages),
            detects_language=bool(self._model.model.is_multilingual),
            batch=False,
            streaming=False,
            words=False,
            confidences=True,
        )

    def decode(self, audio: Audio, *, languages: Sequence[str], partial: bool) -> Recognition:
        """Decode one segment; see `Recogniser`.

        A final that the guards refuse is decoded once more over the full window. One that they
        refuse again comes back without text.
        """
        duration = len(audio) / RATE
        features = self._model.feature_extractor(audio)
        language, probability, window = languages[0], 1.0, self._window(duration, languages)
        encoded = self._encode(features, window)
        if len(languages) > 1:
            language, probability = self._detect(encoded, languages)
        beam = self._settings.beam_partial if partial else self._settings.beam_final
        guess = self._generate(encoded, language, duration, beam)
        refused = refusal(guess, language, self._settings.guards)
        redecoded = False
        if refused and not partial and window < FULL_WINDOW and refused != "invention":
            redecoded = True
            encoded = self._encode(features, FULL_WINDOW)
            guess = self._generate(encoded, language, duration, beam)
            refused = refusal(guess, language, self._settings.guards)
        return Recognition(
            text="" if refused else guess.text,
            language=language,
            confidence=0.0 if refused else min(1.0, math.exp(guess.avg_logprob)),
            language_probability=probability,
            redecoded=redecoded,
            refused=refused,
        )

    def _window(self, duration_s: float, languages: Sequence[str]) -> int:
        """Encoder frames for a segment: enough for every language it may be in."""
        floors = self._settings.window_floor_frames
        floor = max(floors.get(language, FULL_WINDOW) for language in languages)
        wanted = math.ceil((duration_s + self._settings.window_margin_s) * _FRAMES_PER_S)
        wanted += wanted % 2  # the encoder's convolution halves it
        return min(FULL_WINDOW, max(floor, wanted))

    def _encode(self, features: npt.NDArray[np.float32], window: int) -> Any:
        frames = features[:, :window]
        padded = np.pad(frames, ((0, 0), (0, window - frames.shape[1])))
        storage = ctranslate2.StorageView.from_array(
            np.ascontiguousarray(padded[np.newaxis], dtype=np.float32)
        )
        return self._model.model.encode(storage)

    def _detect(self, encoded: Any, languages: Sequence[str]) -> tuple[str, float]:
        """The likeliest of some languages, and its share among them."""
        ranked = self._model.model.detect_language(encoded)[0]
        shares = {token[2:-2]: probability for token, probability in ranked}
        allowed = {language: shares.get(language, 0.0) for language in languages}
        best = max(allowed, key=lambda language: allowed[language])
        total = sum(allowed.values())
        return best, allowed[best] / total if total else 1 / len(allowed)

    def _generate(self, encoded: Any, language: str, duration_s: float, beam: int) -> Hypothesis:
        tokenizer, suppressed = self._tokenizer(language)
        prompt = self._prompt(tokenizer, language)
        limit = min(
            _MOST_TOKENS, token_limit(duration_s, self._settings.guards) + _TOKENS_OVER_LIMIT
        )
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=beam,
            no_repeat_ngram_size=self._settings.no_repeat_ngram.get(language, 0),
            max_length=len(prompt) + limit,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=suppressed,
        )[0]
        tokens = result.sequences_ids[0]
        # The score is the sum over the tokens divided by their number (length penalty 1); the
        # end token counts too, as in faster-whisper.
        logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
        return Hypothesis(
            text=tidy(tokenizer.decode(tokens)),
            tokens=len(tokens),
            duration_s=duration_s,
            avg_logprob=logprob,
            no_speech=result.no_speech_prob,
        )

    @functools.lru_cache(maxsize=16)  # noqa: B019 - a recogniser lives as long as the process
    def _tokenizer(self, language: str) -> tuple[Tokenizer, list[int]]:
        tokenizer = Tokenizer(
            self._model.hf_tokenizer,
            self._model.model.is_multilingual,
            task="transcribe",
            language=language,
        )
        return tokenizer, list(get_suppressed_tokens(tokenizer, [-1]) or [])

    def _prompt(self, tokenizer: Tokenizer, language: str) -> list[int]:
        tokens: list[int] = []
        before = self._settings.prompt.get(language, "")
        if before:
            tokens += [tokenizer.sot_prev, *tokenizer.encode(f" {before.strip()}")]
        return [*tokens, *tokenizer.sot_sequence, tokenizer.no_timestamps]
