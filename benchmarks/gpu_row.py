"""One row of gpu.py, in a process of its own: `python benchmarks/gpu_row.py FOLDER`."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Unpack

import torch
from gpu_clock import Measured, Plan, Result, StepClock, synchronize, wait_for_go, write_result
from gpu_plain import train_plainly
from torch import Tensor
from torch import distributed as dist

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.progress.reporter import NullReporter, StageChanges

_PRODUCT_SIZE, _COPY_BYTES = 8192, 4 * 2**30
_SMALL_PRODUCT_SIZE, _SMALL_COPY_BYTES = 256, 2**20
_REPEATS = 20


def main() -> None:
    """Run the row that its folder describes."""
    folder = Path(sys.argv[1])
    row = json.loads((folder / "row.json").read_text())
    if row["loop"] == "ceilings":
        _ceilings(folder)
        return
    config = RunConfig.model_validate_json((folder / "config.json").read_text())
    clock = StepClock(Plan(**row["plan"]), folder)
    store = f"file://{(folder / 'store').absolute()}"
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(backend, init_method=store, rank=0, world_size=1)
    try:
        _loop(row["loop"])(config, clock)
    except Measured:
        return
    raise SystemExit("the loop ended before all of its steps were timed")


def _loop(name: str) -> Callable[[RunConfig, StepClock], None]:
    if name == "ours":
        return ours
    if name == "bare":
        return bare
    import gpu_peers

    return gpu_peers.LOOPS[name]


class _ClockReporter(NullReporter):
    """Hears of each step's end from our loop."""

    def __init__(self, clock: StepClock) -> None:
        self._clock = clock

    def update(self, **changes: Unpack[StageChanges]) -> None:
        """Note the end of a step."""
        if changes.get("activity") == "training":
            self._clock.step_ended()


def ours(config: RunConfig, clock: StepClock) -> None:
    """The product's own loop, as each rank of a job runs it."""
    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.stage import StageContext

    run_rank(StageContext(config, _ClockReporter(clock)))


def bare(config: RunConfig, clock: StepClock) -> None:
    """The same model, batch and precision as a PyTorch tutorial would train them, compiled."""
    from torch.nn import functional

    from llmtrain_trainer.models.build import initialize
    from llmtrain_trainer.pretrain.task import pretrain_task
    from llmtrain_trainer.training.mesh import device

    task = pretrain_task(config)
    model = task.build_model().to(device())
    initialize(model, seed=task.settings.seed, gather=lambda _: nullcontext())
    model.train()
    called = torch.compile(model) if task.settings.training.compile else model

    def loss(input_ids: Tensor, labels: Tensor) -> Tensor:
        logits = called(input_ids=input_ids, use_cache=False).logits
        return functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())

    train_plainly(task, model, loss, clock)


def _ceilings(folder: Path) -> None:
    """The device's own speed: a matrix product in bf16 and a copy in its memory."""
    cuda = torch.cuda.is_available()
    size = _PRODUCT_SIZE if cuda else _SMALL_PRODUCT_SIZE
    where = torch.device("cuda" if cuda else "cpu")
    left = torch.randn(size, size, device=where).bfloat16()
    source = torch.empty(
        _COPY_BYTES if cuda else _SMALL_COPY_BYTES, dtype=torch.uint8, device=where
    )
    target = torch.empty_like(source)
    wait_for_go(folder)
    product = _seconds(lambda: left @ left)
    copy = _seconds(lambda: target.copy_(source))
    ceilings = {
        "matrix product in bf16, TFLOP/s": 2 * size**3 / product / 1e12,
        "copy, TB/s read and written": 2 * source.numel() / copy / 1e12,
    }
    write_result(folder, Result(ceilings=ceilings))


def _seconds(work: Callable[[], torch.Tensor]) -> float:
    """The least seconds of several repeats."""
    least = float("inf")
    for _ in range(_REPEATS):
        synchronize()
        started = time.perf_counter()
        work()
        synchronize()
        least = min(least, time.perf_counter() - started)
    return least


if __name__ == "__main__":
    main()
    sys.stdout.flush()
