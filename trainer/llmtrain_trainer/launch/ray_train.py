"""Starts the ranks of a training stage as Ray Train workers."""

import os
import threading
from typing import TypedDict

import ray.train
from ray.train.torch import TorchConfig, TorchTrainer

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.launch.cause import cause_of
from llmtrain_trainer.launch.file_store import FileStoreConfig
from llmtrain_trainer.launch.rank import run_rank
from llmtrain_trainer.progress.http_reporter import HttpReporter
from llmtrain_trainer.progress.reporter import NullReporter
from llmtrain_trainer.stage import StageContext

_COLLECTIVE_TIMEOUT_SECONDS = 1800
_OF_RAY_TRAIN = {
    # Ray's minute is too short for an image pull or a GPU node that is still to come; the operator
    # has a limit of its own.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(24 * 3600),
    # It would start the ranks anew by itself when a Pod is taken away: an attempt in an attempt,
    # for the Pod has told the driver to stop already.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
}
_KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
"""glibc's malloc gives large blocks back, and faults each page in anew at the next step; from a
thread of its own, which Ray's workers train in, it does so for all of them."""
NO_RETRIES = ray.train.FailureConfig(
    max_failures=0, controller_failure_limit=0, max_preemption_failures=0
)
"""The operator decides about retries: it knows why a rank failed."""


class _RankArguments(TypedDict):
    config: str
    report_url: str
    report_token: str


def run_ranks(context: StageContext) -> None:
    """Run a training stage on its workers, and wait for its end.

    Raises:
        StageError: what a rank raised.
        WorkerLostError: a rank's process or machine went away.
    """
    config, report_to = context.config, context.report_to
    assert report_to is not None, "only a driver starts ranks"
    os.environ |= _OF_RAY_TRAIN
    resources = {"CPU": config.workers.cpus, "GPU": config.workers.gpus}
    trainer = TorchTrainer(
        _rank,
        train_loop_config=_RankArguments(
            config=config.model_dump_json(),
            report_url=report_to.url,
            report_token=report_to.token,
        ),
        torch_config=(FileStoreConfig if config.is_on_one_machine else TorchConfig)(
            backend="nccl" if config.workers.gpus else "gloo",
            timeout_s=_COLLECTIVE_TIMEOUT_SECONDS,
        ),
        scaling_config=ray.train.ScalingConfig(
            num_workers=config.workers.count,
            use_gpu=bool(config.workers.gpus),
            resources_per_worker=resources,
        ),
        run_config=ray.train.RunConfig(
            worker_runtime_env={"env_vars": _KEEP_MEMORY},
            # Ray resumes a name that it knows, without a word; ours is never used twice.
            name=f"{config.job_uid}-{config.stage}-{config.attempt}",
            storage_path=str(context.workspace.private / "ray-train"),
            failure_config=NO_RETRIES,
        ),
    )
    try:
        trainer.fit()
    except ray.train.WorkerGroupError as error:
        raise cause_of(error.worker_failures) from error


def _rank(arguments: _RankArguments) -> None:
    """One Ray Train worker."""
    config = RunConfig.model_validate_json(arguments["config"])
    stop = threading.Event()
    if ray.train.get_context().get_world_rank() != 0:
        run_rank(StageContext(config, NullReporter(), stop))
        return
    with HttpReporter(arguments["report_url"], arguments["report_token"], stop) as reporter:
        run_rank(StageContext(config, reporter, stop))
