"""The drivers' side of a worker group: found warm or started, given work, left or ended."""

import logging
import threading

import ray
from ray._private import state  # its public form needs the dashboard to answer
from ray.actor import ActorHandle
from ray.exceptions import GetTimeoutError, RayActorError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import StageError, WorkerLostError, in_one_line
from llmtrain_trainer.launch.assignment import Assignment, DriverProcess, Work
from llmtrain_trainer.launch.ray_task import run_task
from llmtrain_trainer.ray_connection import join_ray
from llmtrain_trainer.runner import StageResult, runner_of, work
from llmtrain_trainer.stage import StageContext

_log = logging.getLogger(__name__)
_NAMESPACE = "llmtrain-worker-groups"
_RANK = "RayTrainWorker"
"""Ray Train's class of a rank."""
_ANSWER_SECONDS = 30.0
"""Longest wait for a keeper that should wait for a driver; one that does not answer is ended."""
_START_SECONDS = 300.0
"""Longest wait for a new keeper. On a crowded machine Ray has been seen to start no process for it,
and to say nothing."""
_LOOK_SECONDS = 0.1


def run_on_trainers(context: StageContext) -> StageResult:
    """Do all the work of a stage that uses trainers, in the worker group of the stage before it.

    Without one a stage that trains starts a group, and leaves it to the stages after it. On one
    machine the stage before has started it (`early_start.py`).

    Raises:
        StageError: the work's error.
        WorkerLostError: a process or machine was lost.
    """
    config = context.config
    keeper = _claimed(config) if _may_be_warm(config) else None
    if keeper is None and not config.stage.optimizes:
        return _run_without_group(context)
    keeper = keeper or start_keeper(config)
    result = StageResult()
    if runner_of(config.stage).works:
        result = _run(keeper, context, Work.WORK)
    if config.stage.optimizes:
        _run(keeper, context, Work.TRAIN)
    if _is_needed_again(config):
        ray.get(keeper.release.remote())
    else:
        end_group(config)
    return result


def end_group(config: RunConfig) -> None:
    """End the worker group that this driver may have. Nobody waits until it is gone."""
    keeper = _found(config) if ray.is_initialized() else None
    if keeper is not None:
        ray.kill(keeper)


def _may_be_warm(config: RunConfig) -> bool:
    """Whether this stage or an earlier one has ranks; otherwise nobody has to ask Ray."""
    until_now = config.stages[: config.stages.index(config.stage) + 1]
    return any(stage.optimizes for stage in until_now)


def _is_needed_again(config: RunConfig) -> bool:
    later = config.stages[config.stages.index(config.stage) + 1 :]
    return any(stage.row.uses_gpus for stage in later)


def _run_without_group(context: StageContext) -> StageResult:
    """Work in one process: the driver, or a trainer, where the head of a cluster is too small."""
    if context.config.is_on_one_machine:
        return work(context)
    return run_task(context, work)


def _found(config: RunConfig) -> ActorHandle | None:
    try:
        return ray.get_actor(config.job_uid, namespace=_NAMESPACE)
    except ValueError:
        return None


def _claimed(config: RunConfig) -> ActorHandle | None:
    """The keeper of a group that waits for work and fits; any other is ended."""
    join_ray()
    keeper = _found(config)
    if keeper is None:
        return None
    try:
        answer = keeper.claim.remote(DriverProcess.current(), config.workers)
        if ray.get(answer, timeout=_ANSWER_SECONDS):
            return keeper
    except (GetTimeoutError, RayActorError) as error:
        _log.info("the ranks of the stage before do not answer: %s", in_one_line(error))
    end_group(config)
    return None


def start_keeper(config: RunConfig) -> ActorHandle:
    """A keeper on this node whose ranks are starting, once no rank of an earlier group lives.

    Raises:
        WorkerLostError: it has not come up.
    """
    from llmtrain_trainer.launch.keeper import Keeper

    pause = threading.Event()
    while _found(config) is not None or _ranks_live():
        pause.wait(_LOOK_SECONDS)
    node = ray.get_runtime_context().get_node_id()
    actor = ray.remote(num_cpus=0)(Keeper).options(
        name=config.job_uid,
        namespace=_NAMESPACE,
        lifetime="detached",
        scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False),
    )
    keeper: ActorHandle = actor.remote(config.workers, DriverProcess.current())
    try:
        ray.get(keeper.start_ranks.remote(config.model_dump_json()), timeout=_START_SECONDS)
    except GetTimeoutError as error:
        ray.kill(keeper)
        lost = f"Ray has started no process for the keeper of the workers in {_START_SECONDS:.0f} s"
        raise WorkerLostError(lost) from error
    except RayActorError as error:
        raise _lost(error) from error
    return keeper


def _ranks_live() -> bool:
    """Whether any rank runs on this Ray cluster, which is the job's own."""
    ranks = (each for each in state.actors().values() if each["ActorClassName"] == _RANK)
    return any(each["State"] != "DEAD" for each in ranks)


def _run(keeper: ActorHandle, context: StageContext, kind: Work) -> StageResult:
    assert context.report_to is not None, "only a driver hands work over"
    assignment = Assignment(
        kind,
        context.config.model_dump_json(),
        context.report_to,
        ray.get_runtime_context().get_job_id(),
    )
    try:
        result: StageResult = ray.get(keeper.run.remote(assignment))
    except RayTaskError as error:
        if isinstance(error.cause, StageError):
            raise error.cause from None
        raise
    except RayActorError as error:
        raise _lost(error) from error
    return result


def _lost(error: RayActorError) -> WorkerLostError:
    return WorkerLostError(f"the keeper of the workers was lost: {in_one_line(error)}")
