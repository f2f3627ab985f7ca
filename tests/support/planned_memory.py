"""Measures what training steps of the real engine hold at most, in a process of its own."""

import gc
import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

from llmtrain_api.base import Record
from llmtrain_api.batch import batch_layout
from llmtrain_api.parallel import ParallelDims
from llmtrain_api.plan import MemoryPlan
from llmtrain_api.spec.compute import Trainers
from llmtrain_api.spec.finetune import Finetune
from llmtrain_api.spec.model import Model
from llmtrain_api.spec.pretrain import Pretrain
from llmtrain_api.stages import Stage
from llmtrain_planner.architecture import resolve_architecture
from llmtrain_planner.hardware import cpu_device
from llmtrain_planner.memory import plan_memory
from llmtrain_planner.stage_plan import training_setup

RANKS = 4
_MICRO_STEPS = 2


class Case(Record):
    """A training stage, one rank of which is measured."""

    model: Model
    vocabulary_size: int
    training: Pretrain | Finetune
    packed: bool = False
    """Whether a sequence holds several documents; their borders are numbers, so no tensor of the
    case is a fake one."""

    def planned(self, ranks: int = RANKS) -> MemoryPlan:
        """The plan for one of some ranks, on CPUs."""
        size = self.training.named_micro_batch_size
        assert size is not None
        architecture = resolve_architecture(
            self.model,
            vocabulary_size=self.vocabulary_size,
            context_length=self.training.sequence_length,
        )
        trainers = Trainers(replicas=ranks)
        setup = training_setup(
            architecture, self.training, trainers, micro_batch_size=size, dropout=False
        )
        return plan_memory(setup, cpu_device(1, 2**50))


class Measured(Record):
    """Bytes of a case."""

    step: int
    """Most that a step holds."""
    state: int
    """State that a checkpoint is written from."""


def measure(cases: str, result: str) -> None:
    """Measure each case in a file.

    Args:
        cases: path of the file.
        result: path of a file for the list of what was measured.
    """
    from llmtrain_trainer.outcome import leave

    given = [Case.model_validate(each) for each in json.loads(Path(cases).read_bytes())]
    found = measure_here(given, RANKS)
    Path(result).write_text(json.dumps([each.model_dump() for each in found]))
    leave(0)


def measure_here(cases: list[Case], ranks: int) -> list[Measured]:
    """Measure in this process, which stands for one of some ranks from now on."""
    from support.fake_training import fake_tensors, join_alone

    mesh = join_alone(ranks)
    found = []
    for case in cases:
        with nullcontext() if case.packed else fake_tensors():
            found.append(_measured(case, mesh))
        gc.collect()
        gc.freeze()  # what is left need not be looked at for tensors each time
    return found


def _measured(case: Case, mesh: Any) -> Measured:
    from support.live_bytes import LiveBytes

    from llmtrain_trainer import host_memory
    from llmtrain_trainer.training.accumulation import accumulate
    from llmtrain_trainer.training.engine import Engine
    from llmtrain_trainer.training.snapshot import storages

    batch = _batch(case)
    before = LiveBytes().live
    engine = Engine(_task(case, mesh.dims), mesh, from_universal=False)
    engine.model.train()

    def step() -> None:
        accumulate(engine, [batch] * _MICRO_STEPS, scale=1e-3, label_smoothing=0.0)
        engine.step(0.0)

    step()  # makes what is made once, such as AdamW's moments
    gc.collect()
    with LiveBytes() as live:
        step()
    with patch.object(host_memory, "free_bytes", lambda: 0):  # so that it is not copied
        state = engine.snapshot().states
    saved = sum(storages(state).values())
    del state
    engine.close()
    return Measured(step=live.peak - before, state=saved)


def _task(case: Case, parallel: ParallelDims) -> Any:
    from llmtrain_trainer.finetune.lora import with_adapters
    from llmtrain_trainer.models.recipe import new_recipe
    from llmtrain_trainer.training.task import LoopSettings, TrainingTask

    length = case.training.sequence_length
    recipe = new_recipe(case.model, vocabulary_size=case.vocabulary_size, context_length=length)
    lora = case.training.adapters
    unused: Any = None
    return TrainingTask(
        stage=Stage.PRETRAIN,
        attempt=0,
        settings=LoopSettings(
            seed=0,
            total_steps=1,
            training=case.training,
            batch=batch_layout(case.training, parallel),
            mean_seconds_between_failures=1e6,
        ),
        build_model=with_adapters(recipe.build, lora, 0) if lora else recipe.build,
        new_weights=False,
        samples=unused,
        validation=unused,
        validation_bytes_per_label=None,
        fingerprint="",
        checkpoints=unused,
        metrics=unused,
        save_model=unused,
        architecture=recipe.architecture,
        dropout=recipe.dropout,
    )


def _batch(case: Case) -> Any:
    import numpy as np
    import torch

    from llmtrain_trainer.training.documents import Documents
    from llmtrain_trainer.training.forward import BatchTensors

    shape = (case.training.named_micro_batch_size, case.training.sequence_length)
    ids = torch.zeros(shape, dtype=torch.long)
    if not case.packed:
        return BatchTensors(ids, ids, None)
    segments = np.repeat(np.arange(4), shape[1] // 4)
    return BatchTensors(ids, ids, Documents.of(np.broadcast_to(segments, shape)))
