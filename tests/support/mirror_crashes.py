"""Trains a tiny job whose driver is killed while it restores or copies, on one claim each."""

import select
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from support.crashes import crash_config, trained
from support.rank_process import start_rank
from support.s3_server import BUCKET, S3Server
from support.tiny_job import write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.checkpoint.manifest import PINNED

_TIMEOUT_SECONDS = 600
_BEGUN = "begun"
_LONGEST_LIFE_SECONDS = 2.0
"""From the first request to the mirror; a restore takes some tenths of it, as does an upload."""


@dataclass
class MirrorCrashes:
    """Makes crashes, and checks what they leave. The environment gives access to the bucket.

    Args:
        root: folder for workspaces.
        server: server of the mirrors.
        seed: seed of the instants.
    """

    root: Path
    server: S3Server
    seed: int
    count: int = 0
    """Crashes so far."""
    while_copying: int = 0
    """Those in the middle of an upload."""
    while_restoring: int = 0
    """Those in the middle of a restore."""
    resumed_from: list[int] = field(default_factory=list)
    """The newest step in the mirror after each crash."""

    def __post_init__(self) -> None:
        self._instants = np.random.default_rng(self.seed)
        self._runs = 0
        self._claims = 0
        whole = self._empty_claim()
        self._train(_config(whole, mirror=None, attempt=0))
        self._expected = trained(whole)

    def crash_until_done(self, most: int) -> None:
        """Train once more from the start, and crash `most` times at the most.

        Raises:
            AssertionError: a crash lost a copy, or the result is not that of a run without any.
        """
        mirror = f"s3://{BUCKET}/run-{self._runs}"
        self._runs += 1
        attempt = copied = 0
        while attempt < most:
            claim = self._empty_claim()
            if not self._crash(_config(claim, mirror=mirror, attempt=attempt)):
                break
            newest = self._newest_copy(mirror)
            assert newest >= copied, f"step {copied} was in the mirror, {newest} is left"
            copied = newest
            attempt += 1
            self.count += 1
            self.while_copying += (Workspace(claim).checkpoints(Stage.PRETRAIN) / PINNED).exists()
            self.while_restoring += (claim / ".restoring").exists()
            self.resumed_from.append(newest)
            shutil.rmtree(claim)
        claim = self._empty_claim()
        self._train(_config(claim, mirror=mirror, attempt=attempt))
        assert trained(claim) == self._expected

    def _empty_claim(self) -> Path:
        """A workspace with tokens alone, as the stages before would leave it."""
        claim = self.root / str(self._claims)
        self._claims += 1
        claim.mkdir(parents=True)
        write_tokens(Workspace(claim))
        return claim

    def _train(self, config: RunConfig) -> None:
        with _Driver(config) as driver:
            assert driver.process.wait(_TIMEOUT_SECONDS) == 0, driver.log.read_text()

    def _crash(self, config: RunConfig) -> bool:
        """Kill the driver; returns whether it was still at work."""
        with _Driver(config) as driver:
            driver.wait_until_begun()
            select.select([], [], [], self._instants.uniform(0, _LONGEST_LIFE_SECONDS))
            driver.process.kill()
            return driver.process.wait(_TIMEOUT_SECONDS) != 0

    def _newest_copy(self, mirror: str) -> int:
        """The step of the newest copy by its name; 0 without one."""
        folder = mirror.removeprefix(f"s3://{BUCKET}/") + "/commits/checkpoints/pretrain/step-"
        names = self.server.names()
        return max(
            (int(name[len(folder) :]) for name in names if name.startswith(folder)), default=0
        )


class _Driver:
    """A driver that is the only rank too, in a process of its own; a context manager."""

    def __init__(self, config: RunConfig) -> None:
        claim = Path(config.workspace)
        self.log, self._begun, runs = claim / "log", claim / _BEGUN, claim / "runs"
        runs.write_text(config.model_dump_json())
        with self.log.open("w") as log:
            self.process = start_rank(
                "support.mirror_crashes:drive",
                str(runs),
                str(self._begun),
                output=log.fileno(),
                errors=log.fileno(),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def wait_until_begun(self) -> None:
        """Wait until it speaks with the mirror."""
        for _ in range(_TIMEOUT_SECONDS * 10):
            if self._begun.exists():
                return
            select.select([], [], [], 0.02)
        raise AssertionError(self.log.read_text())


def drive(runs: str, begun: str) -> None:
    """Be the driver and the only rank of a run; a target for `start_rank`."""
    from support.rank_process import join_ranks
    from torch import distributed as dist

    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.mirror import beside
    from llmtrain_trainer.mirror.mirrored import mirrored
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.progress.tracker import ProgressTracker
    from llmtrain_trainer.stage import StageContext

    beside._LOOK_SECONDS = 0.02  # so that it is copying nearly all the time
    join_ranks(runs)
    config = RunConfig.model_validate_json(Path(runs).read_bytes())
    context = StageContext(config, ProgressTracker(config))
    Path(begun).touch()
    with mirrored(context):
        run_rank(context)
    dist.destroy_process_group()
    leave(0)


def _config(claim: Path, *, mirror: str | None, attempt: int) -> RunConfig:
    return crash_config(claim, attempt=attempt).replace(mirror=mirror)
