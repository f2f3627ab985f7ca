"""One corpus made by 1, 2 and 4 workers, with a worker or the driver killed half-way: same tokens?

    PYTHONPATH=tests python benchmarks/data_crashes.py --megabytes 12

Both stages run with real workers of Ray, over units of 1 MiB. The digest covers every file of
tokens and of the tokenizer.
"""

import argparse
import hashlib
import multiprocessing
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import ray
from made_text import write_text
from support.stage_context import stage_context

from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer import parallel, units
from llmtrain_trainer.data.runner import RUNNER as DATA_STAGE
from llmtrain_trainer.tokenizer.runner import RUNNER as TOKENIZER_STAGE

_MB = 10**6
_UNIT_BYTES = 2**20
_LOOK_SECONDS = 0.02
_WORKER = "ray::_outcome"
_CLEANING, _TOKENIZING = "*/clean/[0-9]*", "*/tokens-*/train-*"


@dataclass(frozen=True)
class Case:
    """A way to make the corpus."""

    workers: int
    killed: str = ""
    """`worker` or `driver`."""
    stage: Stage | None = None
    """The stage in which it is killed."""

    def __str__(self) -> str:
        workers = f"{self.workers} worker{'s' if self.workers > 1 else ''}"
        return f"{workers}, a {self.killed} killed in {self.stage}" if self.killed else workers


_CASES = (
    Case(1),
    Case(2),
    Case(4),
    Case(2, "worker", Stage.DATA),
    Case(2, "worker", Stage.TOKENIZER),
    Case(2, "driver", Stage.DATA),
    Case(2, "driver", Stage.TOKENIZER),
)


def main() -> None:
    """Run all cases; exit with 1 where two digests differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=12)
    options = parser.parse_args()
    print("| Case | Units that were done | Seconds | SHA-256 of the tokens |")
    print("|-|-|-|-|")
    digests = set()
    with tempfile.TemporaryDirectory(prefix="data-crashes-") as folder:
        home = Path(folder)
        write_text(home / "inputs", options.megabytes * _MB)
        for number, case in enumerate(_CASES):
            place = home / str(number)
            place.mkdir()
            (place / "inputs").symlink_to(home / "inputs")
            started = time.perf_counter()
            done = _run(case, place)
            seconds = time.perf_counter() - started
            digest = _digest(Workspace(place / "workspace"))
            digests.add(digest)
            print(f"| {case} | {done} | {seconds:.0f} | {digest[:16]} |", flush=True)
    sys.exit(len(digests) > 1)


def _run(case: Case, place: Path) -> str:
    """Make the corpus; how many units were done when something was killed."""
    driver = _start(case, place)
    done = ""
    if case.stage is not None:
        home = Workspace(place / "workspace").units(case.stage)
        pattern = _CLEANING if case.stage is Stage.DATA else _TOKENIZING
        while not (finished := len(list(home.glob(pattern)))):
            if not driver.is_alive():
                raise RuntimeError(f"{case}: the driver ended before a unit was done")
            time.sleep(_LOOK_SECONDS)
        processes = psutil.Process(driver.pid).children(recursive=True)
        if case.killed == "worker":
            victim = next(each for each in processes if each.name().startswith(_WORKER))
            victim.kill()
            done = f"{finished}, then {victim.name()} was killed"
        else:
            driver.kill()
            for each in processes:  # as where its machine is lost
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            driver.join()
            done = f"{finished}, then the driver was killed"
            driver = _start(case, place)
    driver.join()
    if driver.exitcode:
        raise RuntimeError(f"{case}: the driver ended with {driver.exitcode}")
    return done


def _start(case: Case, place: Path) -> "multiprocessing.context.SpawnProcess":
    driver = multiprocessing.get_context("spawn").Process(target=_drive, args=(place, case.workers))
    driver.start()
    return driver


def _drive(place: Path, workers: int) -> None:
    """Both stages."""
    units._SMALLEST_BYTES = _UNIT_BYTES  # noqa: SLF001
    parallel._SMALL_BYTES = 0  # noqa: SLF001 - everything goes to the workers
    sources = [{"files": {"paths": ["*.jsonl"], "format": "jsonl"}}]
    section = {"vocabularySize": 8000}
    context = stage_context("data", place, data={"sources": sources}, tokenizer=section)
    ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
    DATA_STAGE.work(context)
    TOKENIZER_STAGE.work(context)
    ray.shutdown()


def _digest(workspace: Workspace) -> str:
    digest = hashlib.sha256()
    splits = (workspace.tokens / split for split in ("train", "validation"))
    for folder in (*splits, workspace.tokenizer):
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            digest.update(path.relative_to(workspace.root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
