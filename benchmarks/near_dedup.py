"""Near deduplication beside datatrove's, in turns on one core, from files to files.

    PYTHONPATH=tests python benchmarks/near_dedup.py --datatrove PYTHON

PYTHON is the interpreter of an environment with datatrove (`pip install datatrove==0.10.1 spacy
nltk tokenizers orjson "xxhash<4"`). The documents are those of `benchmarks/data.py`; many have a
copy in which some words are others. The exact Jaccard similarity of each pair is known by counting
its sequences of five words.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from data import documents
from support.stage_context import stage_context

from llmtrain_api.data_report import DataReport
from llmtrain_api.spec.step_sections.deduplication import NearDedup
from llmtrain_trainer.data.documents import normal_text
from llmtrain_trainer.data.near.in_memory import first_alike
from llmtrain_trainer.data.runner import RUNNER
from llmtrain_trainer.data.scripts import split_words

_OTHER_SIDE = Path(__file__).with_name("near_dedup_datatrove.py")
_SHARE_COPIED = 0.6
_WORDS_CHANGED = (0.0, 0.12)
_RANGES = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01), (0.8, 1.01))


@dataclass(frozen=True)
class Corpus:
    """Documents, and the pairs of an original and its copy."""

    texts: list[str]
    pairs: list[tuple[int, int, float]]
    """Positions, and the exact similarity."""


@dataclass(frozen=True)
class Result:
    """What one side found."""

    seconds: float
    """CPU time."""
    clusters: dict[int, int]
    """A number of the cluster of each document in one."""
    kept: int


def main() -> None:
    """Take turns, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datatrove", required=True, metavar="PYTHON")
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    corpus = _corpus(documents(options.documents))
    megabytes = sum(len(text.encode()) for text in corpus.texts) / 1e6
    print(f"{len(corpus.texts):,} documents, {megabytes:.1f} MB, {len(corpus.pairs):,} pairs\n")
    _ours(_corpus(corpus.texts[:10]))  # what is loaded once
    turns = [(_ours(corpus), _theirs(options.datatrove, corpus)) for _ in range(options.turns)]
    print("| | MB/s | Documents kept | In a cluster |\n|-|-|-|-|")
    fastest = [min(turn[side].seconds for turn in turns) for side in (0, 1)]
    for name, result, seconds in zip(("llmtrain", "datatrove"), turns[0], fastest, strict=True):
        print(f"| {name} | {megabytes / seconds:.2f} | {result.kept} | {len(result.clusters)} |")
    print(f"\nRatio {fastest[1] / fastest[0]:.1f}\n")
    _compare_pairs(corpus, *turns[0])
    _compare_documents(corpus, *turns[0])


def _corpus(originals: Sequence[str]) -> Corpus:
    """Originals, with copies at random places among those that follow."""
    choose = np.random.default_rng(1)
    placed = [(float(number), number, text) for number, text in enumerate(originals)]
    for number, text in enumerate(originals):
        if choose.random() < _SHARE_COPIED:
            place = choose.uniform(number, len(originals))
            placed.append((place, number, _copy(text, choose)))
    placed.sort()
    texts = [text for _, _, text in placed]
    first: dict[int, int] = {}
    pairs = []
    for position, (_, number, text) in enumerate(placed):
        other = first.setdefault(number, position)
        if other != position:
            pairs.append((other, position, _jaccard(texts[other], text)))
    return Corpus(texts, pairs)


def _copy(text: str, choose: np.random.Generator) -> str:
    """The text with some words that are others, or left out; line breaks stay where they were."""
    share = choose.uniform(*_WORDS_CHANGED)
    lines = []
    for line in text.split("\n"):
        words = line.split(" ")
        for place in np.flatnonzero(choose.random(len(words)) < share):
            words[place] = str(choose.choice(["changed", "another", ""]))
        lines.append(" ".join(words))
    return "\n".join(lines)


def _jaccard(one: str, other: str) -> float:
    first, second = _sequences(one), _sequences(other)
    return len(first & second) / len(first | second)


def _sequences(text: str) -> set[tuple[str, ...]]:
    words = split_words(normal_text(text))
    return set(zip(*(words[start:] for start in range(5)), strict=False))


def _ours(corpus: Corpus) -> Result:
    with tempfile.TemporaryDirectory(prefix="near-") as folder:
        home = Path(folder)
        _write(home / "inputs", corpus)
        files = {"paths": ["a.jsonl"], "format": "jsonl"}
        data = {"sources": [{"files": files}], "steps": [{"nearDedup": {}}]}
        context = stage_context("data", home, data=data)
        started = time.process_time()
        RUNNER.work(context)
        seconds = time.process_time() - started
        report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
    firsts = first_alike(corpus.texts, NearDedup())
    sizes = np.bincount(firsts, minlength=len(firsts))
    clusters = {each: int(first) for each, first in enumerate(firsts) if sizes[first] > 1}
    kept = report.train.documents + report.validation.documents
    assert kept == len(set(firsts.tolist()))
    return Result(seconds, clusters, kept)


def _theirs(python: str, corpus: Corpus) -> Result:
    with tempfile.TemporaryDirectory(prefix="near-") as folder:
        home = Path(folder)
        _write(home / "inputs", corpus)
        command = [python, str(_OTHER_SIDE), str(home / "inputs"), str(home / "outputs")]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Result(found["seconds"], dict(found["clusters"]), found["kept"])


def _write(folder: Path, corpus: Corpus) -> None:
    folder.mkdir()
    lines = (json.dumps({"id": number, "text": text}) for number, text in enumerate(corpus.texts))
    (folder / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _compare_pairs(corpus: Corpus, *sides: Result) -> None:
    print("| Exact similarity | Pairs | Found by llmtrain | by datatrove |\n|-|-|-|-|")
    for low, high in _RANGES:
        pairs = [(one, other) for one, other, share in corpus.pairs if low <= share < high]
        found = [
            sum(_together(side, *pair) for pair in pairs) / max(1, len(pairs)) for side in sides
        ]
        shares = " | ".join(f"{share:.1%}" for share in found)
        print(f"| {low:g} to {min(high, 1):g} | {len(pairs)} | {shares} |")


def _together(side: Result, one: int, other: int) -> bool:
    return one in side.clusters and side.clusters[one] == side.clusters.get(other)


def _compare_documents(corpus: Corpus, ours: Result, theirs: Result) -> None:
    """Print how many documents are in a cluster on both sides, and some that are on one."""
    both = len(ours.clusters.keys() & theirs.clusters.keys())
    neither = len(corpus.texts) - len(ours.clusters.keys() | theirs.clusters.keys())
    print(f"\nin a cluster on both sides or on neither: {(both + neither) / len(corpus.texts):.1%}")
    for name, one, other in (("llmtrain", ours, theirs), ("datatrove", theirs, ours)):
        alone = sorted(one.clusters.keys() - other.clusters.keys())
        members: dict[int, list[int]] = {}
        for document in alone:
            members.setdefault(one.clusters[document], []).append(document)
        shown = [group for group in members.values() if len(group) > 1]
        best = sorted(
            max(_jaccard(corpus.texts[group[0]], corpus.texts[each]) for each in group[1:])
            for group in shown
        )
        quartiles = np.quantile(best or [np.nan], [0, 0.25, 0.5, 0.75, 1]).round(2).tolist()
        print(f"in clusters of {name} alone: {len(alone)}; similarities in them: {quartiles}")


if __name__ == "__main__":
    main()
