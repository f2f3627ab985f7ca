"""Ranks that check their links before they train, one of them with delayed traffic."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.rank_process import join_ranks

from llmtrain_api.run_config import RunConfig
from llmtrain_api.training_metrics import TrainingMetrics
from llmtrain_trainer.progress.reporter import NullReporter

_DELAY_SECONDS = 0.1


class _Measured(NullReporter):
    """Keeps what is measured before training."""

    def __init__(self) -> None:
        self.links: TrainingMetrics | None = None

    def log(self, measured: TrainingMetrics) -> None:
        if measured.bus_bandwidth is not None:
            self.links = measured


def rank(runs: str, result: str, slow: str) -> None:
    """Check the links by the run config in a file, then train by it.

    Args:
        runs: path of the file.
        result: path of rank 0's file of the outcome: the error, and the figures.
        slow: number of the rank whose traffic is delayed; empty for none.
    """
    from torch import distributed as dist

    from llmtrain_trainer.errors import StageError
    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.preflight.check import check_group
    from llmtrain_trainer.stage import StageContext

    join_ranks(runs)
    dist.batch_isend_irecv = _delayed(dist.batch_isend_irecv, delay=slow == str(dist.get_rank()))
    (text,) = json.loads(Path(runs).read_bytes())
    reporter, error = _Measured(), None
    context = StageContext(RunConfig.model_validate_json(text), reporter)
    try:
        check_group(context)
        run_rank(context)
    except StageError as failure:
        error = [failure.exit_code, failure.reason, failure.message]
    if dist.get_rank() == 0:
        assert reporter.links is not None
        figures = reporter.links.model_dump(by_alias=False, exclude_unset=True)
        Path(result).write_text(json.dumps({"error": error, "figures": figures}))
    dist.barrier()
    leave(0)


def _delayed(send: Callable[..., Any], *, delay: bool) -> Callable[..., Any]:
    def transfer(*arguments: Any) -> Any:
        if delay:
            threading.Event().wait(_DELAY_SECONDS)
        return send(*arguments)

    return transfer
