"""The rounds that count or correct misspelled words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from llmtrain_api.data_report import Findings
from llmtrain_api.spec.step_sections.spelling import Spelling, SpellingMode
from llmtrain_trainer.data.documents import Document, document_key
from llmtrain_trainer.data.rewriting import Rewritten, rewrite, take_rewritten
from llmtrain_trainer.data.rounds import Compared, Each
from llmtrain_trainer.data.spelling.corrections import (
    corrections,
    find_corrections,
    stored_corrections,
)
from llmtrain_trainer.data.spelling.counting import (
    SpellingTask,
    count_words,
    is_in_language,
    useful,
)
from llmtrain_trainer.data.spelling.dictionary import dictionary
from llmtrain_trainer.data.spelling.words import corrected, words_of_prose
from llmtrain_trainer.data.step_files import StepFiles
from llmtrain_trainer.units import committed


def check_spelling(
    compared: Compared,
    name: str,
    section: Spelling,
    file: StepFiles | None,
    home: Path,
    each: Each,
) -> None:
    """Count misspelled words, and correct them where the step says so.

    Args:
        compared: what was found so far; its documents become the corrected ones.
        name: the step's name in the data report.
        section: the step's settings.
        file: the dictionary; None for the English one.
        home: folder of all that is made.
        each: carries out a round.
    """
    task = SpellingTask(name, section, file, compared.documents, home)
    units = range(len(task.documents.units))
    each(partial(count_words, task=task), units, "counting words")
    (report,) = each(find_corrections, [task], "looking for misspelled words")
    if section.mode is SpellingMode.CORRECT:
        reports = each(partial(_write, task=task), units, "correcting words")
        take_rewritten(compared, task.rewritten, reports)
    else:
        compared.documents = compared.documents.after(name, [])
    compared.findings[name] = Findings(misspellings=report.found)


def with_spelling(
    documents: Sequence[Document], section: Spelling, file: StepFiles | None
) -> list[Document]:
    """A few documents in memory, corrected where the step says so.

    Args:
        documents: all documents, in order.
        section: the step's settings.
        file: the dictionary; None for the English one.

    Raises:
        UserError: the dictionary cannot be read.
    """
    if section.mode is SpellingMode.REPORT:
        return [*documents]
    in_language = [is_in_language(each.text, section.language) for each in documents]
    counts = Counter(
        word
        for each, is_known in zip(documents, in_language, strict=True)
        if is_known
        for word in words_of_prose(each.text)
    )
    words = dictionary(file)
    found = corrections(useful(counts, words), words, section.min_frequency_ratio)
    texts = (
        with_corrections(each.text, found) if is_known else each.text
        for each, is_known in zip(documents, in_language, strict=True)
    )
    return [
        Document(text, document_key(text), each.source)
        for text, each in zip(texts, documents, strict=True)
    ]


def with_corrections(text: str, found: Mapping[str, str]) -> str:
    """A text with the right words in place of those that are misspelled."""
    return corrected(text, lambda word: found.get(word, word))


def _write(unit: int, task: SpellingTask) -> Rewritten:
    target = task.rewritten / task.documents.units[unit].name
    return committed(target, partial(_rewrite, unit, task), Rewritten)


def _rewrite(unit: int, task: SpellingTask, folder: Path) -> Rewritten:
    found = stored_corrections(task.corrections)

    def change(_row: int, text: str) -> str:
        after = with_corrections(text, found)
        return after if after != text and is_in_language(text, task.section.language) else text

    return rewrite(unit, task.documents, task.name, change, folder)
