"""Spreads work over the machines with Ray Data, and gives the results back in order."""

import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa
import ray.data

from llmtrain_trainer.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")

_COLUMN = "result"
_TASKS_MAX = 4096
"""More tasks than this cost more than they bring: a million small files share them."""


def map_in_order(
    items: Sequence[Item], work: Callable[[Item], Iterator[Result]]
) -> Iterator[Result]:
    """The results of all items, in the order of the items whatever the number of CPUs.

    Results are streamed: a worker waits when they are not taken. Ray must run already.

    Args:
        items: each becomes a task, or shares one with its neighbours where there are very many.
        work: a module's function or a partial of one; it runs in other processes.

    Raises:
        UserError: the first in order that `work` raised.
    """
    if not items:
        return

    def work_on(batch: dict[str, Any]) -> Iterator[pa.Table]:
        for number in batch["id"]:
            for outcome in _outcomes(items[number], work):
                yield pa.table({_COLUMN: pa.array([pickle.dumps(outcome)], pa.large_binary())})

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
