"""The questions of `heldOutDocs` are fair: one right answer, anywhere, of no special length."""

import random
from collections import Counter

import numpy as np
import pytest

from llmtrain_trainer.data.sources.python_docs import harvest_part
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.held_out_docs import Question, make_questions

PARTS = ("argparse.py", "asyncio/base_events.py", "builtins", "calendar.py", "topics")


@pytest.fixture(scope="module")
def documents() -> list[str]:
    return [entry.document for part in PARTS for entry in harvest_part(part)]


@pytest.fixture(scope="module")
def questions(documents: list[str]) -> list[Question]:
    return make_questions(documents, 400)


def test_exactly_one_choice_continues_its_document(
    documents: list[str], questions: list[Question]
) -> None:
    assert len(questions) == 400
    for question in questions:
        continues = [
            any(question.context + choice in document for document in documents)
            for choice in question.choices
        ]
        assert continues == [number == question.answer for number in range(4)]
        assert len(set(question.choices)) == 4


def test_the_answer_is_anywhere(questions: list[Question]) -> None:
    counts = Counter(question.answer for question in questions)
    # 400 fair draws: 100 each, with a standard deviation of 8.7.
    assert all(65 <= counts[number] <= 135 for number in range(4))


def test_length_does_not_give_the_answer_away(questions: list[Question]) -> None:
    ranks = [
        sorted(range(4), key=lambda n: len(question.choices[n])).index(question.answer)
        for question in questions
    ]
    assert 1.2 < np.mean(ranks) < 1.8
    spread = [len(max(q.choices, key=len)) - len(min(q.choices, key=len)) for q in questions]
    assert np.median(spread) <= 5


def test_the_same_documents_give_the_same_questions(
    documents: list[str], questions: list[Question]
) -> None:
    assert make_questions(documents, 400) == questions
    assert make_questions(documents, 10) == questions[:10]


def test_texts_without_spaces_are_cut_between_their_letters() -> None:
    letters = [chr(0x4E00 + number) for number in range(2000)]
    documents = [
        "".join(random.Random(number).choices(letters, k=500))  # noqa: S311 - no secret
        for number in range(8)
    ]
    questions = make_questions(documents, 10)
    assert len(questions) == 10
    for question in questions:
        right = question.context + question.choices[question.answer]
        assert sum(right in document for document in documents) == 1
        assert not any(choice.startswith(" ") for choice in question.choices)


def test_too_few_documents_are_named() -> None:
    documents = ["word " * 200, "other " * 200, "short", "x" * 500]
    with pytest.raises(UserError, match=r"needs 4 held-out documents .*; 2 of 4 can be cut"):
        make_questions(documents, 10)
