"""Searches texts for evaluation questions."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.contamination.words import Windows, split_normal, word_hashes
from llmtrain_trainer.data.powers import Hashes

_WORDS_AT_A_TIME = 1 << 16
_BITS_PER_HASH = 4
_MOST_BITS = 26
"""Size of the table that most sequences of words are looked up in alone: 64 MiB at most."""


@dataclass(frozen=True)
class Match:
    """The questions that one text holds."""

    owners: tuple[int, ...]
    """Numbers of the questions, sorted."""
    start: int
    """The word at which the first one begins."""
    length: int
    """Its words."""


@dataclass(frozen=True)
class _Part:
    """Neighbouring words of a text."""

    text: int
    start: int
    words: list[bytes]


class Search:
    """Searches texts for the questions of an index.

    Args:
        index: the questions.
    """

    def __init__(self, index: QuestionIndex) -> None:
        self.index = index
        bits = min(len(index.hashes).bit_length() + _BITS_PER_HASH, _MOST_BITS)
        self._shift = np.uint64(64 - bits)
        self._table = np.zeros(1 << bits, dtype=np.bool_)
        self._table[index.hashes >> self._shift] = True

    def find(self, texts: Sequence[str]) -> list[Match | None]:
        """The match of each text; None where it holds no question."""
        found: list[Match | None] = [None] * len(texts)
        if len(self.index.hashes):
            for parts in self._groups(texts):
                for part, start, length, owners in self._matches(parts):
                    earlier = found[part.text]
                    match = Match(tuple(sorted(owners)), part.start + start, length)
                    found[part.text] = match if earlier is None else _joined(earlier, match)
        return found

    def _groups(self, texts: Sequence[str]) -> Iterator[list[_Part]]:
        """Parts of the texts, in groups of bounded size; each sequence of words is in one part."""
        overlap = max(self.index.lengths) - 1
        group: list[_Part] = []
        size = 0
        for number, text in enumerate(texts):
            words = split_normal(text)
            for start in range(0, len(words), _WORDS_AT_A_TIME):
                part = _Part(number, start, words[start : start + _WORDS_AT_A_TIME + overlap])
                group.append(part)
                size += len(part.words)
                if size >= _WORDS_AT_A_TIME:
                    yield group
                    group, size = [], 0
        if group:
            yield group

    def _matches(
        self, parts: Sequence[_Part]
    ) -> Iterator[tuple[_Part, int, int, NDArray[np.uint32]]]:
        """Sequences that are in the index: part, first word within it, words, and questions."""
        words = list(chain.from_iterable(part.words for part in parts))
        ends = list(accumulate(len(part.words) for part in parts))
        windows = Windows(word_hashes(words))
        for length in self.index.lengths:
            for place, owners in self._look_up(windows.of_length(length)):
                number = bisect_left(ends, place + 1)
                if place + length <= ends[number]:
                    part = parts[number]
                    yield part, place - ends[number] + len(part.words), length, owners

    def _look_up(self, hashes: Hashes) -> Iterator[tuple[int, NDArray[np.uint32]]]:
        """The hashes that are in the index: the place of each, and its questions."""
        places = np.flatnonzero(self._table[hashes >> self._shift])
        if not len(places):
            return
        known, wanted = self.index.hashes, hashes[places]
        left = np.searchsorted(known, wanted, side="left")
        right = np.searchsorted(known, wanted, side="right")
        for place, low, high in zip(places.tolist(), left.tolist(), right.tolist(), strict=True):
            if low < high:
                yield place, self.index.owners[low:high]


def _joined(one: Match, other: Match) -> Match:
    first = min(one, other, key=lambda match: (match.start, match.length))
    owners = sorted({*one.owners, *other.owners})
    return Match(tuple(owners), first.start, first.length)


def passage(text: str, match: Match) -> str:
    """The part of a text that a match is about."""
    places = range(len(text) + 1)
    start, end = (
        bisect_left(places, count, key=lambda place: len(split_normal(text[:place])))
        for count in (match.start + 1, match.start + match.length)
    )
    rest = text[end:]
    ends = next((n for n, letter in enumerate(rest) if not letter.isalnum()), len(rest))
    return text[max(start - 1, 0) : end + ends]
