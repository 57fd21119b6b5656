"""What makes a decoded text unbelievable. Pure.

Whisper fails in two ways: on silence it invents what subtitles end with, and on too little
padding it loops. A loop is decoded with high confidence, so the log probability does not show
it; how well it compresses and how many tokens it has for its length do.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from dataclasses import dataclass

from asr.settings import GuardSettings


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A decoded text with what the decoder said about it."""

    text: str
    tokens: int
    duration_s: float
    avg_logprob: float
    no_speech: float


def compression_ratio(text: str) -> float:
    """UTF-8 bytes to zlib bytes; prose is near 1, a loop far above."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0


def token_limit(duration_s: float, settings: GuardSettings) -> int:
    """More tokens than this cannot have been said in that time."""
    return int(settings.tokens_per_s * duration_s) + settings.tokens_base


def refusal(hypothesis: Hypothesis, language: str, settings: GuardSettings) -> str:
    """Why a text is not to be believed, or an empty string. See `Recognition.refused`."""
    text = hypothesis.text
    unsure = hypothesis.avg_logprob < settings.min_logprob
    checks = {
        "silence": unsure and hypothesis.no_speech > settings.no_speech,
        "empty": not any(character.isalnum() for character in text),
        "loop": compression_ratio(text) > settings.max_compression_ratio,
        "too_many_tokens": hypothesis.tokens > token_limit(hypothesis.duration_s, settings),
        "low_confidence": unsure,
        "invention": is_invention(text, language),
    }
    return next((reason for reason, applies in checks.items() if applies), "")


# Sentences that Whisper puts into silence: ends of subtitled videos, in simplified characters.
# A pattern has to be the whole text, or it would swallow what a caller really said.
_INVENTIONS: dict[str, tuple[str, ...]] = {
    "zh": (
        r".*amara\s*org.*",
        r".*字幕(由|志愿者|组|制作|提供|校对|翻译|社群).*",
        r".*(点赞|订阅).*(点赞|订阅|转发|打赏|关注|分享).*",
        r".*明镜.*(点点|栏目|频道|火拍).*",
        r".*(优优)?独播剧场.*",
        r"(中文)?字幕",
        r"(谢谢|感谢)(大家|您|你们)?(的)?(观看|收看|收听|聆听|观赏).*",
        r".*(下期|下集|下个视频|下次视频|下一集).*(再见|见)",
        r"谢谢大家",
        r"以下是普通话的句子",
        r"by索兰娅",
        r"作词.{0,6}作曲.*",
        r"本期.{0,6}(视频|节目).*",
    ),
    "en": (
        r"(thank you|thanks)( so much| very much)? for (watching|listening|viewing).*",
        r"you",
        r"(please )?(like and )?subscribe.*",
        r".*subtitles? by.*",
        r".*amara\s*org.*",
        r"(see|i ll see) you in the next (video|one).*",
    ),
}
_COMPILED = {
    language: tuple(re.compile(pattern) for pattern in patterns)
    for language, patterns in _INVENTIONS.items()
}


def is_invention(text: str, language: str) -> bool:
    """Whether a text is one of those that Whisper is known to invent.

    Chinese inventions are looked for in every language, English ones too: on noise the language
    is a guess.
    """
    plain = _plain(text)
    languages = dict.fromkeys((language, "zh", "en"))
    return any(pattern.fullmatch(plain) for key in languages for pattern in _COMPILED.get(key, ()))


def _plain(text: str) -> str:
    """Lower case, without punctuation; words keep one space between them."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = "".join(character if character.isalnum() else " " for character in folded).split()
    joined = " ".join(kept)
    # Between Chinese characters a space stood for punctuation only.
    return re.sub(r"(?<=[\u4e00-\u9fff]) | (?=[\u4e00-\u9fff])", "", joined)
