"""Applies work to many items and gives the results back in order.

Little work is done in the calling process, much is spread over the machines with Ray Data.
"""

import logging
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from llmtrain_trainer.errors import UserError
from llmtrain_trainer.ray_connection import join_ray

if TYPE_CHECKING:
    import pyarrow as pa

Item = TypeVar("Item")
Result = TypeVar("Result")

_COLUMN = "result"
_TASKS_MAX = 4096
"""More tasks than this cost more than they bring: a million small files share them."""


_SMALL_BYTES = 16 * 2**20
"""Input up to this size is worked on in the calling process: a few seconds on one core, which is
less than Ray Data and its workers take to start."""


def map_in_order(
    items: Sequence[Item], work: Callable[[Item], Iterator[Result]], *, num_bytes: int
) -> Iterator[Result]:
    """The results of all items, in the order of the items wherever they are worked on.

    Args:
        items: parts of the input.
        work: a module's function or a partial of one; it may run in other processes.
        num_bytes: size of all items together, which decides where they are worked on.

    Raises:
        UserError: the first in order that `work` raised.
    """
    if num_bytes > _SMALL_BYTES:
        yield from _spread(items, work)
        return
    for item in items:
        yield from work(item)


def _spread(items: Sequence[Item], work: Callable[[Item], Iterator[Result]]) -> Iterator[Result]:
    """Results from tasks of Ray Data: each item is one, or shares one where there are very many.

    They are streamed: a worker waits when they are not taken.
    """
    import ray.data

    def work_on(batch: dict[str, Any]) -> "Iterator[pa.Table]":
        import pyarrow as pa

        # A task has one core, so no library must start threads for all of them.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        for number in batch["id"]:
            for outcome in _outcomes(items[number], work):
                yield pa.table({_COLUMN: pa.array([pickle.dumps(outcome)], pa.large_binary())})

    join_ray()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    with ray.data.DataContext.current(context):
        numbers = ray.data.range(len(items), override_num_blocks=min(len(items), _TASKS_MAX))
        tables = numbers.map_batches(work_on, batch_size=None, batch_format="numpy")
    for table in tables.iter_batches(batch_size=None, batch_format="pyarrow"):
        for value in table[_COLUMN]:
            outcome = pickle.loads(value.as_buffer())  # noqa: S301 - our own worker wrote it
            if isinstance(outcome, UserError):
                raise outcome
            yield outcome


def _outcomes(item: Item, work: Callable[[Item], Iterator[Result]]) -> Iterator[Result | UserError]:
    """The results, and at the end perhaps the user's error.

    It travels as a value: raised in a task it would come with Ray's traceback, and which of
    several errors the user sees would be chance.
    """
    try:
        yield from work(item)
    except UserError as error:
        yield error
