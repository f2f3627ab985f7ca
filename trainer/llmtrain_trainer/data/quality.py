"""Drops poor documents: too short, too long, or against the Gopher rules."""

import re
from collections.abc import Callable

from llmtrain_api.spec.data import Filter, Quality
from llmtrain_trainer.data.step import Dropped, Step

_STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_PUNCTUATION = ".,;:!?\"'()[]{}"
_BULLETS = ("•", "‣", "▪", "◦", "-", "*")
_ELLIPSIS = re.compile(r"\.\.\.|…")

_MEAN_WORD_LENGTH_MIN = 3
_MEAN_WORD_LENGTH_MAX = 10
_SYMBOLS_PER_WORD_MAX = 0.1
_BULLET_LINES_MAX = 0.9
_ELLIPSIS_LINES_MAX = 0.3
_ALPHABETIC_WORDS_MIN = 0.8
_STOP_WORDS_MIN = 2


def filters(chosen: Filter) -> list[Step]:
    """The steps that a manifest asks for, in order."""

    def apply_length(text: str) -> str | Dropped:
        rule = broken_length_rule(text, chosen.min_words, chosen.max_words)
        return Dropped(rule) if rule else text

    steps = [Step("filter.length", apply_length)]
    if chosen.quality is Quality.GOPHER:
        steps.append(Step("filter.quality", _apply_gopher))
    return steps


def broken_length_rule(text: str, min_words: int, max_words: int) -> str | None:
    """The bound that a text's number of words breaks; None where it keeps them.

    A text of white space alone is `empty` whatever the bounds.
    """
    num_words = len(text.split())
    if num_words == 0:
        return "empty"
    if num_words < min_words:
        return "minWords"
    return "maxWords" if num_words > max_words else None


def _apply_gopher(text: str) -> str | Dropped:
    rule = broken_gopher_rule(text)
    return Dropped(rule) if rule else text


def broken_gopher_rule(text: str) -> str | None:
    """The first quality rule of Rae et al. 2021, table A1, that a text breaks.

    The rule on the number of words is not here: the manifest sets its bounds.

    Args:
        text: with at least one word.
    """
    words = text.split()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    mean_word_length = sum(map(len, words)) / len(words)
    checks = (
        ("meanWordLength", _MEAN_WORD_LENGTH_MIN <= mean_word_length <= _MEAN_WORD_LENGTH_MAX),
        ("hashSymbols", text.count("#") / len(words) <= _SYMBOLS_PER_WORD_MAX),
        ("ellipses", len(_ELLIPSIS.findall(text)) / len(words) <= _SYMBOLS_PER_WORD_MAX),
        ("bulletLines", _share(lines, _is_bullet) <= _BULLET_LINES_MAX),
        ("ellipsisLines", _share(lines, _ends_in_ellipsis) <= _ELLIPSIS_LINES_MAX),
        ("alphabeticWords", _share(words, _has_letter) >= _ALPHABETIC_WORDS_MIN),
        ("stopWords", _num_stop_words(words) >= _STOP_WORDS_MIN),
    )
    return next((rule for rule, kept in checks if not kept), None)


def _share(items: list[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, items)) / len(items)


def _is_bullet(line: str) -> bool:
    return line.startswith(_BULLETS)


def _ends_in_ellipsis(line: str) -> bool:
    return line.endswith(("...", "…"))


def _has_letter(word: str) -> bool:
    return any(map(str.isalpha, word))


def _num_stop_words(words: list[str]) -> int:
    """How many of the stop words occur, each counted once."""
    return len(_STOP_WORDS & {word.strip(_PUNCTUATION).lower() for word in words})
