"""Words of a text that may be changed: where they are, and how many of them are chosen."""

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

from numpy.random import Generator

from llmtrain_trainer.data.scripts import holds_unspaced
from llmtrain_trainer.data.sentences import Span

Item = TypeVar("Item")

_CHUNK = re.compile(r"\S+")
_MARKS = ("P", "S")
"""General categories of Unicode: punctuation and symbols."""


def word_spans(text: str, start: int = 0, stop: int | None = None) -> list[Span]:
    """Start and end of each word, without the marks around it.

    Words have white space between them. One with letters of a script without white space is left
    out, for it would be a whole clause; so is one without letters and digits.

    Args:
        text: a text.
        start: place from which on words are looked for.
        stop: place where they end; the end of the text if None.
    """
    spans = []
    for chunk in _CHUNK.finditer(text, start, len(text) if stop is None else stop):
        first, last = chunk.span()
        while first < last and _is_mark(text[first]):
            first += 1
        while first < last and _is_mark(text[last - 1]):
            last -= 1
        word = text[first:last]
        if any(map(str.isalnum, word)) and not holds_unspaced(word):
            spans.append((first, last))
    return spans


def choose(items: Sequence[Item], rate: float, random: Generator) -> list[Item]:
    """A share of some items, one at least, in their order; none where there are none.

    Args:
        items: to choose from.
        rate: the share, from 0 to 1.
        random: makes the choice.
    """
    if not items:
        return []
    count = max(1, round(rate * len(items)))
    places = sorted(random.choice(len(items), count, replace=False).tolist())
    return [items[place] for place in places]


def replaced(text: str, changes: Sequence[tuple[Span, str]]) -> str:
    """A text with other words in some places.

    Args:
        text: the text.
        changes: places that do not overlap, in order, and the words for them.
    """
    parts = []
    end = 0
    for (start, stop), word in changes:
        parts += [text[end:start], word]
        end = stop
    return "".join([*parts, text[end:]])


def _is_mark(letter: str) -> bool:
    return not letter.isalnum() and unicodedata.category(letter)[0] in _MARKS
