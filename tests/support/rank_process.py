"""Runs the ranks of tiny training runs in processes of their own, without Ray.

One call makes several runs one after the other in the same processes: starting torch takes longer
than training does.
"""

import json
import os
import subprocess
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

from support.warm_python import Forked, start_python

from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import StageChanges

_TIMEOUT_SECONDS = 600


class CrashError(Exception):
    """Raised in the middle of a run, on every rank at the same step."""


class CrashAfter:
    """A reporter that ends the run right after an optimizer step.

    Args:
        step: None never crashes.
    """

    def __init__(self, step: int | None) -> None:
        self._step = step

    def update(self, **changes: Unpack[StageChanges]) -> None:
        pass

    def log(self, measured: TrainingMetrics) -> None:
        if self._step is not None and measured.step == self._step:
            raise CrashError


@dataclass(frozen=True)
class Run:
    """One training run."""

    config: RunConfig
    """Run config of the pretrain or finetune stage."""
    crash_after: int | None = None
    """The optimizer step after which it crashes."""


def run_ranks(runs: list[Run], *, ranks: int) -> None:
    """Make each run to its end, or to its crash.

    Args:
        runs: one after the other.
        ranks: number of processes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, errors = Path(folder) / "runs.json", Path(folder) / "errors"
        path.write_text(
            json.dumps([(run.config.model_dump_json(), run.crash_after) for run in runs])
        )
        with errors.open("w") as of_first:
            processes = [
                start_rank(
                    "support.rank_process:rank",
                    str(path),
                    rank=rank,
                    ranks=ranks,
                    output=of_first.fileno(),
                    errors=2 if rank else of_first.fileno(),
                )
                for rank in range(ranks)
            ]
        try:
            code = processes[0].wait(_TIMEOUT_SECONDS)
            assert code == 0, errors.read_text()
        finally:
            for process in processes:
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def start_rank(
    function: str, *arguments: str, rank: int = 0, ranks: int = 1, output: int, errors: int
) -> "Forked | subprocess.Popen[bytes]":
    """Start one rank, which calls a function with strings.

    Args:
        function: `module:name`; it calls `join_ranks`.
        arguments: arguments of the function.
        rank: its number.
        ranks: number of all ranks.
        output: file descriptor of its standard output.
        errors: likewise of its standard error.
    """
    place = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(ranks)}
    quiet = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    return start_python(
        function, *arguments, environment=os.environ | place | quiet, output=output, errors=errors
    )


def call_as_only_rank(function: str, runs: list[Any], folder: Path) -> Any:
    """Call a function as the only rank of some runs; returns what it has written.

    Args:
        function: `module:name`; its arguments are the paths of two JSON files: of the runs, and of
            the result.
        runs: given as JSON.
        folder: for the files.
    """
    path, result, log = folder / "runs.json", folder / "result.json", folder / "log"
    path.write_text(json.dumps(runs))
    with log.open("w") as output:
        process = start_rank(
            function, str(path), str(result), output=output.fileno(), errors=output.fileno()
        )
        assert process.wait(_TIMEOUT_SECONDS) == 0, log.read_text()
    return json.loads(result.read_text())


def join_ranks(runs: str) -> None:
    """Make this process one rank of those that share a file of runs, by RANK and WORLD_SIZE."""
    import torch
    from torch import distributed as dist

    warnings.simplefilter("ignore")  # as in a new process: PYTHONWARNINGS is read at the start
    dist.init_process_group(
        "gloo",
        init_method=f"file://{runs}.store",
        rank=int(os.environ["RANK"]),
        world_size=int(os.environ["WORLD_SIZE"]),
    )
    torch.set_num_threads(1)


def rank(runs: str) -> None:
    """Be one rank of the runs in a file."""
    from torch import distributed as dist

    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.stage import StageContext
    from llmtrain_trainer.tracking import background

    background._CLOSE_SECONDS = 300  # on a busy machine, importing a tracker takes long
    join_ranks(runs)
    for text, crash_after in json.loads(Path(runs).read_bytes()):
        context = StageContext(RunConfig.model_validate_json(text), CrashAfter(crash_after))
        try:
            run_rank(context)
        except CrashError:
            dist.barrier()
    dist.destroy_process_group()
    leave(0)
