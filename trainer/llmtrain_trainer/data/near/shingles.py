"""Hashes of all sequences of n words of many documents at once.

A word is hashed as a polynomial over its bytes, modulo 2^64, so that numpy hashes all words of a
batch in a few passes over its bytes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.powers import BASE, INVERSE, Hashes, powers
from llmtrain_trainer.data.scripts import holds_unspaced, split_words

Positions = NDArray[np.int64]

_CHUNK_BYTES = 2**16
"""Text that is hashed at a time, so that all arrays stay in a core's cache."""
_LONGEST_WORD = 2**16
"""Bytes; a longer word counts as several of this length."""
_BATCH_BYTES = 2**20
_BATCH_DOCUMENTS = 2048
_OTHER_SPACES = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""White space that is not ASCII."""
_ASCII = bytes(range(128)).decode()
_NUMBERS = (
    bytes(0 if letter.isspace() else ord(letter.lower()) + 1 for letter in _ASCII)
    + bytes(range(len(_ASCII) + 1, 256))
    + bytes(1)
)
"""The number of each byte of UTF-8 (255 is none): 0 for white space, the same for both cases."""


@dataclass(frozen=True)
class Shingles:
    """The sequences of words of some documents, hashed."""

    hashes: Hashes
    """Those of one document after those of the one before; some may repeat."""
    counts: Positions
    """The number of each document."""


def shingles(texts: Sequence[str], num_words: int) -> Iterator[Shingles]:
    """The sequences of so many words of each document, about a megabyte of text at a time.

    Words are those of `split_words`, whatever their case. A document with fewer words has one
    sequence, all of them; one without words has none.

    Args:
        texts: documents.
        num_words: length of a sequence.
    """
    batch: list[bytes] = []
    size = 0
    for text in texts:
        batch.append(spaced_words(text).encode())
        size += len(batch[-1])
        if size >= _BATCH_BYTES or len(batch) == _BATCH_DOCUMENTS:
            yield _shingles(batch, num_words)
            batch, size = [], 0
    if batch:
        yield _shingles(batch, num_words)


def spaced_words(text: str) -> str:
    """A text with ASCII white space between words, its case folded unless all of it is ASCII."""
    if text.isascii():
        return text
    spaced = _OTHER_SPACES.sub(" ", text).casefold()
    return " ".join(split_words(spaced)) if holds_unspaced(spaced) else spaced


def mixed(values: Hashes) -> Hashes:
    """Numbers whose bits all depend on all bits of the given ones (splitmix64, Steele 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shingles(batch: Sequence[bytes], num_words: int) -> Shingles:
    numbers = np.frombuffer(b" ".join([*batch, b""]).translate(_NUMBERS), np.uint8)
    starts = _word_starts(numbers)
    words = mixed(_word_hashes(numbers, starts))
    ends = np.cumsum([len(text) + 1 for text in batch])
    word_counts = np.diff(np.searchsorted(starts, ends), prepend=0)
    # Documents with too few words get filling, which makes their only sequence.
    lengths = np.where(word_counts, np.maximum(word_counts, num_words), 0)
    if not np.array_equal(lengths, word_counts):
        padded = np.zeros(lengths.sum(), np.uint64)
        padded[_positions(lengths, word_counts)] = words
        words = padded
    rolled = words[: max(0, len(words) - num_words + 1)].copy()
    for offset in range(1, num_words):
        rolled *= np.uint64(BASE)
        rolled += words[offset : offset + len(rolled)]
    counts = np.maximum(lengths - num_words + 1, 0)
    return Shingles(mixed(rolled[_positions(lengths, counts)]), counts)


def _positions(lengths: Positions, counts: Positions) -> Positions:
    """The first few positions of each run.

    Args:
        lengths: lengths of the runs, which lie one after the other.
        counts: number of positions of each.
    """
    starts = np.cumsum(lengths) - lengths
    shifts = starts - (np.cumsum(counts) - counts)
    positions: Positions = np.arange(counts.sum()) + np.repeat(shifts, counts)
    return positions


def _word_starts(numbers: NDArray[np.uint8]) -> Positions:
    """The position of each word's first byte, or of each part of a word that is too long."""
    in_word = numbers != 0
    starts = np.flatnonzero(in_word & np.concatenate(([True], ~in_word[:-1])))
    gaps = np.diff(starts, append=len(numbers))
    parts = [
        np.arange(start + _LONGEST_WORD, start + gap, _LONGEST_WORD)
        for start, gap in zip(starts[gaps > _LONGEST_WORD], gaps[gaps > _LONGEST_WORD], strict=True)
    ]
    if not parts:
        return starts
    more = np.concatenate(parts)
    return np.sort(np.concatenate([starts, more[in_word[more]]]))


def _word_hashes(numbers: NDArray[np.uint8], starts: Positions) -> Hashes:
    """The hash of each word.

    Args:
        numbers: those of the text's bytes, 0 between words.
        starts: where words begin.
    """
    count = _CHUNK_BYTES + _LONGEST_WORD  # enough for a chunk and its last word
    upward, downward = powers(BASE, count), powers(INVERSE, count)
    found = [np.empty(0, np.uint64)]
    first = 0
    while first < len(starts):
        begin = starts[first]
        last = int(np.searchsorted(starts, begin + _CHUNK_BYTES))
        end = min(starts[last] if last < len(starts) else len(numbers), begin + count)
        chunk, words = numbers[begin:end], starts[first:last] - begin
        found.append(np.add.reduceat(chunk * upward[: len(chunk)], words) * downward[words])
        first = last
    return np.concatenate(found)
