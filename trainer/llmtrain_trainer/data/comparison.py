"""The rounds of the workers that compare documents, in the order of the manifest's list.

Neighbouring steps that compare keys share a round. The others have rounds of their own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from llmtrain_api.spec.step_sections.spelling import Spelling
from llmtrain_trainer.data.documents import Document, is_blank
from llmtrain_trainer.data.lines.in_memory import without_repeated_lines
from llmtrain_trainer.data.lines.rounds import remove_lines
from llmtrain_trainer.data.near.in_memory import first_alike
from llmtrain_trainer.data.near.rounds import compare_texts
from llmtrain_trainer.data.pipeline import CorpusSteps
from llmtrain_trainer.data.rounds import Compared, Each
from llmtrain_trainer.data.scores.in_memory import chosen_by_score
from llmtrain_trainer.data.scores.models import check_model
from llmtrain_trainer.data.scores.rounds import choose_by_score
from llmtrain_trainer.data.shuffle import compare, drop_files, partitions
from llmtrain_trainer.data.spelling.dictionary import dictionary
from llmtrain_trainer.data.spelling.rounds import check_spelling, with_spelling
from llmtrain_trainer.data.step_files import StepFiles, find_file, find_folder, find_model
from llmtrain_trainer.data.steps.base import CorpusStep
from llmtrain_trainer.data.steps.classifier import ClassifierStep
from llmtrain_trainer.data.steps.line_dedup import LineDedupStep
from llmtrain_trainer.data.steps.near_dedup import NearDedupStep
from llmtrain_trainer.data.steps.perplexity import PerplexityStep
from llmtrain_trainer.data.steps.registry import ComparingStep, OwnRoundsStep
from llmtrain_trainer.data.steps.spelling import SpellingStep
from llmtrain_trainer.stage import StageContext


@dataclass(frozen=True)
class OwnRounds:
    """A step of the list that has rounds of its own."""

    name: str
    step: OwnRoundsStep


def comparisons(
    steps: Mapping[str, ComparingStep],
) -> Iterator[OwnRounds | dict[str, CorpusStep[Any]]]:
    """The comparisons to make one after the other; steps that compare keys come together."""
    by_key: dict[str, CorpusStep[Any]] = {}
    for name, step in steps.items():
        if not isinstance(step, OwnRoundsStep):
            by_key[name] = step
            continue
        if by_key:
            yield by_key
            by_key = {}
        yield OwnRounds(name, step)
    if by_key:
        yield by_key


def step_files(steps: Mapping[str, ComparingStep], context: StageContext) -> dict[str, StepFiles]:
    """The files that steps read, by the steps' names in the data report.

    Args:
        steps: all steps that compare documents.
        context: the stage's.

    Raises:
        UserError: some cannot be found, or are not what the step needs.
    """
    found = {}
    for name, step in steps.items():
        match step:
            case ClassifierStep(section):
                found[name] = find_model(name, section, context)
                check_model(found[name], section)
            case PerplexityStep(section):
                field = f"data.steps {name}.model {section.model}"
                found[name] = find_folder(field, section.model, context)
                check_model(found[name], section)
            case SpellingStep(Spelling(dictionary=str(path))):
                found[name] = find_file(f"data.steps {name}.dictionary {path}", path, context)
                dictionary(found[name])
    return found


def compare_documents(
    compared: Compared,
    steps: Mapping[str, ComparingStep],
    files: Mapping[str, StepFiles],
    home: Path,
    each: Each,
) -> None:
    """Find what the steps drop and change.

    Args:
        compared: the documents; gets what is found.
        steps: all steps that compare documents, by their names in the data report.
        files: what `step_files` found.
        home: folder of all that is made.
        each: carries out a round.
    """
    for number, group in enumerate(comparisons(steps)):
        folder = home / f"{number:02}"
        if not isinstance(group, OwnRounds):
            _compare_keys(compared, group, folder, each)
            continue
        name = group.name
        match group.step:
            case NearDedupStep(section):
                compare_texts(compared, name, section, folder, each)
            case LineDedupStep(section):
                remove_lines(compared, name, section, folder, each)
            case ClassifierStep(section) | PerplexityStep(section):
                choose_by_score(compared, name, section, files[name], folder, each)
            case SpellingStep(section):
                check_spelling(compared, name, section, files.get(name), folder, each)


def _compare_keys(
    compared: Compared, steps: Mapping[str, CorpusStep[Any]], home: Path, each: Each
) -> None:
    documents = compared.documents
    work = partial(
        compare, units=documents.units, steps=steps, earlier=documents.dropped, home=home
    )
    reports = each(work, partitions(documents.count), "comparing documents")
    dropped = drop_files(home, reports)
    compared.documents = replace(
        documents,
        dropped=(*documents.dropped, *dropped),
        uncounted=(*documents.uncounted, *steps),
    )


def kept_documents(
    documents: Sequence[Document],
    steps: Mapping[str, ComparingStep],
    files: Mapping[str, StepFiles],
) -> list[Document]:
    """The documents that the steps keep, of so few that they are in memory.

    Args:
        documents: all documents, in order.
        steps: all steps that compare documents, by their names in the data report.
        files: what `step_files` found.

    Raises:
        UserError: a model cannot be loaded, or gives no number.
    """
    kept = list(documents)
    for group in comparisons(steps):
        if not isinstance(group, OwnRounds):
            drops = CorpusSteps(group).apply([each.key for each in kept])
            kept = [each for each, drop in zip(kept, drops, strict=True) if drop is None]
            continue
        kept = [each for each in kept if not is_blank(each.text)]
        match group.step:
            case NearDedupStep(section):
                firsts = first_alike([each.text for each in kept], section)
                kept = [each for number, each in enumerate(kept) if firsts[number] == number]
            case LineDedupStep(section):
                kept = without_repeated_lines(kept, section)
            case ClassifierStep(section) | PerplexityStep(section):
                kept = chosen_by_score(kept, section, files[group.name])
            case SpellingStep(section):
                kept = with_spelling(kept, section, files.get(group.name))
    return kept
