"""Starts the ranks of a worker group as Ray Train workers, and says why they failed."""

import os
import re
from pathlib import Path
from typing import TypedDict

import ray.train
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from llmtrain_api.exit_codes import OUT_OF_MEMORY
from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.errors import StageError, WorkerLostError
from llmtrain_trainer.launch.process_group import ProcessGroupConfig
from llmtrain_trainer.launch.rank_trainer import RankTrainer

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
    # Ray would restart the ranks by itself when a Pod is deleted: an attempt inside an attempt,
    # since the Pod has asked the driver to stop already.
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    # The keeper waits for Ray Train in a thread, where that blocks nobody.
    "RAY_WARN_BLOCKING_GET_INSIDE_ASYNC": "0",
}
_KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
"""glibc's malloc gives large blocks back, and faults each page in anew at the next step; from a
thread of its own, which Ray's workers train in, it does so for all of them."""
_NEXT_TO_NONE = 0.001
"""CPUs that Ray sets aside for a rank: it refuses a rank without any."""
NO_RETRIES = ray.train.FailureConfig(
    max_failures=0, controller_failure_limit=0, max_preemption_failures=0
)
"""The operator decides about retries: it knows why a rank failed."""


class _RankArguments(TypedDict):
    keeper: ActorHandle


def fit_ranks(first: str, keeper: ActorHandle) -> Exception:
    """Start ranks that do what the keeper of their group asks for, and wait until one fails.

    Args:
        first: run config of the attempt that starts them, as JSON.
        keeper: the keeper, an actor; its end is also theirs.

    Returns:
        What the group died of; a `StageError` where the cause is known.
    """
    config = RunConfig.model_validate_json(first)
    os.environ |= _OF_RAY_TRAIN
    try:
        _trainer(config, keeper).fit()
    except ray.train.WorkerGroupError as error:
        return cause_of(error.worker_failures)
    except ray.train.ControllerError as error:
        cause = _unwrapped(error.controller_failure)  # of what ranks do before their group is made
        return cause if isinstance(cause, StageError) else error
    except RayActorError as error:
        return WorkerLostError(f"the controller of the workers was lost: {_first_line(error)}")
    except Exception as error:  # noqa: BLE001 - the driver raises it
        return error
    return WorkerLostError("the workers ended before their work did")


def _trainer(config: RunConfig, keeper: ActorHandle) -> RankTrainer:
    # On one machine the tasks of the stage before may still need all of Ray's CPUs.
    cpus = _NEXT_TO_NONE if config.is_on_one_machine else config.workers.cpus
    resources = {"CPU": cpus, "GPU": config.workers.gpus}
    return RankTrainer(
        _rank,
        train_loop_config=_RankArguments(keeper=keeper),
        torch_config=ProcessGroupConfig(
            on_one_machine=config.is_on_one_machine,
            backend="nccl" if config.workers.gpus else "gloo",
            timeout_s=_COLLECTIVE_TIMEOUT_SECONDS,
        ),
        scaling_config=ray.train.ScalingConfig(
            num_workers=config.workers.count,
            use_gpu=bool(config.workers.gpus),
            resources_per_worker=resources,
        ),
        run_config=ray.train.RunConfig(
            worker_runtime_env={
                "env_vars": {**_KEEP_MEMORY, "OMP_NUM_THREADS": str(config.workers.cpus)}
            },
            # Ray resumes a name that it knows, without a word; ours is never used twice.
            name=f"{config.job_uid}-{config.stage}-{config.attempt}",
            storage_path=str(Workspace(Path(config.workspace)).private / "ray-train"),
            failure_config=NO_RETRIES,
        ),
    )


def _rank(arguments: _RankArguments) -> None:
    """One Ray Train worker: does what the keeper of its group asks for, until it ends it."""
    from llmtrain_trainer.launch.rank_loop import serve

    serve(arguments["keeper"], ray.train.get_context().get_world_rank())
