"""A try of a micro batch: two optimizer steps of a real engine, which is then thrown away.

Nothing of it stays: training builds its own engine, and seeds the random numbers of each step.
"""

from dataclasses import replace

import numpy as np
from pydantic import TypeAdapter

from llmtrain_trainer.micro_batch.meter import let_go, meter
from llmtrain_trainer.micro_batch.search import StepMemory
from llmtrain_trainer.out_of_memory import ran_out_of_memory
from llmtrain_trainer.training.accumulation import accumulate
from llmtrain_trainer.training.compiling import forget_compiled
from llmtrain_trainer.training.engine import Engine
from llmtrain_trainer.training.forward import BatchTensors, host_tensors
from llmtrain_trainer.training.mesh import Mesh, device
from llmtrain_trainer.training.task import TrainingTask

_MICRO_STEPS = 2
"""The first leaves gradients behind, which the second finds; a third would find no more."""
_MEMORY = TypeAdapter(StepMemory)


def attempt(task: TrainingTask, mesh: Mesh, size: int) -> list[StepMemory] | None:
    """The memory of each rank in a step with this micro batch. Collective.

    Returns:
        None where memory ran out, on one rank alone: of several, those that wait for the one
        cannot be called back.

    Raises:
        RuntimeError: memory ran out on one of several ranks; or OutOfMemoryError, MemoryError.
    """
    try:
        memory = _measure(task, mesh, size)
    except Exception as error:
        if mesh.dims.ranks > 1 or not ran_out_of_memory(error):
            raise
        memory = None
    finally:
        forget_compiled()
    let_go()  # the error's traceback, with all tensors in it, is gone by now
    return None if memory is None else mesh.all.gather(memory, _MEMORY)


def _measure(task: TrainingTask, mesh: Mesh, size: int) -> StepMemory:
    batch = task.settings.batch.with_micro_batch_size(size)
    micro_steps = min(_MICRO_STEPS, batch.accumulation_steps)
    shortened = replace(
        batch, accumulation_steps=micro_steps, sequences=batch.parallel.data * size * micro_steps
    )
    settings = replace(task.settings, batch=shortened)
    share = _full_batch(task, size)
    engine = Engine(replace(task, settings=settings), mesh, from_universal=False)
    try:
        engine.model.train()
        measured = meter(mesh.all)

        def step() -> None:
            scale = 1 / (size * task.settings.training.sequence_length)
            smoothing = settings.label_smoothing
            accumulate(engine, [share] * micro_steps, scale=scale, label_smoothing=smoothing)
            engine.step(0.0)

        step()  # makes what is made once, such as AdamW's moments
        # From the first checkpoint on a copy of the state lies in the host's memory.
        copy = engine.snapshot() if device().type == "cpu" else None
        let_go()
        mesh.all.barrier()
        measured.start()
        mesh.all.barrier()
        step()
        memory = measured.stop()
        del copy
        return memory
    finally:
        engine.close()


def _full_batch(task: TrainingTask, size: int) -> BatchTensors:
    """A batch in which every position counts: nothing that is trained on takes more memory."""
    share = host_tensors(task.samples.batch(np.arange(size) % len(task.samples)))
    return replace(share, labels=share.input_ids.clone())
