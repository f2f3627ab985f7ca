"""Each rule drops what it is for, at its bound."""

import pytest

from llmtrain_api.spec.data import Filter, Quality
from llmtrain_trainer.data.quality import broken_gopher_rule, broken_length_rule, filters
from llmtrain_trainer.data.step import Dropped

GOOD = "The quick brown fox has to jump over the lazy dog and run"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (GOOD, None),
        ("the of a b c d e f", "meanWordLength"),
        ("the of internationalization internationalization", "meanWordLength"),
        (GOOD + " #" * 1, None),
        (GOOD + " #tag" * 2, "hashSymbols"),
        (GOOD + " well... so…", "ellipses"),
        ("\n".join(["- the words of that list"] * 10), "bulletLines"),
        ("\n".join(["- the words of that list"] * 9 + ["the last line of all"]), None),
        (
            "\n".join(["the words of that very long line go on and on..."] * 4 + [GOOD] * 6),
            "ellipsisLines",
        ),
        ("\n".join(["the words of that very long line go on and on..."] * 3 + [GOOD] * 7), None),
        ("the value of 1000 2000", "alphabeticWords"),
        ("the value of these 1000", None),
        ("Colorless green ideas sleep furiously", "stopWords"),
        ("The the THE the ideas sleep", "stopWords"),
        ('"The" ideas (of) sleep', None),
    ],
)
def test_gopher_rules(text: str, rule: str | None) -> None:
    assert broken_gopher_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (" \n\t", "empty"),
        ("one two", "minWords"),
        ("one two three", None),
        ("one two three four", None),
        ("one two three four five", "maxWords"),
    ],
)
def test_bounds_on_the_number_of_words(text: str, rule: str | None) -> None:
    assert broken_length_rule(text, min_words=3, max_words=4) == rule


def test_a_text_of_white_space_is_dropped_even_without_bounds() -> None:
    (length,) = filters(Filter(quality=Quality.NONE, min_words=0))
    assert length.apply(" ") == Dropped("empty")
    assert length.apply("x") == "x"


def test_gopher_is_applied_when_it_is_chosen() -> None:
    _, quality = filters(Filter(quality=Quality.GOPHER, min_words=0))
    assert quality.apply("Colorless green ideas sleep") == Dropped("stopWords")
    assert quality.apply(GOOD) == GOOD
