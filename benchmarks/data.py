"""The filters for web text beside datatrove's, in turns on one core, over the same documents.

    python benchmarks/data.py --datatrove PYTHON

PYTHON is the interpreter of an environment with datatrove and its word tokenizer (`pip install
datatrove[processing] spacy`), whose versions of libraries differ from ours. The documents are
Python's documentation, and the descriptions of the packages that are installed here.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from llmtrain_api.base import Record
from llmtrain_api.spec.step_sections.quality import FineWeb, Gopher, GopherRepetition
from llmtrain_trainer.data.sources.python_docs import harvest
from llmtrain_trainer.data.steps.base import DocumentStep, Dropped, TextFunction
from llmtrain_trainer.data.steps.fine_web import FineWebStep
from llmtrain_trainer.data.steps.gopher import GopherStep
from llmtrain_trainer.data.steps.gopher_repetition import GopherRepetitionStep

_STEPS: dict[str, DocumentStep[Any]] = {
    "gopher": GopherStep(Gopher()),
    "gopherRepetition": GopherRepetitionStep(GopherRepetition()),
    "fineWeb": FineWebStep(FineWeb()),
}
_OTHER_SIDE = Path(__file__).with_name("data_datatrove.py")
_FEWEST_WORDS = 50
"""Both sides drop shorter documents at once; their other decisions on them do not matter."""
_DIFFERENCES_SHOWN = 3


class Filtered(Record):
    """The work of one filter."""

    seconds: float
    """CPU time."""
    rules: tuple[str | None, ...]
    """The rule that each document breaks."""


def main() -> None:
    """Take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datatrove", required=True, metavar="PYTHON")
    parser.add_argument("--documents", type=int, default=4000)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    texts = documents(options.documents)
    megabytes = sum(len(text.encode()) for text in texts) / 1e6
    print(f"{len(texts):,} documents, {megabytes:.1f} MB\n")
    with tempfile.TemporaryDirectory(prefix="data-") as folder:
        file = Path(folder) / "documents.json"
        file.write_text(json.dumps(texts), encoding="utf-8")
        turns = [(_ours(texts), _theirs(options.datatrove, file)) for _ in range(options.turns)]
    print("| Step | datatrove, MB/s | llmtrain, MB/s | Ratio | Same decision | Differences |")
    print("|-|-|-|-|-|-|")
    for name in (*_STEPS, "all three"):
        names = list(_STEPS) if name == "all three" else [name]
        ours, theirs = (
            min(sum(turn[side][each].seconds for each in names) for turn in turns)
            for side in (0, 1)
        )
        same, differences = _compare(*turns[0], names)
        print(
            f"| {name} | {megabytes / theirs:.2f} | {megabytes / ours:.2f} | {theirs / ours:.1f} "
            f"| {same:.1%} | {differences} |"
        )


def documents(count: int) -> list[str]:
    """Texts of 50 words or more, in random order."""
    texts = [entry.document for entry in harvest()]
    described = (str(each.metadata.json.get("description", "")) for each in distributions())
    texts = sorted(text for text in (*texts, *described) if len(text.split()) >= _FEWEST_WORDS)
    return [texts[number] for number in np.random.default_rng(0).permutation(len(texts))[:count]]


def _ours(texts: Sequence[str]) -> dict[str, Filtered]:
    return {name: _filtered(step.prepare(), texts) for name, step in _STEPS.items()}


def _filtered(apply: TextFunction, texts: Sequence[str]) -> Filtered:
    started = time.process_time()
    outcomes = apply(texts)
    seconds = time.process_time() - started
    rules = (outcome.rule if isinstance(outcome, Dropped) else None for outcome in outcomes)
    return Filtered(seconds=seconds, rules=tuple(rules))


def _theirs(python: str, file: Path) -> dict[str, Filtered]:
    command = [python, str(_OTHER_SIDE), str(file)]
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(printed.splitlines()[-1])
    return {name: Filtered.model_validate(each) for name, each in found.items()}


def _compare(
    ours: dict[str, Filtered], theirs: dict[str, Filtered], names: Sequence[str]
) -> tuple[float, str]:
    """The share of documents with the same decision, and the most frequent differences."""
    pairs = list(
        zip(
            zip(*(ours[name].rules for name in names), strict=True),
            zip(*(theirs[name].rules for name in names), strict=True),
            strict=True,
        )
    )
    found = Counter(
        (_first(one), _first(other)) for one, other in pairs if any(one) is not any(other)
    )
    shown = "; ".join(
        f"{count} {other or 'kept'} / {one or 'kept'}"
        for (one, other), count in found.most_common(_DIFFERENCES_SHOWN)
    )
    return 1 - found.total() / len(pairs), shown


def _first(rules: Sequence[str | None]) -> str | None:
    return next((rule for rule in rules if rule), None)


if __name__ == "__main__":
    main()
