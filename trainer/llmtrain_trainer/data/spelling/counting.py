"""How often the documents of a unit use words of a dictionary, and words that are like one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from llmtrain_api.base import Record
from llmtrain_api.spec.step_sections.spelling import Spelling
from llmtrain_trainer.data.cleaning import stored_documents
from llmtrain_trainer.data.drops import dropped_row_numbers
from llmtrain_trainer.data.languages import languages_of
from llmtrain_trainer.data.rounds import Documents
from llmtrain_trainer.data.spelling.dictionary import Dictionary, dictionary
from llmtrain_trainer.data.spelling.words import words_of_prose
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.units import committed

_COUNTS_FILE = "counts.parquet"
_MOST_WORDS = 1_000_000
"""Different words that are counted at a time."""


@dataclass(frozen=True)
class SpellingTask:
    """A step `spelling`, as workers get it."""

    name: str
    """The step's name in the data report."""
    section: Spelling
    file: StepFiles | None
    """The dictionary; None for the English one."""
    documents: Documents
    home: Path
    """Folder of all that this step makes."""

    @property
    def counts(self) -> Path:
        """Folder of the units' counts."""
        return self.home / "counts"

    @property
    def corrections(self) -> Path:
        """Folder of the words to correct."""
        return self.home / "corrections"

    @property
    def rewritten(self) -> Path:
        """Folder of the corrected units."""
        return self.home / "rewritten"


class CountedUnit(Record):
    """A unit whose words are counted, of which there is nothing to report."""


def count_words(unit: int, task: SpellingTask) -> CountedUnit:
    """Count the words of a unit's documents.

    Raises:
        UserError: the dictionary cannot be read.
    """
    target = task.counts / task.documents.units[unit].name
    return committed(target, partial(_count_words, unit, task), CountedUnit)


def counts_of(unit: int, task: SpellingTask) -> Counter[str]:
    """The words that `count_words` found, with their counts."""
    table = pq.read_table(task.counts / task.documents.units[unit].name / _COUNTS_FILE)
    return Counter(dict(zip(table["word"].to_pylist(), table["count"].to_pylist(), strict=True)))


def is_in_language(text: str, language: str) -> bool:
    """Whether a text is most likely in a language."""
    return languages_of(text)[0][0] == language


def useful(counts: Mapping[str, int], words: Dictionary) -> Counter[str]:
    """The counts of words that a dictionary has, and of those that are like one of them."""
    return Counter(
        {
            word: count
            for word, count in counts.items()
            if words.knows(word) or words.suggestion(word) is not None
        }
    )


def _count_words(unit: int, task: SpellingTask, folder: Path) -> CountedUnit:
    words = dictionary(task.file)
    found: Counter[str] = Counter()
    batch: Counter[str] = Counter()
    for text in _texts(unit, task):
        batch.update(words_of_prose(text))
        if len(batch) > _MOST_WORDS:
            found += useful(batch, words)
            batch.clear()
    found += useful(batch, words)
    in_order = sorted(found.items())
    columns = [[word for word, _ in in_order], [count for _, count in in_order]]
    schema = pa.schema([("word", pa.string()), ("count", pa.int64())])
    pq.write_table(pa.table(columns, schema=schema), folder / _COUNTS_FILE)
    return CountedUnit()


def _texts(unit: int, task: SpellingTask) -> Iterator[str]:
    """The documents in the dictionary's language."""
    dropped = frozenset(dropped_row_numbers(task.documents.dropped, unit).tolist())
    for row, (text, _, _) in enumerate(stored_documents(task.documents.units[unit])):
        if row not in dropped and is_in_language(text, task.section.language):
            yield text
