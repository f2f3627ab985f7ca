"""The way `keyboardTypos`: letters replaced by those beside them on the keyboard."""

from collections.abc import Mapping
from functools import cache

from numpy.random import Generator

from llmtrain_api.spec.augmentation import KeyboardTypos
from llmtrain_trainer.data.augmentation.base import Augmenter, CopyFunction, Left
from llmtrain_trainer.data.augmentation.words import choose, replaced, word_spans

_KEYBOARDS = (
    ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    ("йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"),
    (" ςερτυθιοπ", "ασδφγηξκλ", "ζχψωβνμ"),
)
"""Rows of keys; each row is half a key to the right of the one above."""
_FEWEST_LETTERS = 4


class KeyboardTyposAugmenter(Augmenter[KeyboardTypos]):
    """Mistypes one letter of a word, never its first."""

    def prepare(self) -> CopyFunction:
        """Nothing is loaded."""
        beside = neighbours()

        def apply(text: str, random: Generator) -> str | Left:
            words = [
                places
                for start, stop in word_spans(text)
                if stop - start >= _FEWEST_LETTERS
                and (places := [n for n in range(start + 1, stop) if text[n].lower() in beside])
            ]
            changes = []
            for places in choose(words, self.section.rate, random):
                place = places[int(random.integers(len(places)))]
                letter = text[place]
                others = beside[letter.lower()]
                typed = others[int(random.integers(len(others)))]
                typed = typed.upper() if letter.isupper() else typed
                changes.append(((place, place + 1), typed))
            return replaced(text, changes)

        return apply


@cache
def neighbours() -> Mapping[str, str]:
    """The letters beside each letter of the keyboards, in small letters."""
    found: dict[str, str] = {}
    for rows in _KEYBOARDS:
        keys = {
            (row, place): letter
            for row, keys in enumerate(rows)
            for place, letter in enumerate(keys)
        }
        for (row, place), letter in keys.items():
            around = ((0, -1), (0, 1), (-1, 0), (-1, 1), (1, -1), (1, 0))
            beside = (keys.get((row + down, place + right), " ") for down, right in around)
            found[letter] = "".join(beside).replace(" ", "")
    del found[" "]
    return found
