"""Our loop through Ray Train beside a bare DeepSpeed loop: same model, same batch, in turns.

    python benchmarks/overhead.py --rounds 3 --steps 40

Ours is the pretrain stage itself, started by its driver; the bare one is bare_deepspeed.py under
torchrun. Each round runs both, so that a machine whose speed drifts slows both alike. Prints the
median step of each round, the ratio, and what share of a step goes into reading tokens.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from random_run import random_run

from llmtrain_api.names import RUN_CONFIG_VARIABLE
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.tokens.reader import TokenFile
from llmtrain_trainer.tokens.sequences import TokenSequences

_MANIFEST = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
_WARMUP_STEPS = 5


def main() -> None:
    """Run the rounds and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    ratios = []
    for number in range(arguments.rounds):
        with tempfile.TemporaryDirectory() as folder:
            config = random_run(
                _MANIFEST,
                Path(folder),
                workers=Workers(count=arguments.workers, cpus=1, gpus=0),
                steps=arguments.steps,
            )
            ours = _ours(config)
            bare = _bare(config, Path(folder), arguments.steps)
            if number == 0:
                print(f"reading tokens: {_reading_share(config, ours):.3%} of a step")
        ratios.append(bare / ours)
        tokens = _batch_tokens(config)
        print(
            f"round {number}: ours {tokens / ours:,.0f} tokens/s, "
            f"bare {tokens / bare:,.0f} tokens/s, ratio {bare / ours:.3f}"
        )
    print(f"ratio of tokens per second, ours to bare: median {statistics.median(ratios):.3f}")


def _ours(config: RunConfig) -> float:
    """Median seconds of a step of the pretrain stage."""
    environment = os.environ | {
        RUN_CONFIG_VARIABLE: config.model_dump_json(),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    _run([sys.executable, "-m", "llmtrain_trainer"], environment)
    metrics = Workspace(Path(config.workspace)).metrics(Stage.PRETRAIN).read_text()
    records = [json.loads(line) for line in metrics.splitlines()]
    return _median([record["seconds"] for record in records if "seconds" in record])


def _bare(config: RunConfig, folder: Path, steps: int) -> float:
    """Median seconds of a step of the bare loop."""
    (folder / "config.json").write_text(config.model_dump_json())
    script = str(Path(__file__).with_name("bare_deepspeed.py"))
    command = [sys.executable, "-m", "torch.distributed.run"]
    command += ["--nproc-per-node", str(config.workers.count), script]
    command += [str(folder / "config.json"), str(steps), str(folder / "seconds.json")]
    _run(command, os.environ | {"OMP_NUM_THREADS": "1"})
    return _median(json.loads((folder / "seconds.json").read_text()))


def _reading_share(config: RunConfig, step_seconds: float) -> float:
    """What part of a step one worker spends on reading its tokens."""
    assert config.pretrain is not None
    length = config.pretrain.sequence_length
    samples = TokenSequences(
        TokenFile.open(Workspace(Path(config.workspace)).tokens / "train"), length
    )
    share = _batch_tokens(config) // length // config.workers.count
    generator = np.random.default_rng(0)
    seconds = []
    for _ in range(200):
        numbers = generator.integers(len(samples), size=share)
        started = time.perf_counter()
        samples.batch(numbers)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds) / step_seconds


def _batch_tokens(config: RunConfig) -> int:
    assert config.pretrain is not None
    return config.pretrain.batch_tokens


def _median(seconds: list[float]) -> float:
    return statistics.median(seconds[_WARMUP_STEPS:])


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr[-4000:])


if __name__ == "__main__":
    main()
