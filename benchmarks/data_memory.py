"""The data stage at several sizes of the corpus: memory of its driver, and speed.

    PYTHONPATH=tests python benchmarks/data_memory.py --megabytes 250 500 1000 --workers 2
    PYTHONPATH=tests python benchmarks/data_memory.py --megabytes 250 --workers 1 2

The text is made here (`made_text.py`). The steps are those of a manifest that lists none.
"""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import ray
from made_text import write_text
from support.stage_context import stage_context

from llmtrain_api.data_report import DataReport
from llmtrain_trainer.data.runner import RUNNER

_MB = 10**6


@dataclass(frozen=True)
class Run:
    """One data stage."""

    seconds: float
    idle_bytes: int
    """Memory of the driver before the stage, with Ray joined."""
    peak_bytes: int
    """Most memory of the driver until the stage's end."""
    report: DataReport


def main() -> None:
    """Make the text, run a stage of each size with each number of workers, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--workers", type=int, nargs="+", default=[2])
    options = parser.parse_args()
    print("| Text, MB | Workers | Seconds | MB/s | Driver before, MB | Driver's peak, MB | Kept |")
    print("|-|-|-|-|-|-|-|")
    with tempfile.TemporaryDirectory(prefix="data-memory-") as folder:
        for megabytes in options.megabytes:
            home = Path(folder) / str(megabytes)
            write_text(home / "inputs", megabytes * _MB)
            for workers in options.workers:
                run = _in_a_new_process(home, workers)
                kept = run.report.train.documents + run.report.validation.documents
                print(
                    f"| {megabytes} | {workers} | {run.seconds:.0f} "
                    f"| {megabytes / run.seconds:.1f} | {run.idle_bytes / _MB:.0f} "
                    f"| {run.peak_bytes / _MB:.0f} | {kept:,} documents |",
                    flush=True,
                )


def _in_a_new_process(home: Path, workers: int) -> Run:
    """A stage whose driver has nothing of an earlier one in its memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run, home, workers).result()


def _run(home: Path, workers: int) -> Run:
    data = {"sources": [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}]}
    with tempfile.TemporaryDirectory(dir=home) as folder:
        (Path(folder) / "inputs").symlink_to(home / "inputs")
        context = stage_context("data", Path(folder), data=data)
        ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
        idle_bytes = _peak_bytes()
        started = time.perf_counter()
        RUNNER.work(context)
        seconds = time.perf_counter() - started
        report = DataReport.model_validate_json(context.workspace.data_report.read_bytes())
        ray.shutdown()
    return Run(seconds, idle_bytes, _peak_bytes(), report)


def _peak_bytes() -> int:
    """Most memory that this process has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024


if __name__ == "__main__":
    main()
