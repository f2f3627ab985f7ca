"""The task `heldOutDocs`: which of four texts continues a held-out piece of documentation?

It compares models that have never seen a question: an answer is right if the model gives the true
continuation a higher likelihood per character than those of three other documents (`acc_norm` of
the lm-evaluation-harness, since choices differ in length). Guessing gives 0.25.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from llmtrain_trainer.data.scripts import is_unspaced
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.evaluate.gates import HELD_OUT_DOCS

METRIC = "acc_norm"
_NUM_CHOICES = 4
_PIECE_CHARACTERS = 300
_CONTEXT_SHARE = 0.6
_SHORTEST_CONTEXT = 60
_SHORTEST_CONTINUATION = 40


@dataclass(frozen=True)
class Question:
    """A text and its possible continuations, each with the space before it."""

    context: str
    choices: list[str]
    answer: int
    """Number of the true continuation."""


@dataclass(frozen=True)
class _Piece:
    document: int
    context: str
    continuation: str

    @property
    def hash(self) -> int:
        digest = hashlib.blake2b(f"{self.context}{self.continuation}".encode(), digest_size=8)
        return int.from_bytes(digest.digest())

    def draw(self, below: int) -> int:
        """A number from 0 to `below` - 1; it does not hang on where the answer goes."""
        return self.hash // _NUM_CHOICES % below


def make_questions(texts: Sequence[str], count: int) -> list[Question]:
    """Questions about held-out documents, the same for the same documents.

    Args:
        texts: the documents.
        count: how many to ask; fewer where the documents do not yield as many.

    Raises:
        UserError: the documents yield none.
    """
    pieces = [piece for number, text in enumerate(texts) for piece in _pieces(number, text)]
    pieces.sort(key=lambda piece: (len(piece.continuation), piece.hash))
    ranks = sorted(range(len(pieces)), key=lambda rank: pieces[rank].hash)
    questions: list[Question] = []
    for rank in ranks:
        others = _others(pieces, rank)
        if len(others) == _NUM_CHOICES - 1:
            questions.append(_question(pieces[rank], others))
        if len(questions) == count:
            break
    if not questions:
        raise UserError(
            f"evaluate.tasks: heldOutDocs {_why_none(len(texts), pieces)}; raise "
            "data.validationFraction, or remove the task",
            reason="TooFewDocuments",
        )
    return questions


def write_task(questions: Sequence[Question], folder: Path) -> None:
    """Write a task of the lm-evaluation-harness named `heldOutDocs`.

    Args:
        questions: to ask.
        folder: empty.
    """
    data = folder / "questions.jsonl"
    lines = (json.dumps(asdict(question)) + "\n" for question in questions)
    data.write_text("".join(lines), encoding="utf-8")
    task = {
        "task": HELD_OUT_DOCS,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "context",
        "doc_to_choice": "choices",
        "doc_to_target": "answer",
        "target_delimiter": "",
        "metric_list": [{"metric": METRIC, "aggregation": "mean", "higher_is_better": True}],
    }
    (folder / f"{HELD_OUT_DOCS}.yaml").write_text(yaml.safe_dump(task), encoding="utf-8")


def _why_none(num_texts: int, pieces: Sequence[_Piece]) -> str:
    usable = len({piece.document for piece in pieces})
    return (
        f"needs {_NUM_CHOICES} held-out documents that can be continued in different ways; "
        f"{usable} of {num_texts} can be cut between words into {_SHORTEST_CONTEXT} characters "
        f"or more and a continuation of {_SHORTEST_CONTINUATION} or more"
    )


def _pieces(document: int, text: str) -> Iterator[_Piece]:
    """Neighbouring stretches of a document, each cut in two between words."""
    for start in range(0, len(text), _PIECE_CHARACTERS):
        piece = text[start : start + _PIECE_CHARACTERS].strip()
        context, space, continuation = _cut(piece)
        long_enough = (
            len(context) >= _SHORTEST_CONTEXT and len(continuation) >= _SHORTEST_CONTINUATION
        )
        if long_enough:
            yield _Piece(document, context, space + continuation)


def _cut(piece: str) -> tuple[str, str, str]:
    """Around the first space after the context's share; indentation is no place to cut at.

    A piece without such a space is cut between two letters of a script that has none.
    """
    start = int(len(piece) * _CONTEXT_SHARE)
    found = piece.find(" ", start)
    while found > 0 and (piece[found - 1].isspace() or piece[found + 1].isspace()):
        found = piece.find(" ", found + 1)
    if found <= 0:
        between = (
            place
            for place in range(max(start, 1), len(piece))
            if is_unspaced(piece[place - 1]) and is_unspaced(piece[place])
        )
        place = next(between, len(piece))
        return piece[:place], "", piece[place:]
    return piece[:found], " ", piece[found + 1 :]


def _others(pieces: Sequence[_Piece], rank: int) -> list[str]:
    """Three continuations of other documents, of nearly the same length.

    How many of them are shorter than the true one is drawn, so that its length says nothing.

    Args:
        pieces: by length of the continuation.
        rank: rank of the question's own piece.
    """
    own = pieces[rank]
    shorter = (pieces[n] for n in range(rank - 1, -1, -1) if pieces[n].document != own.document)
    longer = (pieces[n] for n in range(rank + 1, len(pieces)) if pieces[n].document != own.document)
    wanted = _NUM_CHOICES - 1
    found = [own.continuation]
    for source, total in ((shorter, own.draw(_NUM_CHOICES)), (longer, wanted), (shorter, wanted)):
        while len(found) <= total and (piece := next(source, None)):
            if piece.continuation not in found:
                found.append(piece.continuation)
    return found[1:]


def _question(piece: _Piece, others: list[str]) -> Question:
    answer = piece.hash % _NUM_CHOICES
    choices = [*others[:answer], piece.continuation, *others[answer:]]
    return Question(piece.context, choices, answer)
