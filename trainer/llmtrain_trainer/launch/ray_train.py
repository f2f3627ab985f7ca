"""Starts the ranks of a training stage as Ray Train workers, and says why they failed."""

import os
import re
import threading
from typing import TypedDict

import ray.train
from ray.train.torch import TorchConfig, TorchTrainer

from llmtrain_api.exit_codes import OUT_OF_MEMORY
from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import StageError, WorkerLostError
from llmtrain_trainer.launch.file_store import FileStoreConfig
from llmtrain_trainer.launch.rank import run_rank
from llmtrain_trainer.progress.reporter import HttpReporter, NullReporter
from llmtrain_trainer.stage import StageContext

_CONNECTION_LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe")
# Ray kills workers before the kernel does, and reports it only in these words.
_OUT_OF_MEMORY = re.compile(
    r"running low on memory\..*? was ([\d.]+ ?GB used / [\d.]+ ?GB limit)", re.DOTALL
)


def cause_of(failures: dict[int, Exception]) -> Exception:
    """The first cause of a group's failure: one rank's failure takes all others down.

    Args:
        failures: failures by rank, from Ray Train.
    """
    causes = {rank: _unwrapped(error) for rank, error in failures.items()}
    for cause in causes.values():
        if isinstance(cause, StageError):
            return cause
    for rank, cause in causes.items():
        memory = _OUT_OF_MEMORY.search(str(cause))
        if memory:
            return StageError(
                f"worker {rank} was killed for want of memory: {memory[1]}; raise "
                "compute.trainers.memory, or lower microBatchSize",
                reason=OUT_OF_MEMORY,
            )
    for rank, cause in causes.items():
        if type(cause).__module__.startswith("ray."):
            return WorkerLostError(f"worker {rank} was lost: {_first_line(cause)}")
    for rank, cause in causes.items():
        if any(text in str(cause) for text in _CONNECTION_LOST):
            return WorkerLostError(f"worker {rank} lost its peers: {_first_line(cause)}")
    rank, cause = min(causes.items())
    return StageError(f"worker {rank} raised {type(cause).__name__}: {_first_line(cause)}")


def _unwrapped(error: Exception) -> Exception:
    """The exception inside Ray's own one."""
    ours = getattr(error, "_base_exc", error)
    failure: Exception = getattr(ours, "health_check_failure", ours)
    return failure


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:500]


_COLLECTIVE_TIMEOUT_SECONDS = 1800
_OF_RAY_TRAIN = {
    # Ray's minute is too short for an image pull or a GPU node that is still to come; the operator
    # has a limit of its own.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": str(24 * 3600),
    # Ray would restart the ranks by itself when a Pod is deleted: an attempt inside an attempt, #
    # since the Pod has asked the driver to stop already.
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
        StageError: a rank's error.
        WorkerLostError: a rank's process or machine was lost.
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
