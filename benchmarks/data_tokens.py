"""Tokenizing through the stage beside bare `tokenizers`, in turns, with the same number of threads.

    PYTHONPATH=tests python benchmarks/data_tokens.py --megabytes 100 --threads 2 --turns 3

Bare means: texts that are in memory already become lists of token ids, which are thrown away. The
stage also reads the documents, writes, hashes and syncs the token files, and its workers, which
have one thread each, are started anew. Ray itself runs before.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import ray
from made_text import write_text
from support.stage_context import stage_context

from llmtrain_trainer.control_tokens import TextTokenizer
from llmtrain_trainer.data.documents import row_groups
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE
from llmtrain_trainer.tokenizer.write import write_token_files

_MB = 10**6
_SPLITS = ("train", "validation")


def main() -> None:
    """Make the documents and the tokenizer, take turns, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--vocabulary", type=int, default=16_000)
    options = parser.parse_args()
    print("| Threads | Bare, MB/s | Stage, MB/s | Ratios |")
    print("|-|-|-|-|")
    with tempfile.TemporaryDirectory(prefix="data-tokens-") as folder:
        home = Path(folder)
        write_text(home / "inputs", options.megabytes * _MB)
        size = _in_a_new_process(_prepare, home, options.vocabulary) / _MB
        for threads in options.threads:
            turns = [
                (_in_a_new_process(_bare, home, threads), _in_a_new_process(_stage, home, threads))
                for _ in range(options.turns)
            ]
            bare, stage = (size / min(turn[side] for turn in turns) for side in (0, 1))
            ratios = [one / other for one, other in turns]
            print(
                f"| {threads} | {bare:.2f} | {stage:.2f} "
                f"| {', '.join(f'{ratio:.1%}' for ratio in ratios)}, "
                f"median {statistics.median(ratios):.1%} |",
                flush=True,
            )


def _in_a_new_process(work: Callable[[Path, int], float], home: Path, number: int) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, home, number).result()


def _context(home: Path, vocabulary: int) -> StageContext:
    sources = [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}]
    section = {"vocabularySize": vocabulary}
    return stage_context("tokenizer", home, data={"sources": sources}, tokenizer=section)


def _prepare(home: Path, vocabulary: int) -> float:
    """Run both stages; the bytes of their documents."""
    context = _context(home, vocabulary)
    ray.init(include_dashboard=False, log_to_driver=False)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    ray.shutdown()
    texts = _texts(context)
    return sum(len(text.encode()) for some in texts for text in some)


def _texts(context: StageContext) -> list[list[str]]:
    folders = (context.workspace.documents / split for split in _SPLITS)
    return [group.texts() for folder in folders for group in row_groups(folder)]


def _bare(home: Path, threads: int) -> float:
    """Seconds of bare `tokenizers`."""
    os.environ |= {"TOKENIZERS_PARALLELISM": "true", "RAYON_NUM_THREADS": str(threads)}
    context = _context(home, 1000)
    state = (context.workspace.tokenizer / "tokenizer.json").read_text(encoding="utf-8")
    tokenizer = TextTokenizer(state)
    texts = _texts(context)
    started = time.perf_counter()
    for some in texts:
        tokenizer.encode_ids(some)
    return time.perf_counter() - started


def _stage(home: Path, threads: int) -> float:
    """Seconds of the stage, from the learned tokenizer to durable token files."""
    context = _context(home, 1000)
    ray.init(num_cpus=threads, include_dashboard=False, log_to_driver=False)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        target = Path(folder) / "tokens"
        target.mkdir()
        started = time.perf_counter()
        write_token_files(target, Path(folder) / "units", context, from_percent=0)
        seconds = time.perf_counter() - started
    ray.shutdown()
    return seconds


if __name__ == "__main__":
    main()
