"""Whisper by faster-whisper and CTranslate2, over windows much shorter than its 30 s.

`WhisperModel.transcribe` pads every segment to 3000 frames. The encoder takes fewer, at some
fifth of the cost, as long as the audio has silence behind it and the window is not too short;
what then goes wrong goes wrong visibly and is decoded again over the full window.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from asr.guards import Hypothesis, refusal, token_limit
from asr.homophones import Homophones, read_words
from asr.homophones import load as load_homophones
from asr.model import ensure_model
from asr.recognisers.base import Capabilities, RecogniserError, Recognition
from asr.recognisers.word_choice import Draft, WordChoice
from asr.resample import RATE, Audio
from asr.settings import AsrSettings, WhisperSettings
from asr.text import tidy
from asr.timing import character_times, token_starts

FULL_WINDOW = 3000
"""Frames of 10 ms that Whisper was trained on."""

_FRAMES_PER_S = 100
_MOST_TOKENS = 224  # half of Whisper's text context; the rest is the prompt's
_LOOP_BREAKER = 3  # tokens whose run may not repeat in a second try; real speech does repeat some
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

    def __init__(
        self,
        model: WhisperModel,
        settings: WhisperSettings,
        name: str,
        homophones: Homophones | None = None,
    ) -> None:
        self._model = model
        self._settings = settings
        self._name = name
        self._words = None if homophones is None else WordChoice(homophones)

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
        homophones = None
        if settings.homophones:
            homophones = load_homophones([*read_words(settings.vocabulary), *settings.words])
        return cls(model, settings.whisper, folder.name, homophones)

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
            words=True,
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
        ngram = self._settings.no_repeat_ngram.get(language, 0)
        (draft,) = self._generate(encoded, language, [duration], beam, ngram, quick=quick)
        if timed or not partial:
            (draft,) = self._timed(encoded, window, language, [draft])
        if not partial:
            if not quick:
                (draft,) = self._repaired(encoded, window, language, [draft])
            return self._judge(audio, features, draft, language, probability, window)
        return self._result(draft, language, probability)

    def decode_batch(
        self, segments: Sequence[Audio], *, languages: Sequence[str], quick: bool = False
    ) -> list[Recognition]:
        """Decode several finals at once; see `Recogniser`.

        While the language is still to be found they are decoded one by one.
        """
        if len(languages) > 1:
            return [
                self.decode(audio, languages=languages, partial=False, quick=quick)
                for audio in segments
            ]
        (language,) = languages
        durations = [len(audio) / RATE for audio in segments]
        window = self._window(max(durations), languages)
        features = [self._model.feature_extractor(audio) for audio in segments]
        encoded = self._encode(features, window)
        ngram = self._settings.no_repeat_ngram.get(language, 0)
        beam = self._settings.beam_final
        drafts = self._generate(encoded, language, durations, beam, ngram, quick=quick)
        drafts = self._timed(encoded, window, language, drafts)
        if not quick:
            drafts = self._repaired(encoded, window, language, drafts)
        return [
            self._judge(audio, one, draft, language, 1.0, window)
            for audio, one, draft in zip(segments, features, drafts, strict=True)
        ]

    def _judge(  # noqa: PLR0917 - one decoding and where it came from
        self,
        audio: Audio,
        features: npt.NDArray[np.float32],
        draft: Draft,
        language: str,
        probability: float,
        window: int,
    ) -> Recognition:
        """Believe what was decoded over a window, or decode it over the full one, or give up."""
        refused = refusal(draft.guess, language, self._settings.guards)
        redecoded = bool(refused) and refused != "invention" and window < FULL_WINDOW
        if redecoded:
            encoded = self._encode([features], FULL_WINDOW)
            beam, duration = self._settings.beam_final, draft.guess.duration_s
            (draft,) = self._generate(encoded, language, [duration], beam, _LOOP_BREAKER)
            (draft,) = self._timed(encoded, FULL_WINDOW, language, [draft])
            (draft,) = self._repaired(encoded, FULL_WINDOW, language, [draft])
        found = self._result(draft, language, probability, redecoded=redecoded)
        return self._with_rest(audio, found, draft.end_s)

    def _result(
        self, draft: Draft, language: str, probability: float, *, redecoded: bool = False
    ) -> Recognition:
        guess = draft.guess
        refused = refusal(guess, language, self._settings.guards)
        return Recognition(
            text="" if refused else guess.text,
            language=language,
            confidence=0.0 if refused else min(1.0, math.exp(guess.avg_logprob)),
            language_probability=probability,
            redecoded=redecoded,
            refused=refused,
            char_times=() if refused else draft.char_times,
            corrections=() if refused else draft.corrections,
        )

    def _with_rest(self, audio: Audio, found: Recognition, end_s: float) -> Recognition:
        """Decode what follows where the text stops well before the audio.

        Whisper learnt from subtitles, and may end a line where a subtitle would be full.
        """
        rest = audio[round(max(0.0, end_s) * RATE) :]
        enough = self._settings.longest_untold_s
        if not found.text or not found.char_times or len(rest) < enough * RATE:
            return found
        more = self.decode(rest, languages=[found.language], partial=False)
        if not more.text:
            return found
        gap = "" if found.language == "zh" else " "
        n, m = len(found.text), len(more.text)
        return replace(
            found,
            text=found.text + gap + more.text,
            confidence=(found.confidence * n + more.confidence * m) / (n + m),
            redecoded=True,
            char_times=(
                *found.char_times,
                *([end_s] if gap else []),
                *(round(end_s + time, 2) for time in more.char_times),
            )
            if more.char_times
            else (),
            corrections=(
                *found.corrections,
                *(one.moved(n + len(gap)) for one in more.corrections),
            ),
        )

    def _window(self, duration_s: float, languages: Sequence[str]) -> int:
        """Encoder frames for a segment: enough for every language it may be in."""
        floors = self._settings.window_floor_frames
        floor = max(floors.get(language, FULL_WINDOW) for language in languages)
        wanted = _frames(duration_s + self._settings.window_margin_s)
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
        self,
        encoded: Any,
        language: str,
        durations: Sequence[float],
        beam: int,
        ngram: int,
        *,
        quick: bool = False,
    ) -> list[Draft]:
        tokenizer, suppressed = self._tokenizer(language)
        prompt = self._prompt(tokenizer, language)
        limit = min(
            _MOST_TOKENS, token_limit(max(durations), self._settings.guards) + _TOKENS_OVER_LIMIT
        )
        # All hypotheses have to be searched to their ends where words choose among them.
        words = None if beam == 1 or quick else self._words_of(language)
        results = self._model.model.generate(
            encoded,
            [prompt] * len(durations),
            beam_size=beam,
            num_hypotheses=beam if words is not None else 1,
            no_repeat_ngram_size=ngram,
            # CTranslate2 stops at half of it too, as if the prompt always took the other half.
            max_length=max(2 * limit, len(prompt) + limit),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            suppress_tokens=suppressed,
        )
        found = []
        for result, duration in zip(results, durations, strict=True):
            drafts = []
            for tokens, score in zip(result.sequences_ids, result.scores, strict=True):
                # The score is the sum over the tokens divided by their number (length penalty 1);
                # the end token counts too, as in faster-whisper.
                guess = Hypothesis(
                    text=tidy(tokenizer.decode(tokens)),
                    tokens=len(tokens),
                    duration_s=duration,
                    avg_logprob=score * len(tokens) / (len(tokens) + 1),
                    no_speech=result.no_speech_prob,
                )
                drafts.append(Draft(guess, tokens))
            found.append(drafts[0] if words is None else words.likeliest(drafts))
        return found

    def _timed(self, encoded: Any, window: int, language: str, drafts: list[Draft]) -> list[Draft]:
        """Find out when each character was said, by the decoder's attention to the audio."""
        if not all(draft.tokens for draft in drafts):
            return drafts
        tokenizer, _ = self._tokenizer(language)
        # Nothing is said in the silence behind the audio: there attention would go astray.
        frames = [min(window, _frames(draft.guess.duration_s)) for draft in drafts]
        aligned = self._align(encoded, frames, tokenizer, [draft.tokens for draft in drafts])
        timed = []
        for draft, one in zip(drafts, aligned, strict=True):
            starts = token_starts(one.alignments, len(draft.tokens))
            pieces, groups = tokenizer.split_tokens_on_unicode(draft.tokens)
            ends = np.cumsum([len(group) for group in groups])
            firsts = [0, *(int(end) for end in ends[:-1])]
            raw = [(piece, starts[first]) for piece, first in zip(pieces, firsts, strict=True)]
            times = character_times(raw, draft.guess.text)
            timed.append(replace(draft, char_times=times, end_s=starts[-1]))
        return timed

    def _repaired(
        self, encoded: Any, window: int, language: str, drafts: list[Draft]
    ) -> list[Draft]:
        """Put words right by their sound, in a language of which words are known."""
        words = self._words_of(language)
        if words is None:
            return drafts
        tokenizer, _ = self._tokenizer(language)
        align = functools.partial(self._align, encoded, [window] * len(drafts), tokenizer)
        return words.repaired(drafts, align, tokenizer.encode)

    def _words_of(self, language: str) -> WordChoice | None:
        return self._words if language == "zh" else None

    def _align(
        self, encoded: Any, frames: list[int], tokenizer: Tokenizer, tokens: list[list[int]]
    ) -> Sequence[Any]:
        """How tokens lie in the first frames and how likely they are, a segment's tokens each."""
        found: Sequence[Any] = self._model.model.align(
            encoded, tokenizer.sot_sequence, tokens, frames
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


def _frames(seconds: float) -> int:
    """Frames for so much audio; the encoder's convolution halves their number."""
    frames = math.ceil(seconds * _FRAMES_PER_S)
    return frames + frames % 2
