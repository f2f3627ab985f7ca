"""The misspelled words of a corpus, by the counts of all units.

Memory does not grow with the corpus: there are only so many words one letter away from others.
"""

import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path

from llmtrain_api.base import Record
from llmtrain_api.data_report import Misspelling, Misspellings
from llmtrain_api.spec.step_sections.spelling import Spelling, SpellingMode
from llmtrain_trainer.data.spelling.counting import SpellingTask, counts_of
from llmtrain_trainer.data.spelling.dictionary import Dictionary, dictionary
from llmtrain_trainer.units import committed

_FILE = "corrections.json"
_MOST_SHOWN = 20


class FoundCorrections(Record):
    """Report on the misspelled words."""

    found: Misspellings


def find_corrections(task: SpellingTask) -> FoundCorrections:
    """Write the words to correct, and what to write for them."""
    return committed(task.corrections, partial(_find_corrections, task), FoundCorrections)


@lru_cache(maxsize=1)
def stored_corrections(folder: Path) -> Mapping[str, str]:
    """The words that `find_corrections` found; read once in each process."""
    stored: dict[str, str] = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    return stored


def corrections(counts: Mapping[str, int], words: Dictionary, ratio: int) -> dict[str, str]:
    """What to write for each misspelled word.

    Args:
        counts: occurrences of words in all documents.
        words: the dictionary.
        ratio: occurrences of the correct word, at least, for each of the misspelled.
    """
    found = {}
    for word, count in counts.items():
        suggestion = None if words.knows(word) else words.suggestion(word)
        if suggestion is not None and counts.get(suggestion, 0) >= ratio * count:
            found[word] = suggestion
    return found


def misspellings(
    found: Mapping[str, str], counts: Mapping[str, int], section: Spelling
) -> Misspellings:
    """The report on misspelled words.

    Args:
        found: what to write for each.
        counts: occurrences of words in all documents.
        section: the step's settings.
    """
    by_count = sorted(found, key=lambda word: (-counts[word], word))
    return Misspellings(
        words=len(found),
        occurrences=sum(counts[word] for word in found),
        corrected=section.mode is SpellingMode.CORRECT,
        most_frequent=tuple(
            Misspelling(word=word, correct=found[word], occurrences=counts[word])
            for word in by_count[:_MOST_SHOWN]
        ),
    )


def _find_corrections(task: SpellingTask, folder: Path) -> FoundCorrections:
    counts: Counter[str] = Counter()
    for unit in range(len(task.documents.units)):
        counts.update(counts_of(unit, task))
    words = dictionary(task.file)
    found = corrections(counts, words, task.section.min_frequency_ratio)
    text = json.dumps(found, ensure_ascii=False, sort_keys=True)
    (folder / _FILE).write_text(text, encoding="utf-8")
    return FoundCorrections(found=misspellings(found, counts, task.section))
