"""Applies work to many items and gives the results back in order.

Little work is done in the calling process, much is spread over the machines as Ray tasks.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from llmtrain_trainer.errors import StageError, WorkerLostError, in_one_line
from llmtrain_trainer.ray_connection import join_ray

if TYPE_CHECKING:
    from ray import ObjectRef

Item = TypeVar("Item")
Result = TypeVar("Result")

_SMALL_BYTES = 16 * 2**20
"""Input up to this size is worked on in the calling process: a few seconds on one core, which is
less than Ray's workers take to start."""
_TASKS_PER_CORE = 2
"""Tasks that wait or run, so that no core waits for the caller."""
_RETRIES = 3
"""Starts of a task after the first, where its process or machine was lost."""


def map_in_order(
    items: Sequence[Item], work: Callable[[Item], Result], *, num_bytes: int
) -> Iterator[Result]:
    """The results of all items, in the order of the items wherever they are worked on.

    Args:
        items: parts of the input.
        work: a module's function or a partial of one; it may run in other processes, and again
            where one of them was lost. Its results pass through the calling process and wait there
            for earlier ones: let it write what is large to files.
        num_bytes: size of all items together, which decides where they are worked on.

    Raises:
        StageError: the first in order that `work` raised.
        WorkerLostError: a process or machine was lost again and again.
    """
    if num_bytes > _SMALL_BYTES:
        yield from _spread(items, work)
        return
    for item in items:
        yield work(item)


def _spread(items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """Results of Ray tasks, one for each item; a bounded number of them is under way."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    join_ray()
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(_outcome)
    shared = ray.put(work)
    running: dict[ObjectRef[Result | StageError], int] = {}
    done: dict[int, Result | StageError] = {}
    num_started = 0
    try:
        for number in range(len(items)):
            while number not in done:
                room = _TASKS_PER_CORE * int(ray.cluster_resources().get("CPU", 0))
                while num_started < len(items) and len(running) < max(room, 1):
                    running[task.remote(shared, items[num_started])] = num_started
                    num_started += 1
                finished, _ = ray.wait(list(running), num_returns=1)
                for each in finished:
                    done[running.pop(each)] = ray.get(each)
            outcome = done.pop(number)
            if isinstance(outcome, StageError):
                raise outcome
            yield outcome
    except RayTaskError:
        raise
    except RayError as error:
        raise WorkerLostError(f"a worker of this stage was lost: {in_one_line(error)}") from error
    finally:
        for each in running:
            ray.cancel(each)


def _outcome(work: Callable[[Item], Result], item: Item) -> Result | StageError:
    """The result, or the error that ends the stage.

    It travels as a value: raised in a task it would come with Ray's traceback, and which of
    several errors the user sees would be chance.
    """
    # A task has one core, so no library must start threads for all of them.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        return work(item)
    except StageError as error:
        return error
