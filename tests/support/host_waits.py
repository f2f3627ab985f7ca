"""Counts how often a training step makes the host wait for a device."""

import json
from pathlib import Path
from traceback import extract_stack
from typing import Any

from support.rank_process import join_ranks

from llmtrain_api.run_config import RunConfig


def _is_plumbing(file: str) -> bool:
    """Whether a file of torch only passes calls on."""
    return "/torch/" in file and "/torch/optim/" not in file


def count(runs: str, result: str) -> None:
    """Train in this process, as the only rank; a target for `call_as_only_rank`.

    Args:
        runs: a file with a list of run configs.
        result: a file for a list of steps, by run: how often each calls `read`, and the files
            that read single values otherwise (`item()`, `float()`, `bool()`).
    """
    import torch
    from torch import distributed as dist
    from torch.utils._python_dispatch import TorchDispatchMode

    from llmtrain_trainer.launch.rank import run_rank
    from llmtrain_trainer.outcome import leave
    from llmtrain_trainer.progress.reporter import NullReporter
    from llmtrain_trainer.stage import StageContext
    from llmtrain_trainer.training import loop

    class Scalars(TorchDispatchMode):
        """Remembers which files read single values, by the innermost one outside of torch."""

        def __init__(self) -> None:
            super().__init__()
            self.readers: set[str] = set()

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is torch.ops.aten._local_scalar_dense.default:
                files = [frame.filename for frame in extract_stack()[:-1]]
                self.readers.add(next(file for file in reversed(files) if not _is_plumbing(file)))
            return func(*args, **(kwargs or {}))

    steps: list[tuple[int, list[str]]] = []
    reads = 0
    read, train_step = loop.read, loop.Trainer._train_step

    def counted_read(values: torch.Tensor) -> list[float]:
        nonlocal reads
        reads += 1
        return read(values)

    def counted_step(*arguments: Any) -> tuple[bool, bool]:
        before = reads
        with Scalars() as scalars:
            ends = train_step(*arguments)
        steps.append((reads - before, sorted(scalars.readers)))
        return ends

    loop.read = counted_read  # type: ignore[assignment]
    loop.Trainer._train_step = counted_step  # type: ignore[method-assign]
    join_ranks(runs)
    counts = []
    for text in json.loads(Path(runs).read_text()):
        steps.clear()
        run_rank(StageContext(RunConfig.model_validate_json(text), NullReporter()))
        counts.append(list(steps))
    Path(result).write_text(json.dumps(counts))
    dist.destroy_process_group()
    leave(0)
