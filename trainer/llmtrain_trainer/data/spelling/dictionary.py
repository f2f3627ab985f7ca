"""The words of a language, and those that are one letter away from one."""

from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from llmtrain_trainer.data.readers.reading import read_text
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.errors import UserError

_ENGLISH = "frequency_dictionary_en_82_765.txt"
"""In symspellpy's wheel."""
_FEWEST_LETTERS = 4
_MOST_LETTERS = 32
_MOST_REMEMBERED = 1_000_000


class Dictionary:
    """A dictionary that is asked about the same words again and again.

    Args:
        entries: its words and their frequencies.
    """

    def __init__(self, entries: Iterator[tuple[str, int]]) -> None:
        from symspellpy import SymSpell

        self._words = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
        for word, frequency in entries:
            self._words.create_dictionary_entry(word, frequency)
        self._suggestions: dict[str, str | None] = {}

    def knows(self, word: str) -> bool:
        """Whether it has a word."""
        return word in self._words.words

    def suggestion(self, word: str) -> str | None:
        """The most frequent word that is one letter away from one that it does not have."""
        if len(self._suggestions) >= _MOST_REMEMBERED:
            self._suggestions.clear()
        if word not in self._suggestions:
            self._suggestions[word] = self._look_up(word)
        return self._suggestions[word]

    def _look_up(self, word: str) -> str | None:
        if not _FEWEST_LETTERS <= len(word) <= _MOST_LETTERS:
            return None
        from symspellpy import Verbosity

        found = self._words.lookup(word, Verbosity.CLOSEST, max_edit_distance=1)
        return next((each.term for each in found if _is_slip(word, each.term)), None)


@lru_cache(maxsize=1)
def dictionary(file: StepFiles | None) -> Dictionary:
    """A dictionary, made once in each process.

    Args:
        file: the job's own; None for the English one of symspellpy.

    Raises:
        UserError: a line is no word with its frequency.
    """
    if file is None:
        path = Path(str(files("symspellpy"))) / _ENGLISH
        return Dictionary(_entries(path, "symspellpy"))
    return Dictionary(_entries(file.path, file.field))


def _entries(path: Path, field: str) -> Iterator[tuple[str, int]]:
    number = 0
    for number, line in enumerate(read_text(path).removeprefix("\ufeff").splitlines(), start=1):
        word, _, frequency = line.strip().rpartition(" ")
        if not word or not frequency.isdecimal():
            raise UserError(
                f"{field}: line {number}: each line must be a word, a space and its frequency, "
                f"such as `letter 4230`; found {line[:60]!r}",
                reason="InvalidData",
            )
        yield word.strip(), int(frequency)
    if not number:
        raise UserError(f"{field}: it has no words", reason="InvalidData")


def _is_slip(word: str, suggestion: str) -> bool:
    """Whether the difference is none of another word or an inflection: `iphone`, `emojis`."""
    is_inflection = word.startswith(suggestion) or suggestion.startswith(word)
    return word[0] == suggestion[0] and not is_inflection and suggestion.isalpha()
