"""The cost of the data and tokenizer stages at any size: rates measured here, and a formula.

    PYTHONPATH=tests python benchmarks/data_scale.py --megabytes 40 --cores 1024

Every round runs in one process with one thread, and its CPU time counts, so that other work on the
machine matters little. The formula is in `docs/data-at-scale.md`.
"""

import argparse
import os
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from made_text import write_text
from support.stage_context import stage_context

from llmtrain_trainer import parallel
from llmtrain_trainer.completion import mark_complete
from llmtrain_trainer.data.identity import counting
from llmtrain_trainer.data.sources.shards import shards
from llmtrain_trainer.data.stage import make_corpus
from llmtrain_trainer.progress.reporter import NullReporter, StageChanges
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE
from llmtrain_trainer.tokenizer.write import write_token_files
from llmtrain_trainer.units import unit_bytes

_MB, _GB, _TB = 10**6, 10**9, 10**12
_HOUR = 3600
_TARGET_BYTES, _TARGET_DOCUMENTS = 10 * _TB, 10**9
_WRITING_TOKENS = "writing tokens"
_OF_DOCUMENTS = {"comparing documents", "comparing signatures", "uniting documents", "compared"}
"""Rounds and files that grow with the documents, whatever their length."""
_VERBS = {"cleaning", "hashing", "comparing", "uniting", "taking", "writing"}
_DEFAULT: tuple[dict[str, Any], ...] = (
    {"html": {}},
    {"unicode": {}},
    {"gopher": {}},
    {"exactDedup": {}},
)
_LISTS: dict[str, tuple[dict[str, Any], ...]] = {
    "default": _DEFAULT,
    "default + nearDedup": (*_DEFAULT, {"nearDedup": {}}),
    "default + lineDedup": (*_DEFAULT, {"lineDedup": {}}),
}


@dataclass(frozen=True)
class Measured:
    """Both stages over a small corpus."""

    text_bytes: int
    documents: int
    seconds: dict[str, float]
    """CPU time of one core by round."""
    stored: dict[str, int]
    """Bytes on the disk by what they are."""


class _Clock(NullReporter):
    """Counts the CPU time of each round, by its name in the progress report."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._before = time.process_time()

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """The end of a part of a round."""
        now = time.process_time()
        if "activity" in changes:
            self.seconds[changes["activity"].partition(" (")[0]] += now - self._before
        self._before = now


def main() -> None:
    """Measure each list of steps, print rates and what follows from them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--cores", type=int, default=1024)
    options = parser.parse_args()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    parallel._SMALL_BYTES = 2**60  # noqa: SLF001 - all in this process
    counting.SAMPLE = 0  # of a large corpus it is next to nothing
    for name, steps in _LISTS.items():
        with tempfile.TemporaryDirectory(prefix="data-scale-") as folder:
            write_text(Path(folder) / "inputs", options.megabytes * _MB)
            measured = _measure(Path(folder), steps)
        print(f"\n{name}: {measured.text_bytes / _MB:.0f} MB, {measured.documents:,} documents\n")
        _print_rates(measured)
        print()
        _print_cost(measured, options.cores)


def _measure(home: Path, steps: tuple[dict[str, Any], ...]) -> Measured:
    sources = [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}]
    section = {"vocabularySize": 16_000, "sample": {"maxBytes": 10 * _MB}}
    data = {"sources": sources, "steps": steps}
    config = stage_context("data", home, data=data, tokenizer=section).config
    clock = _Clock()
    context = StageContext(config, clock)
    workspace, units = context.workspace, home / "units"
    workspace.documents.mkdir(parents=True)
    work = shards(config.data.sources if config.data else (), context)
    report = make_corpus(work, context, units, workspace.documents, files={})
    mark_complete(workspace.documents, "here")
    stored = {each.name: _size(each) for each in sorted(units.iterdir())}
    stored["documents"] = _size(workspace.documents)
    TOKENIZER_STAGE.work(context)
    stored["tokens"] = _size(workspace.tokens)
    (home / "tokens").mkdir()
    tokenizing = _Clock()
    again = StageContext(config, tokenizing)
    write_token_files(home / "tokens", home / "token-units", again, from_percent=0)
    received = [source.received for source in report.by_source]
    seconds = {name: each for name, each in clock.seconds.items() if name.split()[0] in _VERBS}
    return Measured(
        text_bytes=sum(size.bytes for size in received),
        documents=sum(size.documents for size in received),
        seconds={**seconds, _WRITING_TOKENS: tokenizing.seconds[_WRITING_TOKENS]},
        stored=stored,
    )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _print_rates(measured: Measured) -> None:
    print("| Round | MB/s a core | Documents/s a core |")
    print("|-|-|-|")
    for name, seconds in measured.seconds.items():
        megabytes = measured.text_bytes / _MB / seconds
        print(f"| {name} | {megabytes:.1f} | {measured.documents / seconds:,.0f} |")
    print("\n| On the disk | Bytes a byte of text | Bytes a document |")
    print("|-|-|-|")
    for name, size in measured.stored.items():
        print(f"| {name} | {size / measured.text_bytes:.3f} | {size / measured.documents:.0f} |")


def _print_cost(measured: Measured, cores: int) -> None:
    """The formula of the page."""
    total = 0.0
    print(f"| 10 TB, 10^9 documents | Core hours | Hours on {cores:,} cores |")
    print("|-|-|-|")
    for name, seconds in measured.seconds.items():
        hours = seconds * _growth(name, measured) / _HOUR
        # One worker unites all pairs; every other round is shared out.
        wall = hours if name == "uniting documents" else hours / cores
        total += wall
        print(f"| {name} | {hours:,.0f} | {wall:.1f} |")
    print(f"| all | | {total:.1f} |")
    stored = {name: size * _growth(name, measured) for name, size in measured.stored.items()}
    print("\n| 10 TB, 10^9 documents | On the disk, TB |")
    print("|-|-|")
    for name, size in stored.items():
        print(f"| {name} | {size / _TB:.2f} |")
    print(f"| all | {sum(stored.values()) / _TB:.2f} |")
    size = unit_bytes(_TARGET_BYTES)
    print(f"\n{_TARGET_BYTES // size:,} units of {size / _GB:.1f} GB")


def _growth(name: str, measured: Measured) -> float:
    """The factor from what was measured to the corpus that is asked for."""
    if name in _OF_DOCUMENTS:
        return _TARGET_DOCUMENTS / measured.documents
    return _TARGET_BYTES / measured.text_bytes


if __name__ == "__main__":
    main()
