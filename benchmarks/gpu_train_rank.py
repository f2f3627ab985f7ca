"""One rank of gpu_train.py, started by torchrun: trains by one of two loops, and measures.

torchrun --nproc-per-node 1 benchmarks/gpu_train_rank.py ours RUN_CONFIG.json OUTPUT.json
"""

import json
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import distributed as dist
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from llmtrain_api.run_config import RunConfig
from llmtrain_api.spec.training import Precision
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.launch.rank import run_rank
from llmtrain_trainer.models.build import initialize
from llmtrain_trainer.outcome import leave
from llmtrain_trainer.pretrain.task import pretrain_task
from llmtrain_trainer.progress.reporter import NullReporter
from llmtrain_trainer.stage import StageContext
from llmtrain_trainer.training.compiling import is_compiled
from llmtrain_trainer.training.mesh import device


def main() -> None:
    """Train; rank 0 writes the seconds of each step and the peak of its memory, in bytes."""
    loop, config, output = sys.argv[1], Path(sys.argv[2]).read_text(), Path(sys.argv[3])
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    run = {"ours": _ours, "bare": _bare}[loop]
    seconds = run(RunConfig.model_validate_json(config))
    if dist.get_rank() == 0:
        peak = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
        output.write_text(json.dumps({"seconds": seconds, "peak_memory_bytes": peak}))
    dist.barrier()
    leave(0)


def _ours(config: RunConfig) -> list[float]:
    run_rank(StageContext(config, NullReporter()))
    lines = Workspace(Path(config.workspace)).metrics(Stage.PRETRAIN).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [record["seconds"] for record in records if "seconds" in record]


def _bare(config: RunConfig) -> list[float]:
    """The same model, batch and precision as a PyTorch tutorial would train them."""
    torch.set_num_threads(config.workers.cpus)
    task = pretrain_task(config)
    settings, batch = task.settings, task.settings.batch
    model = task.build_model().to(device())
    initialize(model, seed=settings.seed, gather=lambda _: nullcontext())
    if settings.training.activation_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    compiles = is_compiled(settings.training.compile, device())
    compiled = torch.compile(model) if compiles else model
    several = dist.get_world_size() > 1
    wrapped = DistributedDataParallel(compiled) if several else compiled
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.training.optimizer.learning_rate,
        fused=device().type == "cuda",
    )
    bf16 = settings.training.precision is Precision.BF16
    generator = np.random.default_rng(0)
    seconds = []
    for _ in range(settings.total_steps):
        started = time.perf_counter()
        numbers = generator.integers(len(task.samples), size=batch.sequences)
        shares = numbers.reshape(batch.accumulation_steps, dist.get_world_size(), -1)
        for micro_step, share in enumerate(shares[:, dist.get_rank()]):
            last = micro_step == batch.accumulation_steps - 1
            samples = task.samples.batch(share)
            input_ids = torch.from_numpy(samples.input_ids).to(device())
            labels = torch.from_numpy(np.ascontiguousarray(samples.labels)).to(device())
            with wrapped.no_sync() if several and not last else nullcontext():
                with torch.autocast(device().type, torch.bfloat16, enabled=bf16):
                    logits = wrapped(input_ids=input_ids, use_cache=False).logits
                    loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
                (loss / batch.accumulation_steps).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.training.optimizer.clip)
        optimizer.step()
        optimizer.zero_grad()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
