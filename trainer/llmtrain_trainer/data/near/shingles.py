"""Hashes of all sequences of n words of many documents at once.

A word is hashed as a polynomial over its bytes, modulo 2^64, so that numpy hashes all words of a
batch in a few passes over its bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.documents import normal_text
from llmtrain_trainer.data.scripts import holds_unspaced, split_words

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
"""An odd number, so that its powers have inverses modulo 2^64; 2^64 over the golden ratio."""
_MODULUS = 2**64
_SPACE = ord(" ")
_CHUNK_BYTES = 2**16
"""Text that is hashed at a time, so that all arrays stay in a core's cache."""
_LONGEST_WORD = 2**16
"""Letters; a longer word counts as several of this length."""
_BYTES_OF_A_LETTER = 4
_BATCH_BYTES = 2**20
_BATCH_DOCUMENTS = 2048


@dataclass(frozen=True)
class Shingles:
    """The sequences of words of some documents, hashed."""

    hashes: Hashes
    """Those of one document after those of the one before; some may repeat."""
    counts: NDArray[np.int64]
    """The number of each document."""


def shingles(texts: Sequence[str], num_words: int) -> Iterator[Shingles]:
    """The sequences of so many words of each document, about a megabyte of text at a time.

    Words are those of `split_words`, whatever their case. A document with fewer words has one
    sequence, all of them; one without words has none.

    Args:
        texts: documents.
        num_words: length of a sequence.
    """
    batch: list[str] = []
    size = 0
    for text in texts:
        words = spaced_words(text)
        batch.append(words)
        size += len(words)
        if size >= _BATCH_BYTES or len(batch) == _BATCH_DOCUMENTS:
            yield _shingles(batch, num_words)
            batch, size = [], 0
    if batch:
        yield _shingles(batch, num_words)


def spaced_words(text: str) -> str:
    """The words of a text in lower case, with one space between them."""
    normal = normal_text(text)
    if holds_unspaced(normal):
        normal = " ".join(split_words(normal))
    if len(normal) > _LONGEST_WORD:
        return " ".join(piece for word in normal.split(" ") for piece in _pieces(word))
    return normal


def mixed(values: Hashes) -> Hashes:
    """Numbers whose bits all depend on all bits of the given ones (splitmix64, Steele 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _shingles(normal: Sequence[str], num_words: int) -> Shingles:
    present = [words for words in normal if words]
    word_counts = np.array([words.count(" ") + 1 if words else 0 for words in normal], np.int64)
    if not present:
        return Shingles(np.empty(0, np.uint64), word_counts)
    words = mixed(_word_hashes((" ".join(present) + " ").encode()))
    # Documents with too few words get filling, which makes their only sequence.
    lengths = np.where(word_counts, np.maximum(word_counts, num_words), 0)
    if not np.array_equal(lengths, word_counts):
        padded = np.zeros(lengths.sum(), np.uint64)
        padded[_positions(lengths, word_counts)] = words
        words = padded
    rolled = words[: len(words) - num_words + 1].copy()
    for offset in range(1, num_words):
        rolled *= np.uint64(_BASE)
        rolled += words[offset : offset + len(rolled)]
    counts = np.maximum(lengths - num_words + 1, 0)
    return Shingles(mixed(rolled[_positions(lengths, counts)]), counts)


def _positions(lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first few positions of each run.

    Args:
        lengths: lengths of the runs, which lie one after the other.
        counts: number of positions of each.
    """
    starts = np.cumsum(lengths) - lengths
    shifts = starts - (np.cumsum(counts) - counts)
    positions: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(shifts, counts)
    return positions


def _word_hashes(data: bytes) -> Hashes:
    """The hash of each word.

    Args:
        data: UTF-8, each word followed by a space.
    """
    powers, inverses = _powers(_BASE), _powers(pow(_BASE, -1, _MODULUS))
    found = []
    start = 0
    while start < len(data):
        stop = data.find(b" ", min(start + _CHUNK_BYTES, len(data)) - 1) + 1
        chunk = np.frombuffer(data, np.uint8, stop - start, start)
        words = np.concatenate(([0], np.flatnonzero(chunk == _SPACE)[:-1] + 1))
        sums = np.add.reduceat(chunk * powers[: len(chunk)], words)
        found.append(sums * inverses[words])
        start = stop
    return np.concatenate(found)


@cache
def _powers(base: int) -> Hashes:
    """The powers of a number modulo 2^64, from 0 on: enough for a chunk and its last word."""
    powers = np.full(_CHUNK_BYTES + _BYTES_OF_A_LETTER * _LONGEST_WORD + 1, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


def _pieces(word: str) -> list[str]:
    return [word[start : start + _LONGEST_WORD] for start in range(0, len(word), _LONGEST_WORD)]
