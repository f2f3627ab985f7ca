"""Trains with a gradient that is not a number, though the loss is finite."""

import json
from itertools import count
from pathlib import Path

from support.rank_process import join_ranks

from llmtrain_api.batch import BatchLayout
from llmtrain_api.run_config import RunConfig


def train(runs: str, result: str) -> None:
    """Train in this process, as the only rank; a target for `call_as_only_rank`.

    Args:
        runs: a file with a list of pairs: a run config, and the step whose gradient is broken.
        result: a file for a list of the errors that ended the runs: reason and message.
    """
    from torch import distributed as dist

    from llmtrain_trainer.errors import StageError
    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.progress.reporter import NullReporter
    from llmtrain_trainer.stage import StageContext
    from llmtrain_trainer.training import loop

    join_ranks(runs)
    right = loop.loss_scale
    errors = []
    for text, broken in json.loads(Path(runs).read_text()):
        steps = count(1)

        def wrong(
            batch: BatchLayout, labels: int, *, steps: "count[int]" = steps, broken: int = broken
        ) -> float:
            return float("nan") if next(steps) == broken else right(batch, labels)

        loop.loss_scale = wrong
        try:
            run_rank(StageContext(RunConfig.model_validate_json(text), NullReporter()))
        except StageError as error:
            errors.append((error.reason, str(error)))
    Path(result).write_text(json.dumps(errors))
    dist.destroy_process_group()
    leave(0)
