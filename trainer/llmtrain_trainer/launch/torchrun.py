"""Runs one rank that torchrun started: training without Ray.

    export PYTHONSAFEPATH=1
    torchrun --nproc-per-node 2 -m llmtrain_trainer.launch.torchrun RUN_CONFIG.json

Rank 0 is the driver too.
"""

import os
import secrets
import signal
import sys
import threading

import torch
from torch import distributed as dist

from llmtrain_api.run_config import RunConfig
from llmtrain_trainer.errors import UnfitNodeError
from llmtrain_trainer.launch.rank import run_rank
from llmtrain_trainer.mirror.mirrored import mirrored
from llmtrain_trainer.models.pipeline import fetch_initial_model
from llmtrain_trainer.outcome import ending, leave, read_run_config
from llmtrain_trainer.preflight.check import check_group
from llmtrain_trainer.preflight.gpus import fault_of_gpu
from llmtrain_trainer.progress.reporter import NullReporter
from llmtrain_trainer.progress.server import serve_progress
from llmtrain_trainer.progress.tracker import ProgressTracker
from llmtrain_trainer.stage import StageContext


def main() -> int:
    """Run this rank; returns the exit code."""
    with ending() as end:
        config = read_run_config(sys.argv[1:])
        if config.workers.gpus:
            gpu = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
            if fault := fault_of_gpu(int(os.environ["RANK"]), gpu):
                raise UnfitNodeError(fault)
            torch.cuda.set_device(gpu)
        dist.init_process_group("nccl" if config.workers.gpus else "gloo")
        try:
            _run(config)
        finally:
            dist.destroy_process_group()
    return end.exit_code


def _run(config: RunConfig) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    if dist.get_rank() != 0:
        dist.barrier()  # the model of `model.initFrom` is there
        context = StageContext(config, NullReporter(), stop)
        check_group(context)
        run_rank(context)
        return
    tracker = ProgressTracker(config)
    with serve_progress(
        config.progress_host, config.progress_port, tracker, stop, token=secrets.token_hex()
    ):
        context = StageContext(config, tracker, stop)
        with mirrored(context):
            fetch_initial_model(context)
            dist.barrier()
            check_group(context)
            run_rank(context)


if __name__ == "__main__":
    leave(main())
