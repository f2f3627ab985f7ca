"""Runs a stage that does not train as a Ray task: on a worker's machine, not on the head."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import ray
from ray.exceptions import RayError, RayTaskError

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.errors import StageError, WorkerLostError, in_one_line
from llmtrain_trainer.progress.reporter import HttpReporter
from llmtrain_trainer.stage import ReportAddress, StageContext

T = TypeVar("T")


def run_task(context: StageContext, function: Callable[[StageContext], T]) -> T:
    """Call a function with the stage's context on one worker's share of the compute.

    Raises:
        StageError: the function's error.
        WorkerLostError: its process or machine was lost.
    """
    config, report_to = context.config, context.report_to
    assert report_to is not None, "only a driver starts tasks"
    task = ray.remote(num_cpus=config.workers.cpus, num_gpus=config.workers.gpus, max_retries=0)(
        _call
    )
    try:
        result: T = ray.get(task.remote(config.model_dump_json(), report_to, function))
    except RayTaskError as error:
        if isinstance(error.cause, StageError):
            raise error.cause from None
        raise
    except RayError as error:
        raise WorkerLostError(f"the task of this stage was lost: {in_one_line(error)}") from error
    return result


def _call(config_json: str, report_to: ReportAddress, function: Callable[[StageContext], T]) -> T:
    config, stop = RunConfig.model_validate_json(config_json), threading.Event()
    with (
        explain_full_disk(Path(config.workspace)),
        HttpReporter(report_to.url, report_to.token, stop) as reporter,
    ):
        return function(StageContext(config, reporter, stop))
