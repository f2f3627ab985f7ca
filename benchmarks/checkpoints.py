"""Checkpoints that training waits for beside those that are written while it goes on, in one run.

    python benchmarks/checkpoints.py --saves 10

A model of 30 million parameters (360 MB a checkpoint) trains on random tokens. It saves every six
steps: in turn it waits for the commit, and goes on at once. Prints for both the seconds that
training waits for a save, by how much the steps beside it are slower, and the share of the time
that the waiting takes at the automatic interval.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import torch
from random_run import random_run

from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.beside import Commit
from llmtrain_trainer.checkpoint.interval import automatic_interval, mean_seconds_between_failures
from llmtrain_trainer.checkpoint.manifest import CheckpointState
from llmtrain_trainer.launch import torchrun
from llmtrain_trainer.outcome import leave
from llmtrain_trainer.training import loop
from llmtrain_trainer.training.checkpoints import Checkpoints
from llmtrain_trainer.training.metric_log import MetricLog
from llmtrain_trainer.training.snapshot import Snapshot

_MANIFEST = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
_STEPS_OF_A_SAVE = 6


@dataclass
class _Save:
    """What a checkpoint took."""

    waits: bool
    """Whether training waited for the commit."""
    started: float
    stall_seconds: float = 0.0
    save_seconds: float = 0.0
    """Seconds until it was committed."""
    next_step: int = 0
    steps_beside: int = 0
    """Steps that began before it was committed."""

    @property
    def beside(self) -> range:
        """The numbers of these steps."""
        return range(self.next_step, self.next_step + self.steps_beside)


def main() -> None:
    """Train, and print what the saves took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--saves", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--hidden-size", type=int, default=512)
    parser.add_argument("--layers", type=int, default=9)
    parser.add_argument("--zero", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = _config(arguments, Path(folder))
        written, saves = Path(folder) / "config.json", Path(folder) / "saves.json"
        written.write_text(config.model_dump_json())
        workers = f"--nproc-per-node={arguments.workers}"
        launch = ["-m", "torch.distributed.run", "--standalone", workers, __file__]
        subprocess.run(
            [sys.executable, *launch, str(written)],
            env=os.environ | {"OMP_NUM_THREADS": "1", "SAVES": str(saves)},
            check=True,
        )
        records = Workspace(Path(folder)).metrics(Stage.PRETRAIN).read_text().splitlines()
        steps = {r["step"]: r["seconds"] for r in map(json.loads, records) if "seconds" in r}
        _report(config, [_Save(**save) for save in json.loads(saves.read_text())], steps)


def _config(arguments: argparse.Namespace, folder: Path) -> RunConfig:
    config = random_run(
        _MANIFEST,
        folder,
        workers=Workers(
            count=arguments.workers, cpus=1, gpus=1 if torch.cuda.is_available() else 0
        ),
        steps=_STEPS_OF_A_SAVE * (arguments.saves + 1),
        batchTokens=256 * arguments.workers,
        microBatchSize=1,
        zero={"stage": arguments.zero},
    )
    assert config.model is not None
    assert config.pretrain is not None
    model = config.model.replace(hidden_size=arguments.hidden_size, layers=arguments.layers)
    checkpoint = config.pretrain.checkpoint.replace(every_steps=_STEPS_OF_A_SAVE, keep=2)
    return config.replace(model=model, pretrain=config.pretrain.replace(checkpoint=checkpoint))


def _report(config: RunConfig, saves: list[_Save], steps: dict[int, float]) -> None:
    saves = saves[2:-1]  # the first reserve their memory, the last ends the stage
    beside = {step for save in saves for step in save.beside}
    alone = statistics.median(steps[step] for step in steps.keys() - beside if step > 1)
    print(f"a step without a save takes {alone:.3f} s")
    failures = mean_seconds_between_failures(config.workers)
    for waits in (True, False):
        chosen = [save for save in saves if save.waits is waits]
        stall = statistics.median(save.stall_seconds for save in chosen)
        whole = statistics.median(save.save_seconds for save in chosen)
        slower = statistics.median(
            sum(steps[step] - alone for step in save.beside) for save in chosen
        )
        interval = automatic_interval(
            stall_seconds=stall, save_seconds=whole, mean_seconds_between_failures=failures
        )
        print(
            f"{'waits for the commit' if waits else 'goes on at once'}: {len(chosen)} saves; "
            f"training waits {stall:.3f} s for one, and the steps beside it take {slower:.3f} s "
            f"more; committed after {whole:.2f} s; at the automatic interval, {interval:.0f} s, "
            f"waiting takes {stall / interval:.3%} of the time, with the slower steps "
            f"{(stall + slower) / interval:.3%}"
        )


class _NotedCheckpoints(Checkpoints):
    """Waits for every other commit, and notes what each save takes."""

    saves: ClassVar[list[_Save]] = []

    def save(
        self,
        state: CheckpointState,
        snapshot: Callable[[], Snapshot],
        records: MetricLog | None,
    ) -> None:
        """Save, and wait for the commit or not."""
        self.finish()  # so that no wait for the save before is counted
        newest = _Save(waits=len(self.saves) % 2 == 0, started=time.perf_counter())
        self.saves.append(newest)
        super().save(state, snapshot, records)
        if newest.waits:
            self.finish()
        newest.stall_seconds = time.perf_counter() - newest.started
        newest.next_step = state.step + 1

    def report(self) -> None:
        """Note one more step beside a save that was not committed before it."""
        if self.saves and not self.saves[-1].save_seconds:
            self.saves[-1].steps_beside += 1
        super().report()

    def _report(self, commit: Commit | None) -> None:
        super()._report(commit)
        if commit is not None:
            self.saves[-1].save_seconds = time.perf_counter() - self.saves[-1].started


def _rank() -> None:
    """Train as one rank, and note what each save takes."""
    loop.Checkpoints = _NotedCheckpoints  # type: ignore[attr-defined]
    code = torchrun.main()
    if os.environ["RANK"] == "0":
        saves = [asdict(save) for save in _NotedCheckpoints.saves]
        Path(os.environ["SAVES"]).write_text(json.dumps(saves))
    leave(code)


if __name__ == "__main__":
    if "RANK" in os.environ:
        _rank()
    else:
        main()
