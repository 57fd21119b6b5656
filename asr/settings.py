"""Settings of speech recognition."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Language = Literal["zh", "en", "auto"]

_MOST_PARALLEL = 8


class VadSettings(BaseModel):
    """When a leg counts as speaking, and where its speech is cut into segments."""

    model_config = ConfigDict(extra="forbid")

    threshold: float = Field(
        default=0.5, gt=0, lt=1, description="Speech probability at which a segment begins."
    )
    release: float = Field(
        default=0.35,
        gt=0,
        lt=1,
        description="Probability below which a window inside a segment counts as silence.",
    )
    min_speech_s: float = Field(
        default=0.16, ge=0, le=2, description="Speech shorter than this is no segment."
    )
    end_silence_s: float = Field(
        default=0.6, ge=0.1, le=5, description="Silence that ends a segment."
    )
    likely_end_s: float = Field(
        default=0.4,
        ge=0,
        le=5,
        description="Silence after which the segment has probably ended: its final is decoded "
        "ahead if a worker is free, and thrown away when speech goes on; 0 for never.",
    )
    early_end_s: float = Field(
        default=0.2,
        ge=0,
        le=5,
        description="The same while the node is calm: words before a short pause are known at "
        "once, in a partial as sure as a final; 0 for never.",
    )
    pre_roll_s: float = Field(
        default=0.4, ge=0, le=2, description="Audio before the speech that is decoded with it."
    )
    post_roll_s: float = Field(
        default=0.3, ge=0, le=2, description="Audio after the speech that is decoded with it."
    )
    max_segment_s: float = Field(
        default=12.0,
        ge=2,
        le=25,
        description="A longer segment is split at its quietest point. Whisper hears 30 s at most.",
    )
    gate_dbfs: float = Field(
        default=-55.0,
        ge=-120,
        le=0,
        description="Windows below this RMS are silence, whatever the model says.",
    )
    bridge_gap_s: float = Field(
        default=0.06,
        ge=0,
        le=1,
        description="Lost audio up to this long is filled with zeros inside a segment; "
        "a longer gap closes the segment.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> VadSettings:
        if self.release > self.threshold:
            raise ValueError("release must not be above threshold")
        if self.post_roll_s > self.end_silence_s:
            raise ValueError("post_roll_s must not be longer than end_silence_s")
        if 0 < self.likely_end_s < self.post_roll_s:
            raise ValueError("likely_end_s must not be shorter than post_roll_s")
        if 0 < self.likely_end_s <= self.early_end_s:
            raise ValueError("early_end_s must be shorter than likely_end_s")
        return self


class GuardSettings(BaseModel):
    """What makes a decoded text unbelievable."""

    model_config = ConfigDict(extra="forbid")

    max_compression_ratio: float = Field(
        default=2.4, gt=1, description="UTF-8 bytes to zlib bytes; a loop compresses too well."
    )
    tokens_per_s: float = Field(
        default=8.0, gt=0, description="More tokens than this times seconds plus tokens_base: loop."
    )
    tokens_base: int = Field(default=10, ge=0, description="See tokens_per_s.")
    min_logprob: float = Field(
        default=-1.0, lt=0, description="Mean log probability a token must have."
    )
    no_speech: float = Field(
        default=0.6,
        gt=0,
        lt=1,
        description="No-speech probability that, with a mean log probability below "
        "min_logprob, makes it silence.",
    )


class WhisperSettings(BaseModel):
    """How Whisper is run. The defaults were measured for `base` with `python -m asr.bench`.

    Measure again before trusting them with another model: short windows cost some models much
    of their accuracy.
    """

    model_config = ConfigDict(extra="forbid")

    window_floor_frames: dict[str, int] = Field(
        default={"zh": 600, "en": 1500},
        description="Shortest encoder window by language, in frames of 10 ms, 3000 at most. "
        "A language that is not listed gets the full window.",
    )
    window_margin_s: float = Field(
        # 2.56, 2.0 and 1.5 s make the same errors: .104, .098, .098 on the ten scripted calls,
        # .206, .209, .209 on read speech by phone.
        default=2.0,
        ge=0,
        description="Silence the encoder sees after the audio at least.",
    )
    beam_final: int = Field(default=5, ge=1, le=10, description="Beam width of finals.")
    beam_partial: int = Field(default=1, ge=1, le=10, description="Beam width of partials.")
    no_repeat_ngram: dict[str, int] = Field(
        # 3 forbade 选择科室选择医生; 5 costs read speech by phone nothing (.206 as with 3).
        default={"zh": 5, "en": 4},
        description="Runs of this many tokens may not repeat, by language; none if not listed.",
    )
    longest_untold_s: float = Field(
        default=1.8,
        gt=0,
        description="Where a text ends so much earlier than its audio, the rest is decoded anew.",
    )
    prompt: dict[str, str] = Field(
        # Character errors with and without it, base: ten scripted calls .117 and .125, read
        # speech by phone .206 and .206, wide band .170 and .152. It brings punctuation.
        default={"zh": "以下是普通话的句子。"},
        description="Short neutral prompt by language. A domain prompt makes errors worse.",
    )
    guards: GuardSettings = GuardSettings()


class AsrSettings(BaseModel):
    """Speech recognition on this node."""

    model_config = ConfigDict(extra="forbid")

    recogniser: str = Field(
        default="whisper",
        description="Plug-in that recognises speech: a name from the entry point group "
        "tingzhen.recognisers, or module:function.",
    )
    model: str = Field(
        default="base", description="Name of a known model, or a folder that holds one."
    )
    models_dir: Path | None = Field(
        default=None,
        description="Where models live; $TINGZHEN_MODELS or the user's cache if unset.",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(default="auto", description="Where to compute.")
    compute_type: str = Field(
        default="default",
        description="CTranslate2 compute type; default is int8 on the CPU, float16 on a GPU.",
    )
    workers: int | None = Field(
        default=None,
        ge=0,
        le=64,
        description="Processes that recognise, so that a crash in native code costs one decoding; "
        "0 recognises in the node's own process; unset is one for each segment decoded at the "
        "same time on a CPU, one on a GPU.",
    )
    decode_threads: int = Field(
        default=0,
        ge=0,
        le=64,
        description="Segments decoded at the same time; 0 is the number of workers, or else of "
        "cores, at most 8.",
    )
    nice: int = Field(
        default=0,
        ge=0,
        le=19,
        description="How far workers stand back for other programs. Where those keep all cores "
        "busy, finals fall behind; a PBX, which mostly sleeps, is served first anyway.",
    )
    decode_timeout_s: float = Field(
        default=30.0,
        gt=0,
        description="A worker that takes more processor time for one decoding, or takes none for "
        "so long, hangs, and is replaced.",
    )
    late_after_s: float = Field(
        default=3.0,
        gt=0,
        description="A final that comes later than this after the end of speech is marked late; "
        "a node whose finals wait that long says that it is overloaded.",
    )
    waiting_memory_s: float = Field(
        default=900.0,
        ge=0,
        description="Seconds of speech that may wait for their finals in memory (64 kB each); "
        "what is more waits on disk.",
    )
    cpu_threads: int = Field(
        default=1,
        ge=1,
        le=64,
        description="Threads for one segment. More shorten one decoding on an idle machine and "
        "cost throughput on a busy one.",
    )
    language: Language = Field(
        default="zh", description="Spoken language; auto finds it per leg and keeps it."
    )
    lexicon: str = Field(
        default="hospital-zh",
        description="Words that are put right by their sound in Chinese finals: the bundled "
        "lexicon's name, a file of your own, or empty for none.",
    )
    homophones: bool = Field(
        default=True,
        description="Whether Chinese finals are searched for words that were written with other "
        "characters of their sound, where the audio bears it out (Whisper only; 100 MB and two "
        "seconds at the start of each worker).",
    )
    vocabulary: str = Field(
        default="hospital-zh",
        description="Words that are usual in your calls, which homophones are likelier to become: "
        "the bundled list's name, or a file of your own, one word a line.",
    )
    words: tuple[Annotated[str, Field(pattern="^[\u4e00-\u9fff]{2,5}$")], ...] = Field(
        default=(),
        description="More words of the vocabulary, of 2 to 5 characters.",
    )
    rule_words: bool = Field(
        default=True,
        description="Whether what the phrases of the rules are made of is added to the vocabulary, "
        "as it is when the program starts.",
    )
    partial_step_s: float = Field(
        default=0.7, ge=0, le=10, description="Seconds between partials of a segment; 0 for none."
    )
    first_partial_s: float = Field(
        default=0.8, gt=0, le=10, description="Seconds of speech before a segment's first partial."
    )
    audio_queue_frames: int = Field(
        default=10_000,
        ge=100,
        description="Audio frames that may wait to be heard before the oldest are dropped.",
    )
    node: str = Field(default="local", description="This node's name in health events.")
    vad: VadSettings = VadSettings()
    whisper: WhisperSettings = WhisperSettings()

    @property
    def parallel(self) -> int:
        """Segments decoded at the same time, with 0 resolved for this machine."""
        return self.decode_threads or self.workers or min(_MOST_PARALLEL, os.cpu_count() or 1)
