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
import yaml

from llmtrain_api.names import RUN_CONFIG_VARIABLE
from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.tokens.reader import TokenFile
from llmtrain_trainer.tokens.sequences import TokenSequences
from llmtrain_trainer.tokens.writer import TokenFileWriter

_MANIFEST = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
_WARMUP_STEPS = 5
_NUM_TOKENS = 500_000


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
            config = _run_config(Path(folder), arguments.workers, arguments.steps)
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


def _run_config(folder: Path, workers: int, steps: int) -> RunConfig:
    """The quickstart's pretraining on random tokens, without validation and checkpoints."""
    job = LLMTrainingJob.model_validate(yaml.safe_load(_MANIFEST.read_text()), by_name=False)
    workspace = Workspace(folder)
    assert job.spec.pretrain is not None
    assert job.spec.tokenizer is not None
    vocabulary_size = job.spec.tokenizer.vocabulary_size or 0
    for split in ("train", "validation"):
        tokens = np.random.default_rng(0).integers(
            vocabulary_size, size=_NUM_TOKENS, dtype=np.uint32
        )
        with TokenFileWriter(
            workspace.tokens / split,
            vocabulary_size=vocabulary_size,
            end_of_text_id=0,
            tokenizer="random",
        ) as writer:
            writer.write(tokens, np.array([_NUM_TOKENS]), np.array([_NUM_TOKENS]))
    workspace.tokenizer.mkdir()
    pretrain = job.spec.pretrain.model_dump(mode="json") | {
        "tokens": steps * job.spec.pretrain.batch_tokens,
        "checkpoint": {"everySeconds": 3600},
        "validation": {"everySteps": 1_000_000, "maxTokens": job.spec.pretrain.sequence_length},
    }
    return RunConfig(
        job_name="overhead",
        job_uid="benchmark",
        stage=Stage.PRETRAIN,
        attempt=0,
        seed=job.spec.seed,
        workspace=str(folder),
        inputs=str(folder),
        workers=Workers(count=workers, cpus=1, gpus=0),
        data_cpus=1,
        progress_host="127.0.0.1",
        progress_port=18791,
        model=job.spec.model,
        pretrain=type(job.spec.pretrain).model_validate(pretrain),
    )


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
