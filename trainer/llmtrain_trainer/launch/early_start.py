"""Starts the ranks of the first stage that trains while the stage before it still works.

A rank's start is almost all imports: Ray Train in the keeper, then in its controller, then torch,
transformers and DeepSpeed in the ranks. One after the other they leave cores idle, which the stage
before can use.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import WorkerLostError, in_one_line
from llmtrain_trainer.ray_connection import join_ray
from llmtrain_trainer.stage import StageContext

if TYPE_CHECKING:
    from ray.actor import ActorHandle

_log = logging.getLogger(__name__)


@contextmanager
def next_ranks_starting(context: StageContext) -> Iterator[None]:
    """Start the ranks of the next stage beside a stage, if that one trains on this machine.

    The next stage claims them. It starts its own where this start failed.
    """
    if not _starts_next_ranks(context.config):
        yield
        return
    keepers: list[ActorHandle] = []
    thread = threading.Thread(
        target=_start, args=(context.config, keepers), name="next-ranks", daemon=True
    )
    thread.start()
    yield  # an error ends this process, and the ranks with it
    thread.join()
    if keepers:
        _release(keepers[0])


def _starts_next_ranks(config: RunConfig) -> bool:
    """Whether the ranks of the next stage start with this one.

    In a cluster they have machines of their own, which cost money as soon as they are there.
    """
    if not config.is_on_one_machine or config.stage.row.uses_gpus:
        return False
    later = config.stages[config.stages.index(config.stage) + 1 :]
    return bool(later) and later[0].optimizes


def _start(config: RunConfig, keepers: "list[ActorHandle]") -> None:
    from ray.exceptions import RayError

    from llmtrain_trainer.launch.worker_group import start_keeper

    try:
        join_ray()
        keeper = start_keeper(config)
    except (RayError, WorkerLostError) as error:
        _log.info("the next stage's ranks do not start early: %s", in_one_line(error))
    else:
        keepers.append(keeper)


def _release(keeper: "ActorHandle") -> None:
    import ray
    from ray.exceptions import RayError

    try:
        ray.get(keeper.release.remote())
    except RayError as error:
        _log.info("the next stage's ranks were lost: %s", in_one_line(error))
