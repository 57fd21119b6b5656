"""Text by its sound: one character for each toneless syllable.

For finding and comparing what a recogniser wrote with other characters.
"""

from __future__ import annotations

from pypinyin import lazy_pinyin

_FIRST_SOUND = 0x80  # two bytes in UTF-8, in which the automaton reads: it is half as fast on three
_SURROGATES = 0xD800, 0x800

_sounds: dict[str, str] = {}
"""What stands for each reading, and for each character that is neither Chinese nor ASCII."""


def _sound(char: str) -> str:
    if char.isdigit() and char.isascii():
        char = "零一二三四五六七八九"[int(char)]
    if char.isascii():
        return char
    reading = lazy_pinyin(char)[0] if "\u3400" <= char <= "\u9fff" else char
    if reading not in _sounds:
        code = _FIRST_SOUND + len(_sounds)
        first, many = _SURROGATES
        _sounds[reading] = chr(code if code < first else code + many)
    return _sounds[reading]


class _Sounds(dict[int, int]):
    """`_sound` as a table for `str.translate`, filled as characters come up."""

    def __missing__(self, code: int) -> int:
        self[code] = sound = ord(_sound(chr(code)))
        return sound


_SOUNDS = _Sounds()


def syllables(text: str) -> str:
    """One character per toneless syllable, letters as they are. Says nothing to a reader.

    A character's commonest reading stands for it everywhere, so that the same characters always
    sound alike whatever stands around them.
    """
    return text.translate(_SOUNDS)
