"""Drops poor documents: too short, too long, or against the Gopher rules."""

import re
from collections.abc import Callable

from llmtrain_api.spec.data import Filter, Quality
from llmtrain_trainer.data.scripts import in_alphabets, split_words
from llmtrain_trainer.data.step import Dropped, Step
from llmtrain_trainer.data.stop_words import most_stop_words

_BULLETS = ("•", "‣", "▪", "◦", "-", "*")
_ELLIPSIS = re.compile(r"\.\.\.|…")

_MEAN_WORD_LENGTH_MIN = 3
_MEAN_WORD_LENGTH_MAX = 10
_SYMBOLS_PER_WORD_MAX = 0.1
_BULLET_LINES_MAX = 0.9
_ELLIPSIS_LINES_MAX = 0.3
_ALPHABETIC_WORDS_MIN = 0.8
_STOP_WORDS_MIN = 2
_LATIN = re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]")

REASONS = {
    "empty": "no text",
    "minWords": "fewer words than filter.minWords",
    "maxWords": "more words than filter.maxWords",
    "meanWordLength": f"words of fewer than {_MEAN_WORD_LENGTH_MIN} or more than "
    f"{_MEAN_WORD_LENGTH_MAX} letters on average",
    "hashSymbols": f"more than {_SYMBOLS_PER_WORD_MAX:.0%} as many # as words",
    "ellipses": f"more than {_SYMBOLS_PER_WORD_MAX:.0%} as many ellipses as words",
    "bulletLines": f"more than {_BULLET_LINES_MAX:.0%} of the lines are bullets",
    "ellipsisLines": f"more than {_ELLIPSIS_LINES_MAX:.0%} of the lines end in an ellipsis",
    "alphabeticWords": f"fewer than {_ALPHABETIC_WORDS_MIN:.0%} of the words hold a letter",
    "stopWords": f"fewer than {_STOP_WORDS_MIN} of the words that every text of its language has, "
    "such as `the` and `of`",
    "repeated": "the same text came before",
    "noText": "no text in the HTML",
    "tooDeep": "HTML nested too deeply",
    "tooManyAttributes": "an HTML tag with too many attributes",
}
"""What a document dropped by a rule is like, for people."""


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
    num_words = len(split_words(text))
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

    The rule on the number of words is not here: the manifest sets its bounds. The rules on the
    length of words and on stop words hold for alphabets, and for languages in Latin script.

    Args:
        text: with at least one word.
    """
    words = split_words(text)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    checks = (
        ("meanWordLength", _has_usual_length(words)),
        ("hashSymbols", text.count("#") / len(words) <= _SYMBOLS_PER_WORD_MAX),
        ("ellipses", len(_ELLIPSIS.findall(text)) / len(words) <= _SYMBOLS_PER_WORD_MAX),
        ("bulletLines", _share(lines, _is_bullet) <= _BULLET_LINES_MAX),
        ("ellipsisLines", _share(lines, _ends_in_ellipsis) <= _ELLIPSIS_LINES_MAX),
        ("alphabeticWords", _share(words, _has_letter) >= _ALPHABETIC_WORDS_MIN),
        ("stopWords", not _is_latin(text) or most_stop_words(words) >= _STOP_WORDS_MIN),
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


def _has_usual_length(words: list[str]) -> bool:
    """Whether words are as long as they are in languages; where most have letters for sounds."""
    measured = in_alphabets(words)
    if 2 * len(measured) < len(words):
        return True
    mean = sum(map(len, measured)) / len(measured)
    return _MEAN_WORD_LENGTH_MIN <= mean <= _MEAN_WORD_LENGTH_MAX


def _is_latin(text: str) -> bool:
    """Whether half of a text's letters or more are Latin."""
    if text.isascii():
        return True
    return 2 * len(_LATIN.findall(text)) >= sum(map(str.isalpha, text))
