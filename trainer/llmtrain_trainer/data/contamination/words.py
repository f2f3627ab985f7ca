"""Words of a text without case, punctuation and markup, and hashes of sequences of them.

Questions are recognized by their words in a row, however they are set: with other punctuation, line
breaks, capitals or full-width letters.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.powers import BASE, INVERSE, Hashes, powers
from llmtrain_trainer.data.scripts import LONG_UNSPACED, SHORT_UNSPACED

_NO_WORD = bytes(
    code if chr(code).isascii() and chr(code).isalnum() else ord(" ") for code in range(256)
)
_BEYOND_LETTERS = 0x40000
"""Code from which on no character is a letter."""
_NO_LETTER, _LETTER, _UNSPACED_LETTER = range(3)
_UNSPACED = re.compile(f"[{LONG_UNSPACED}{SHORT_UNSPACED}]")
_LETTERS_PER_WORD = (
    (re.compile(f"[{LONG_UNSPACED}]"), 4),
    (re.compile(f"[{SHORT_UNSPACED}]"), 2),
)
"""Letters of a word, about, in scripts that put no spaces between words."""


def split_normal(text: str) -> list[bytes]:
    """The words of a text in UTF-8, without case and punctuation.

    In scripts that put no spaces between words, each letter is one.
    """
    if text.isascii():
        return text.encode().lower().translate(_NO_WORD).split()
    normal = unicodedata.normalize("NFKC", text).casefold()
    codes = np.frombuffer(normal.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    kinds = _kinds()[np.minimum(codes, _BEYOND_LETTERS)]
    codes = np.where(kinds == _NO_LETTER, ord(" "), codes)
    if (kinds == _UNSPACED_LETTER).any():
        codes = _spaced_out(codes, kinds == _UNSPACED_LETTER)
    return codes.astype("<u4").tobytes().decode("utf-32-le").encode().split()


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of each character, by its code."""
    kinds = np.full(_BEYOND_LETTERS + 1, _NO_LETTER, dtype=np.uint8)
    for code in range(_BEYOND_LETTERS):
        if unicodedata.category(chr(code))[0] in "LMN":  # with marks, such as the vowels of Hindi
            kinds[code] = _LETTER
            if _UNSPACED.match(chr(code)):
                kinds[code] = _UNSPACED_LETTER
    return kinds


def _spaced_out(codes: NDArray[np.uint32], is_alone: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Characters with spaces around some of them."""
    sizes = np.where(is_alone, 3, 1)
    ends = np.cumsum(sizes)[is_alone]
    codes = np.repeat(codes, sizes)
    codes[ends - 3] = codes[ends - 1] = ord(" ")
    return codes


def word_scale(words: Sequence[bytes]) -> int:
    """The number of words, as `split_normal` counts them, that say as much as one English word.

    It is more than 1 where most of them are single letters of a script without spaces.
    """
    text = b"".join(words).decode()
    for letters, scale in _LETTERS_PER_WORD:
        if 2 * len(letters.findall(text)) > len(words):
            return scale
    return 1


def word_hashes(words: Sequence[bytes]) -> Hashes:
    """A hash of each word; shape (len(words),)."""
    from xxhash import xxh3_64_intdigest

    return np.fromiter(map(xxh3_64_intdigest, words), dtype=np.uint64, count=len(words))


class Windows:
    """Hashes of all sequences of neighbouring words, whatever their length.

    They are polynomials in a fixed base modulo 2^64 (Karp and Rabin 1987), as differences of
    running sums.

    Args:
        hashes: a hash of each word; shape (num_words,).
    """

    def __init__(self, hashes: Hashes) -> None:
        self._powers = powers(BASE, len(hashes))
        self._sums = np.zeros(len(hashes) + 1, dtype=np.uint64)
        np.cumsum(hashes * powers(INVERSE, len(hashes)), out=self._sums[1:])

    def of_length(self, length: int) -> Hashes:
        """The hash of each sequence with this many words; shape (num_words - length + 1,).

        Empty where there are fewer words. Sequences of different lengths have different hashes.
        """
        count = max(len(self._sums) - length, 0)
        differences = self._sums[length:] - self._sums[:count]
        salt = np.uint64(length * BASE % 2**64)
        hashes: Hashes = differences * self._powers[:count] ^ salt
        return hashes
