"""Counts the texts that hold evaluation questions, task by task; the counts of batches add up."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from llmtrain_api.contamination import (
    Contamination,
    ContaminationExample,
    TaskContamination,
    TextKind,
)
from llmtrain_trainer.data.contamination.index import QuestionIndex
from llmtrain_trainer.data.contamination.search import Match, passage
from llmtrain_trainer.questions import QuestionSet, questions_digest

_NUM_EXAMPLES = 3
_EXCERPT_CHARACTERS = 300
_SHOWN_CHARACTERS = 100

Counts = Mapping[str, Contamination]
"""Texts that hold questions, by task."""


def tasks_of(match: Match, index: QuestionIndex) -> list[str]:
    """The tasks whose questions a text holds, in the order of the manifest."""
    return list(dict.fromkeys(index.tasks[owner] for owner in match.owners))


def count(
    texts: Iterable[tuple[str, str]], matches: Sequence[Match | None], index: QuestionIndex
) -> dict[str, Contamination]:
    """Count some texts.

    Args:
        texts: the source of each text, and the text.
        matches: what was found in each.
        index: the questions.
    """
    counts: dict[str, Contamination] = {}
    for (source, text), match in zip(texts, matches, strict=True):
        if match is not None:
            counts = add(counts, _count_one(source, text, match, index, counts))
    return counts


def add(one: Counts, other: Counts) -> dict[str, Contamination]:
    """The counts of both; the other's texts come after."""
    return {
        task: _sum(one.get(task, Contamination()), other.get(task, Contamination()))
        for task in (*one, *(task for task in other if task not in one))
    }


def reports(
    kind: TextKind, counts: Counts, questions: QuestionSet, index: QuestionIndex
) -> tuple[TaskContamination, ...]:
    """The report on each task, those of which nothing was found included."""
    return tuple(
        TaskContamination(
            task=task,
            kind=kind,
            questions=len(asked),
            unsearchable=len(asked) - index.num_searchable[task],
            digest=questions_digest(asked),
            removed=questions.removes_texts,
            **dict(counts.get(task, Contamination())),
        )
        for task, asked in questions.by_task().items()
    )


def warnings(reports: Iterable[TaskContamination]) -> Iterator[str]:
    """Warnings about what was found, and about questions that cannot be found."""
    for each in reports:
        if each.texts:
            example = each.examples[0]
            excerpt = " ".join(example.excerpt.split())[:_SHOWN_CHARACTERS]
            removed = "were left out" if each.removed else "are trained on"
            yield (
                f"evaluate.tasks: {each.task}: {each.texts:,} {each.kind} hold {len(each.found):,} "
                f"of its {each.questions:,} questions and {removed}, such as one of "
                f"{example.source}: '{excerpt}'"
            )
        if 2 * each.unsearchable > each.questions:
            yield (
                f"evaluate.tasks: {each.task}: the {each.kind} cannot be searched for "
                f"{each.unsearchable:,} of its {each.questions:,} questions, which have too few "
                "words of their own"
            )


def _count_one(
    source: str, text: str, match: Match, index: QuestionIndex, earlier: Counts
) -> dict[str, Contamination]:
    tasks = tasks_of(match, index)
    # A passage takes time to find, so none is looked for that would not be shown.
    is_shown = any(len(earlier[t].examples) < _NUM_EXAMPLES for t in tasks if t in earlier)
    examples: tuple[ContaminationExample, ...] = ()
    if is_shown or any(task not in earlier for task in tasks):
        excerpt = passage(text, match)[:_EXCERPT_CHARACTERS]
        examples = (ContaminationExample(source=source, excerpt=excerpt),)
    return {
        task: Contamination(
            texts=1,
            found=tuple(
                sorted(index.keys[owner] for owner in match.owners if index.tasks[owner] == task)
            ),
            examples=examples,
        )
        for task in tasks
    }


def _sum(one: Contamination, other: Contamination) -> Contamination:
    return Contamination(
        texts=one.texts + other.texts,
        found=tuple(sorted({*one.found, *other.found})),
        examples=(*one.examples, *other.examples)[:_NUM_EXAMPLES],
    )
