"""The step `gopherRepetition`: the repetition rules of Rae et al. 2021 (Gopher), table A1.

Lines, paragraphs and n-grams are counted as datatrove's `GopherRepetitionFilter` counts them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter

from llmtrain_api.spec.step_sections.quality import GopherRepetition
from llmtrain_trainer.data.scripts import split_words
from llmtrain_trainer.data.steps.base import (
    NO_TEXT,
    DocumentStep,
    Dropped,
    TextFunction,
    one_by_one,
)

_PARAGRAPHS = re.compile(r"\n{2,}")
_LINES = re.compile(r"\n+")
_COUNT = itemgetter(1)


class GopherRepetitionStep(DocumentStep[GopherRepetition]):
    """Drops documents that repeat themselves."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Descriptions of the documents that each rule drops."""
        bounds = self.section
        shares = {
            "duplicateParagraphs": (bounds.max_duplicate_paragraphs, "paragraphs came before"),
            "duplicateParagraphCharacters": (
                bounds.max_duplicate_paragraph_characters,
                "characters are in paragraphs that came before",
            ),
            "duplicateLines": (bounds.max_duplicate_lines, "lines came before"),
            "duplicateLineCharacters": (
                bounds.max_duplicate_line_characters,
                "characters are in lines that came before",
            ),
        }
        for n, share in _top_bounds(bounds):
            shares[_top_rule(n)] = share, f"characters are one sequence of {n} words, repeated"
        for n, share in _duplicate_bounds(bounds):
            what = f"characters are in sequences of {n} words that came before"
            shares[_duplicate_rule(n)] = share, what
        return {
            rule: f"more than {100 * share:g}% of the {what}"
            for rule, (share, what) in shares.items()
        }

    def prepare(self) -> TextFunction:
        """Nothing needs to be loaded."""

        def apply(text: str) -> str | Dropped:
            rule = broken_repetition_rule(text, self.section)
            return Dropped(rule) if rule else text

        return one_by_one(apply)


def broken_repetition_rule(text: str, bounds: GopherRepetition) -> str | None:
    """The first rule that a text breaks; None where it keeps them all."""
    words = split_words(text)
    if not words:
        return NO_TEXT
    return _repeated_lines(text, bounds) or _repeated_words(text, words, bounds)


def duplicates(items: Sequence[str]) -> tuple[int, int]:
    """The number of items that came before, and of their characters."""
    distinct = set(items)
    count = len(items) - len(distinct)
    return count, (sum(map(len, items)) - sum(map(len, distinct)) if count else 0)


def _repeated_lines(text: str, bounds: GopherRepetition) -> str | None:
    paragraphs = _PARAGRAPHS.split(text.strip())
    count, characters = duplicates(paragraphs)
    if count > bounds.max_duplicate_paragraphs * len(paragraphs):
        return "duplicateParagraphs"
    if characters > bounds.max_duplicate_paragraph_characters * len(text):
        return "duplicateParagraphCharacters"
    lines = _LINES.split(text)
    count, characters = duplicates(lines)
    if count > bounds.max_duplicate_lines * len(lines):
        return "duplicateLines"
    if characters > bounds.max_duplicate_line_characters * len(text):
        return "duplicateLineCharacters"
    return None


def _repeated_words(text: str, words: list[str], bounds: GopherRepetition) -> str | None:
    return _one_n_gram(text, words, bounds) or _several_n_grams(text, words, bounds)


def _one_n_gram(text: str, words: Sequence[str], bounds: GopherRepetition) -> str | None:
    longest = max(map(len, words))
    most = len(words)  # no n-gram is more frequent than the most frequent (n-1)-gram
    for n, share in _top_bounds(bounds):
        allowed = share * len(text)
        if len(words) < n or most == 1 or most * (n * longest + n - 1) <= allowed:
            continue
        top, most = max(Counter(_n_grams(words, n)).items(), key=_COUNT)
        if most > 1 and most * (sum(map(len, top)) + n - 1) > allowed:
            return _top_rule(n)
    return None


def _several_n_grams(text: str, words: Sequence[str], bounds: GopherRepetition) -> str | None:
    limits = _duplicate_bounds(bounds)
    shortest = limits[0][0]
    n_grams = list(_n_grams(words, shortest))
    if len(n_grams) == len(set(n_grams)):
        return None
    # Each longer sequence that came before lies in shorter ones that did.
    least = min(share for _, share in limits) * len(text)
    if _covered_characters(words, n_grams, shortest) <= least:
        return None
    ends = list(accumulate(map(len, words), initial=0))
    for n, share in limits:
        if _repeated_characters(list(_n_grams(words, n)), ends, n) > share * len(text):
            return _duplicate_rule(n)
    return None


def _n_grams(words: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(words[i:] for i in range(n)), strict=False)


def _covered_characters(words: Sequence[str], n_grams: Sequence[tuple[str, ...]], n: int) -> int:
    """Characters of the words in any n-gram that came before."""
    seen: set[tuple[str, ...]] = set()
    characters = stop = 0
    for position, n_gram in enumerate(n_grams):
        if n_gram in seen:
            characters += sum(map(len, words[max(stop, position) : position + n]))
            stop = position + n
        else:
            seen.add(n_gram)
    return characters


def _repeated_characters(n_grams: Sequence[tuple[str, ...]], ends: Sequence[int], n: int) -> int:
    """Characters in n-grams that came before and do not overlap.

    Args:
        n_grams: all n-grams of a text, in order.
        ends: characters in the first i words.
        n: words in an n-gram.
    """
    seen: set[tuple[str, ...]] = set()
    position = repeated = 0
    while position < len(n_grams):
        n_gram = n_grams[position]
        if n_gram in seen:
            repeated += ends[position + n] - ends[position]
            position += n
        else:
            seen.add(n_gram)
            position += 1
    return repeated


def _top_bounds(bounds: GopherRepetition) -> tuple[tuple[int, float], ...]:
    return (2, bounds.max_top_2_gram), (3, bounds.max_top_3_gram), (4, bounds.max_top_4_gram)


def _duplicate_bounds(bounds: GopherRepetition) -> tuple[tuple[int, float], ...]:
    shares = (
        bounds.max_duplicate_5_grams,
        bounds.max_duplicate_6_grams,
        bounds.max_duplicate_7_grams,
        bounds.max_duplicate_8_grams,
        bounds.max_duplicate_9_grams,
        bounds.max_duplicate_10_grams,
    )
    return tuple(enumerate(shares, start=5))


def _top_rule(n: int) -> str:
    return f"top{n}Gram"


def _duplicate_rule(n: int) -> str:
    return f"duplicate{n}Grams"
