"""Trains a tiny job whose ranks are killed while they save, again and again, until it is done."""

import json
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from support.rank_process import Run, run_ranks, start_rank
from support.tiny_job import SEQUENCE_LENGTH, pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import (
    find_damage,
    newest_committed,
    read_manifest,
    step_folder,
)

_RANKS = 2
_STEPS = 60
_TIMEOUT_SECONDS = 600
CRASHES_OF_A_RUN = 6
_LONGEST_LIFE_SECONDS = 1.0
"""A save takes a few tenths of this, and the next one follows at once."""


@dataclass
class Crashes:
    """Makes crashes, and checks what they leave.

    Args:
        root: folder for workspaces.
        seed: seed of the instants.
    """

    root: Path
    seed: int
    count: int = 0
    """Crashes so far."""
    while_writing: int = 0
    """Those that left a checkpoint half written."""
    resumed_from: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._instants = np.random.default_rng(self.seed)
        self._runs = 0
        whole = self._workspace()
        run_ranks([Run(crash_config(whole, workers=_RANKS, attempt=0))], ranks=_RANKS)
        self._expected = trained(whole)

    def crash_until_done(self, most: int) -> None:
        """Train once more from the start, and crash `most` times at the most.

        Raises:
            AssertionError: a crash lost a commit, or the result is not that of a run without any.
        """
        workspace = self._workspace()
        attempt = committed = 0
        while attempt < most and self._crash(
            crash_config(workspace, workers=_RANKS, attempt=attempt)
        ):
            newest = _newest_intact(workspace)
            assert newest >= committed, f"step {committed} was committed, {newest} is left"
            committed = newest
            attempt += 1
            self.count += 1
            self.resumed_from.append(newest)
        run_ranks([Run(crash_config(workspace, workers=_RANKS, attempt=attempt))], ranks=_RANKS)
        assert trained(workspace) == self._expected

    def _workspace(self) -> Path:
        workspace = self.root / str(self._runs)
        workspace.mkdir(parents=True)
        write_tokens(Workspace(workspace))
        self._runs += 1
        return workspace

    def _crash(self, config: RunConfig) -> bool:
        """Kill rank 0, rank 1 or both while they save; returns whether they were still at work."""
        workspace = Path(config.workspace)
        checkpoints = Workspace(workspace).checkpoints(Stage.PRETRAIN)
        runs = workspace / f"runs-{config.attempt}"
        runs.write_text(json.dumps([(config.model_dump_json(), None)]))
        with (workspace / "log").open("a") as log:
            ranks = [
                start_rank(
                    "support.rank_process:rank",
                    str(runs),
                    rank=rank,
                    ranks=_RANKS,
                    output=log.fileno(),
                    errors=log.fileno(),
                )
                for rank in range(_RANKS)
            ]
            try:
                deadline = time.monotonic() + _TIMEOUT_SECONDS
                while not list(checkpoints.glob(f"*.tmp-{config.attempt}")):
                    assert time.monotonic() < deadline, (workspace / "log").read_text()
                    select.select([], [], [], 0.002)
                select.select([], [], [], self._instants.uniform(0, _LONGEST_LIFE_SECONDS))
                for rank in ((0,), (1,), (0, 1))[self._instants.integers(3)]:
                    ranks[rank].kill()
                codes = [rank.wait(_TIMEOUT_SECONDS) for rank in ranks]  # the other one ends, too
            finally:
                for rank in ranks:
                    rank.kill()
        self.while_writing += bool(list(checkpoints.glob("*.tmp-*")))
        return any(codes)


def crash_often(crashes: "Crashing", wanted: int) -> Iterator[int]:
    """Crash in one run after the other until there were enough; the number of runs after each."""
    runs = 0
    while crashes.count < wanted:
        crashes.crash_until_done(min(CRASHES_OF_A_RUN, wanted - crashes.count))
        runs += 1
        yield runs


class Crashing(Protocol):
    """Makes crashes, and checks what they leave."""

    count: int

    def crash_until_done(self, most: int) -> None:
        """Train once more from the start, and crash `most` times at the most."""
        ...


def crash_config(workspace: Path, *, workers: int = 1, attempt: int) -> RunConfig:
    """The run config of a tiny training that saves every other step."""
    return pretrain_config(
        workspace,
        workers=workers,
        attempt=attempt,
        tokens=_STEPS * 8 * SEQUENCE_LENGTH,
        checkpoint={"everySteps": 2, "keep": 2},
        validation={"everySteps": 25},
    )


def _newest_intact(workspace: Path) -> int:
    """The step of the newest commit, whose files are verified; 0 without one."""
    checkpoints = Workspace(workspace).checkpoints(Stage.PRETRAIN)
    step = newest_committed(checkpoints)
    if step is None:
        return 0
    folder = step_folder(checkpoints, step)
    assert (damage := find_damage(folder, read_manifest(folder).files)) is None, damage
    return step


def trained(workspace: Path) -> tuple[list[dict[str, Any]], bytes]:
    """All records but their times, and the weights."""
    place = Workspace(workspace)
    lines = place.metrics(Stage.PRETRAIN).read_text().splitlines()
    records = [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]
    assert max(record["step"] for record in records) == _STEPS
    return records, (place.model("pretrained") / "model.safetensors").read_bytes()
