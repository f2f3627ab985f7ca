"""The words of a text that may be misspelled: of prose alone, in small letters."""

import re
from collections.abc import Callable, Iterator

_WORD = re.compile(
    r"(?<![^\s\"'(\u2018\u201c])"  # a word begins
    r"[^\W\d_]{4,}+"
    r"(?=[.,;:!?)\"'\u2019\u201d\u2026]*(?:\s|$))"  # and ends, with marks at most
)
_CODE = re.compile(r"[=<>{}\[\]_\\|#@$^~`*/]|::|->|\(\)|;\s*$|^(?: {4}|\t)")
"""Marks of program code, markup, paths and addresses; or indentation."""
_MOST_CODE = 0.2
"""Share of lines from which on a text is program code."""


def words_of_prose(text: str) -> Iterator[str]:
    """The words of a text that a dictionary may know, all in small letters."""
    for line, is_prose in _lines(text):
        if is_prose:
            yield from filter(str.islower, _WORD.findall(line))


def corrected(text: str, correction: Callable[[str], str]) -> str:
    """A text with other words in place of some.

    Args:
        text: the text.
        correction: gives what to write for a word, which may be the word.
    """
    return "\n".join(
        _WORD.sub(lambda found: _instead(found[0], correction), line) if is_prose else line
        for line, is_prose in _lines(text)
    )


def _instead(word: str, correction: Callable[[str], str]) -> str:
    return correction(word) if word.islower() else word


def _lines(text: str) -> list[tuple[str, bool]]:
    """The lines of a text, and whether each is prose."""
    lines = text.split("\n")
    prose = [not _CODE.search(line) for line in lines]
    filled = [is_prose for line, is_prose in zip(lines, prose, strict=True) if line.strip()]
    if filled.count(False) > _MOST_CODE * len(filled):
        return [(line, False) for line in lines]
    return [*zip(lines, prose, strict=True)]
