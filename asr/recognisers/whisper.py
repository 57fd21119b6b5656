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
from asr.model import ensure_model
from asr.recognisers.base import Capabilities, RecogniserError, Recognition
from asr.resample import RATE, Audio
from asr.settings import AsrSettings, WhisperSettings
from asr.text import tidy

FULL_WINDOW = 3000
"""Frames of 10 ms that Whisper was trained on."""

_FRAMES_PER_S = 100
_MOST_TOKENS = 224  # half of Whisper's text context; the rest is the prompt's
_TOKENS_OVER_LIMIT = 4  # a loop has to run past the guard's limit to be seen by it


def load(settings: AsrSettings) -> WhisperRecogniser:
    """Load the model of the settings, getting it first where it is missing.

    Raises:
        ModelError: the model cannot be got.
        RecogniserError: the model cannot be loaded.
    """
    folder = ensure_model(settings.model, directory=settings.models_dir)
    return WhisperRecogniser.load(folder, settings)


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
        """Whole segments with confidences; in batches on a GPU.

        A CPU of two cores gained a sixth from batches, at the price of each one's delay.
        """
        return Capabilities(
            name=f"whisper-{self._name}",
            rate=RATE,
            languages=frozenset(self._model.supported_languages),
            detects_language=bool(self._model.model.is_multilingual),
            batch=self._model.model.device == "cuda",
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
        encoded = self._encode([features], window)
        if len(languages) > 1:
            language, probability = self._detect(encoded, languages)
        beam = self._settings.beam_partial if partial else self._settings.beam_final
        (guess,) = self._generate(encoded, language, [duration], beam)
        if partial:
            window = FULL_WINDOW  # no second look
        return self._judge(features, guess, language, probability, window)

    def decode_batch(
        self, segments: Sequence[Audio], *, languages: Sequence[str]
    ) -> list[Recognition]:
        """Decode several finals at once; see `Recogniser`.

        While the language is still to be found they are decoded one by one.
        """
        if len(languages) > 1:
            return [self.decode(audio, languages=languages, partial=False) for audio in segments]
        (language,) = languages
        durations = [len(audio) / RATE for audio in segments]
        window = self._window(max(durations), languages)
        features = [self._model.feature_extractor(audio) for audio in segments]
        encoded = self._encode(features, window)
        guesses = self._generate(encoded, language, durations, self._settings.beam_final)
        return [
            self._judge(one, guess, language, 1.0, window)
            for one, guess in zip(features, guesses, strict=True)
        ]

    def _judge(
        self,
        features: npt.NDArray[np.float32],
        guess: Hypothesis,
        language: str,
        probability: float,
        window: int,
    ) -> Recognition:
        """Believe what was decoded over a window, or decode it over the full one, or give up."""
        guards = self._settings.guards
        refused = refusal(guess, language, guards)
        redecoded = bool(refused) and refused != "invention" and window < FULL_WINDOW
        if redecoded:
            encoded = self._encode([features], FULL_WINDOW)
            beam = self._settings.beam_final
            (guess,) = self._generate(encoded, language, [guess.duration_s], beam)
            refused = refusal(guess, language, guards)
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

    def _encode(self, features: Sequence[npt.NDArray[np.float32]], window: int) -> Any:
        batch = np.zeros((len(features), features[0].shape[0], window), np.float32)
        for row, one in zip(batch, features, strict=True):
            frames = one[:, :window]
            row[:, : frames.shape[1]] = frames
        return self._model.model.encode(ctranslate2.StorageView.from_array(batch))

    def _detect(self, encoded: Any, languages: Sequence[str]) -> tuple[str, float]:
        """The likeliest of some languages, and its share among them."""
        ranked = self._model.model.detect_language(encoded)[0]
        shares = {token[2:-2]: probability for token, probability in ranked}
        allowed = {language: shares.get(language, 0.0) for language in languages}
        best = max(allowed, key=lambda language: allowed[language])
        total = sum(allowed.values())
        return best, allowed[best] / total if total else 1 / len(allowed)

    def _generate(
        self, encoded: Any, language: str, durations: Sequence[float], beam: int
    ) -> list[Hypothesis]:
        tokenizer, suppressed = self._tokenizer(language)
        prompt = self._prompt(tokenizer, language)
        limit = min(
            _MOST_TOKENS, token_limit(max(durations), self._settings.guards) + _TOKENS_OVER_LIMIT
        )
        results = self._model.model.generate(
            encoded,
            [prompt] * len(durations),
            beam_size=beam,
            no_repeat_ngram_size=self._settings.no_repeat_ngram.get(language, 0),
            max_length=len(prompt) + limit,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=suppressed,
        )
        found = []
        for result, duration in zip(results, durations, strict=True):
            tokens = result.sequences_ids[0]
            # The score is the sum over the tokens divided by their number (length penalty 1);
            # the end token counts too, as in faster-whisper.
            logprob = result.scores[0] * len(tokens) / (len(tokens) + 1)
            found.append(
                Hypothesis(
                    text=tidy(tokenizer.decode(tokens)),
                    tokens=len(tokens),
                    duration_s=duration,
                    avg_logprob=logprob,
                    no_speech=result.no_speech_prob,
                )
            )
        return found

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
