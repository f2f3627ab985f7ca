"""A rank of a training run under a memory limit, which may be lowered in the middle of the run."""

import json
import logging
import sys
from pathlib import Path
from typing import Unpack

from support import cgroups
from support.rank_process import join_ranks

from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import StageChanges


class _Ballast:
    """A reporter that takes memory away after an optimizer step.

    Args:
        step: None never does.
        size: in bytes.
    """

    def __init__(self, step: int | None, size: int) -> None:
        self._step, self._size = step, size
        self._taken = b""

    def update(self, **changes: Unpack[StageChanges]) -> None:
        pass

    def log(self, measured: TrainingMetrics) -> None:
        if self._step is not None and measured.step == self._step:
            self._taken = b"x" * self._size


def rank(runs: str, group: str, ballast_step: str, ballast_bytes: str) -> None:
    """Be one rank of the only run in a file, in a control group."""
    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import ending, leave
    from llmtrain_trainer.stage import StageContext

    join_ranks(runs)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    cgroups.join([Path(group)])
    [(text, _)] = json.loads(Path(runs).read_bytes())
    reporter = _Ballast(int(ballast_step) if ballast_step else None, int(ballast_bytes))
    with ending() as end:
        run_rank(StageContext(RunConfig.model_validate_json(text), reporter))
    leave(end.exit_code)
