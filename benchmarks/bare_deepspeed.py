"""The shortest DeepSpeed loop there is, to measure ours against; started by overhead.py.

torchrun --nproc-per-node 2 benchmarks/bare_deepspeed.py RUN_CONFIG.json OUTPUT.jsonl
"""

import json
import sys
import time
from pathlib import Path

import deepspeed
import numpy as np
import torch
from torch import distributed as dist
from torch.nn import functional

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.training.deepspeed_settings import deepspeed_config


def main() -> None:
    """Train until killed; rank 0 writes the seconds of each step."""
    config = RunConfig.model_validate_json(Path(sys.argv[1]).read_text())
    output = Path(sys.argv[2]).open("w", encoding="utf-8", buffering=1)  # noqa: SIM115 - until killed
    dist.init_process_group("gloo")
    torch.set_num_threads(config.workers.cpus)
    rank, world_size = dist.get_rank(), dist.get_world_size()
    task = pretrain_task(config)
    batch = task.settings.batch
    model = task.build_model()
    engine, _, _, _ = deepspeed.initialize(
        model=model,
        optimizer=torch.optim.AdamW(model.parameters(), lr=1e-3),
        config=deepspeed_config(task.settings, ranks=world_size),
    )
    generator = np.random.default_rng(0)
    while True:
        numbers = generator.integers(len(task.samples), size=batch.sequences)
        share = numbers.reshape(batch.accumulation_steps, world_size, -1)[:, rank]
        batches = [task.samples.batch(indices) for indices in share]
        started = time.perf_counter()
        for each in batches:
            logits = engine(torch.from_numpy(each.input_ids), use_cache=False).logits
            labels = torch.from_numpy(np.ascontiguousarray(each.labels)).flatten()
            engine.backward(functional.cross_entropy(logits.flatten(0, 1), labels))
            engine.step()
        if rank == 0:
            output.write(json.dumps({"seconds": time.perf_counter() - started}) + "\n")


if __name__ == "__main__":
    main()
