"""Measures what training steps of the real engine hold at most, in a process of its own."""

import gc
import json
from pathlib import Path

from support.rank_process import join_ranks


def measure(runs: str, result: str) -> None:
    """Write the most bytes that one step of each run config in a file holds.

    Args:
        runs: path of the file: a list of run configs as text.
        result: path of a file for a list of numbers of bytes.
    """
    from support.live_bytes import LiveBytes

    from llmtrain_api.run_config import RunConfig
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.pretrain.task import pretrain_task
    from llmtrain_trainer.training.accumulation import accumulate
    from llmtrain_trainer.training.engine import Engine
    from llmtrain_trainer.training.forward import host_tensors
    from llmtrain_trainer.training.layout import micro_batches
    from llmtrain_trainer.training.mesh import Mesh
    from llmtrain_trainer.training.samples import SampleOrder, step_positions

    join_ranks(runs)
    found = []
    for text in json.loads(Path(runs).read_bytes()):
        task = pretrain_task(RunConfig.model_validate_json(text))
        batch = task.settings.batch
        mesh = Mesh.join(batch.parallel)
        order = SampleOrder(len(task.samples), 0).at(step_positions(0, batch.sequences))
        shares = [host_tensors(task.samples.batch(n)) for n in micro_batches(order, batch, mesh)]
        before = LiveBytes().live
        engine = Engine(task, mesh, from_universal=False)
        engine.model.train()
        accumulate(engine, shares, scale=1e-3, label_smoothing=0.0)
        engine.step(0.0)  # makes what is made once, such as AdamW's moments
        with LiveBytes() as live:
            accumulate(engine, shares, scale=1e-3, label_smoothing=0.0)
            engine.step(0.0)
        found.append(live.peak - before)
        engine.close()
        del engine
        gc.collect()
    Path(result).write_text(json.dumps(found))
    leave(0)
