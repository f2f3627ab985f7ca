"""Speed and memory of training on this machine's GPU: ours, its variants, and what others offer.

    python benchmarks/gpu.py --plan gpt2 --seconds 320
    python benchmarks/gpu.py --plan llama --seconds 320

Rows run in processes of their own, the most important first. While a row is timed, the next one,
which imports, compiles and warms up, is stopped. Every row trains on random tokens in the same
batches, and its figure is the median time between synchronized ends of steps. A row whose library
is missing, or that fails, is named and left out. `--small` runs a tiny model, also on a CPU.

Needs torch, transformers, deepspeed, pydantic and pyyaml; the rows of others need accelerate,
liger-kernel and litgpt. For a machine without a package registry, bring their wheels:

    export DS_BUILD_OPS=0
    pip wheel --no-deps --wheel-dir wheels deepspeed pydantic pydantic-core transformers
    pip wheel --no-deps --wheel-dir wheels accelerate liger-kernel litgpt
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import yaml
from gpu_clock import Plan, Result
from gpu_plans import PLANS, Row, RowPlan
from gpu_schedule import Outcome, run_rows
from random_run import random_run

from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_planner.hardware import Device, gpu_by_driver_name
from llmtrain_trainer.pretrain.task import pretrain_task

_ROOT = Path(__file__).parents[1]
_SMALL_MODEL = {"layers": 2, "hiddenSize": 64, "heads": 2}
_SMALL_PRETRAIN = {"sequenceLength": 64, "batchTokens": 512, "precision": "fp32", "compile": False}
_SPARE_STEPS = 8
"""Steps of the run config beyond those that are timed: those of the profile and of the warm-up."""


def main() -> None:
    """Run the rows of a plan and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plan", choices=PLANS, required=True)
    parser.add_argument("--seconds", type=float, default=320, help="rows start within this time")
    parser.add_argument("--rows", help="names of rows, separated by commas; all of them by default")
    parser.add_argument("--small", action="store_true", help="a tiny model, also on a CPU")
    arguments = parser.parse_args()
    gpu = _gpu_name()
    if gpu is None and not arguments.small:
        parser.error("this machine has no NVIDIA GPU; --small runs a tiny model on the CPU")
    plan = PLANS[arguments.plan]
    names = arguments.rows.split(",") if arguments.rows else [row.name for row in plan.rows]
    if unknown := set(names) - {row.name for row in plan.rows}:
        known = ", ".join(row.name for row in plan.rows)
        parser.error(f"no row is called {', '.join(sorted(unknown))}; there are {known}")
    print(f"{gpu or 'CPU'}, plan {arguments.plan}{', small' if arguments.small else ''}")
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for row in plan.rows if row.name in names]
        prepared = {
            row.name: _prepare(
                plan, row, Path(folder), small=arguments.small, on_gpu=gpu is not None
            )
            for row in rows
        }
        device = gpu_by_driver_name(gpu) if gpu else None
        two_fit = device is not None and 2 * plan.memory_gib * 2**30 <= device.memory_bytes
        outcomes = run_rows(
            {row: prepared[row.name][0] for row in rows},
            seconds=arguments.seconds,
            two_fit=two_fit,
        )
        configs = {name: config for name, (_, config) in prepared.items()}
        _print_outcomes(outcomes, configs, device)


def _gpu_name() -> str | None:
    """The name of the first GPU; asked of the driver, so that this process takes none of it."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()[0].strip()


def _prepare(
    plan: RowPlan, row: Row, folder: Path, *, small: bool, on_gpu: bool
) -> tuple[Path, RunConfig]:
    """Make the folder of a row, with all that its process needs."""
    own = folder / row.name.replace(" ", "-")
    own.mkdir()
    manifest = yaml.safe_load((_ROOT / "manifests" / plan.manifest).read_text())
    changes = {"batchTokens": plan.batch_tokens, **row.changes}
    if small:
        manifest["spec"]["model"] |= _SMALL_MODEL
        manifest["spec"]["tokenizer"]["vocabularySize"] = 512
        changes |= _SMALL_PRETRAIN | {"microBatchSize": 2}
    written = own / "manifest.yaml"
    written.write_text(yaml.safe_dump(manifest))
    config = random_run(
        written,
        own,
        workers=Workers(count=1, cpus=1, gpus=1 if on_gpu else 0),
        steps=plan.warmup_steps + plan.timed_steps + _SPARE_STEPS,
        **changes,
    )
    steps = Plan(plan.warmup_steps, plan.timed_steps, row.profiled)
    (own / "config.json").write_text(config.model_dump_json())
    (own / "row.json").write_text(json.dumps({"loop": row.loop, "plan": asdict(steps)}))
    return own, config


def _print_outcomes(
    outcomes: dict[Row, Outcome], configs: dict[str, RunConfig], device: Device | None
) -> None:
    first = None
    print(f"\n{'row':<44}{'tokens/s':>10}{'least':>10}{'most':>10}{'MFU':>8}{'GiB':>7}", end="")
    print(f"{'warm-up':>9}{'of first':>9}")
    for row, outcome in outcomes.items():
        result = outcome.result
        if result is None or not result.seconds:
            continue
        config = configs[row.name]
        assert config.pretrain is not None, "the rows are of pretraining"
        rates = [config.pretrain.batch_tokens / seconds for seconds in result.seconds]
        rate = statistics.median(rates)
        first = first or rate
        peak = f"{result.peak_bytes / 2**30:.1f}" if result.peak_bytes else "-"
        print(f"{row.name:<44}{rate:>10,.0f}{min(rates):>10,.0f}{max(rates):>10,.0f}", end="")
        print(f"{_mfu(rate, config, device):>8}{peak:>7}{result.warmup_seconds:>8.0f}s", end="")
        print(f"{rate / first:>9.3f}")
    for row, outcome in outcomes.items():
        _print_details(row, outcome.result)
    for row, outcome in outcomes.items():
        if outcome.fault:
            print(f"\n{row.name}: left out. {outcome.fault}")


def _mfu(rate: float, config: RunConfig, device: Device | None) -> str:
    """Model FLOPs utilization, by the planner's formula for every row."""
    if device is None:
        return "-"
    flops = pretrain_task(config).flops_per_token
    assert flops is not None and config.pretrain is not None, "a plan's model is new"  # noqa: PT018
    return f"{rate * flops / device.peak_flops(config.pretrain.precision):.1%}"


def _print_details(row: Row, result: Result | None) -> None:
    if result is None:
        return
    for name, value in result.ceilings.items():
        print(f"\n{name}: {value:.3g}", end="")
    if result.profile is None:
        return
    total = sum(result.profile.milliseconds.values())
    print(f"\n\n{row.name}: {total:.1f} ms a step, {result.profile.kernels:,} kernels")
    for name, milliseconds in result.profile.milliseconds.items():
        print(f"  {name:<26}{milliseconds:>9.1f} ms{milliseconds / total:>8.1%}")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"\n{time.monotonic() - started:.0f} s in all")
