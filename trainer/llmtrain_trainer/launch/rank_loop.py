"""The ranks' side of a worker group: one assignment after the other, in the same processes."""

import logging
import os
import sys
import threading
from pathlib import Path

import ray
from ray.actor import ActorHandle
from ray.exceptions import RayActorError

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.errors import StageError
from llmtrain_trainer.launch.assignment import Assignment, Work
from llmtrain_trainer.launch.fresh_process import FreshProcess
from llmtrain_trainer.launch.rank import run_rank
from llmtrain_trainer.preflight.check import check_group
from llmtrain_trainer.progress.reporter import HttpReporter, NullReporter
from llmtrain_trainer.runner import StageResult, work
from llmtrain_trainer.stage import StageContext

_log = logging.getLogger(__name__)


def serve(keeper: ActorHandle, rank: int) -> None:
    """Carry out assignments until the keeper ends, and this process with it.

    Args:
        keeper: keeper of the group.
        rank: this rank.

    Raises:
        Exception: what an assignment failed of; Ray Train then ends all ranks.
    """
    fresh, number, checked = FreshProcess(), 0, False
    while True:
        try:
            assignment: Assignment = ray.get(keeper.next_assignment.remote(rank, number))
        except RayActorError:
            return  # the keeper has ended, and Ray is about to end this process
        number = assignment.number
        _send_output_to(assignment.ray_job)
        try:
            result = _carry_out(assignment, rank, checked=checked)
        except StageError as error:
            # Ray Train would pass it on too, but later and with a traceback.
            ray.get(keeper.fail.remote(error))
            return
        except Exception:
            _log.exception("rank %d failed", rank)
            raise
        checked = checked or assignment.work is Work.TRAIN
        ray.get(keeper.finish.remote(rank, result, reusable=fresh.restore()))


def _carry_out(assignment: Assignment, rank: int, *, checked: bool) -> StageResult:
    """Carry out an assignment; the first in which all ranks take part checks their group."""
    config, stop = RunConfig.model_validate_json(assignment.config), threading.Event()
    if rank != 0:
        return _work(StageContext(config, NullReporter(), stop), assignment.work, checked=checked)
    with HttpReporter(assignment.report_to.url, assignment.report_to.token, stop) as reporter:
        return _work(StageContext(config, reporter, stop), assignment.work, checked=checked)


def _work(context: StageContext, kind: Work, *, checked: bool) -> StageResult:
    if kind is Work.TRAIN:
        if not checked:
            check_group(context)
        run_rank(context)
        return StageResult()
    with explain_full_disk(Path(context.config.workspace)):
        return work(context)


def _send_output_to(ray_job: str) -> None:
    """Have Ray pass the output of this process on to the driver of another job.

    Ray's log monitor reads these marks in a worker's output. The first has it pass on what it has
    read for the job before.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    marks = f":actor_name:RayTrainWorker\n:job_id:{ray_job}\n".encode()
    for descriptor in (1, 2):
        os.write(descriptor, marks)
