"""Tokens per second, MFU and peak memory on this machine's GPUs, ours beside bare PyTorch.

    python benchmarks/gpu_train.py manifests/gpt2-124m.yaml --steps 30
    python benchmarks/gpu_train.py manifests/llama-1.3b.yaml --steps 10 --set batchTokens=65536

Needs torch, transformers and deepspeed, and nothing that is not installed with them. Both loops
train the manifest's model on random tokens under torchrun, ours with the manifest's ZeRO stage,
the bare one replicated. Without a GPU it runs on CPU workers, and there is no MFU.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from random_run import random_run

from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_planner.hardware import gpu_by_driver_name
from llmtrain_trainer.pretrain.task import pretrain_task

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Measured:
    """What a loop took, warm-up aside."""

    step_seconds: float
    """Median."""
    peak_memory_bytes: int | None
    """Peak memory of rank 0's GPU."""


def main() -> None:
    """Run both loops in turns and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("manifest", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--warmup", type=int, default=5, help="steps that do not count")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=max(1, torch.cuda.device_count()))
    parser.add_argument(
        "--set", action="append", default=[], help="a field of pretrain, such as batchTokens=65536"
    )
    arguments = parser.parse_args()
    changes = dict(change.split("=", 1) for change in arguments.set)
    workers = Workers(count=arguments.workers, cpus=1, gpus=int(torch.cuda.is_available()))
    print(torch.cuda.get_device_name() if workers.gpus else "CPU", f"x {workers.count}")
    for _ in range(arguments.rounds):
        rates = {}
        for loop in ("ours", "bare"):
            with tempfile.TemporaryDirectory() as folder:
                config = random_run(
                    arguments.manifest,
                    Path(folder),
                    workers=workers,
                    steps=arguments.steps,
                    **{name: yaml.safe_load(value) for name, value in changes.items()},
                )
                measured = _measure(loop, config, Path(folder), arguments.warmup)
                rates[loop] = _report(loop, config, measured)
        print(f"ours / bare: {rates['ours'] / rates['bare']:.3f}")


def _measure(loop: str, config: RunConfig, folder: Path, warmup: int) -> Measured:
    config_path, output = folder / "config.json", folder / "output.json"
    config_path.write_text(config.model_dump_json())
    command = [sys.executable, "-m", "torch.distributed.run"]
    command += ["--nproc-per-node", str(config.workers.count)]
    command += [str(Path(__file__).with_name("gpu_train_rank.py"))]
    command += [loop, str(config_path), str(output)]
    path = f"{_ROOT / 'operator'}{os.pathsep}{_ROOT / 'trainer'}"
    environment = {"OMP_NUM_THREADS": "1"} | os.environ | {"PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-6000:])
    result = json.loads(output.read_text())
    return Measured(statistics.median(result["seconds"][warmup:]), result["peak_memory_bytes"])


def _report(loop: str, config: RunConfig, measured: Measured) -> float:
    """Print a line; returns tokens per second over all workers."""
    task = pretrain_task(config)
    assert config.pretrain is not None
    assert task.flops_per_token is not None
    rate = config.pretrain.batch_tokens / measured.step_seconds
    flops = rate * task.flops_per_token
    figures = [f"{rate:,.0f} tokens/s", f"{flops / 1e12:.4g} TFLOP/s"]
    gpu = gpu_by_driver_name(torch.cuda.get_device_name()) if config.workers.gpus else None
    if gpu:
        peak = gpu.peak_flops(config.pretrain.precision) * config.workers.count
        figures.append(f"MFU {flops / peak:.1%}")
    if measured.peak_memory_bytes is not None:
        figures.append(f"peak memory {measured.peak_memory_bytes / 2**30:.2f} GiB")
    print(f"{loop}: {', '.join(figures)}")
    return rate


if __name__ == "__main__":
    main()
