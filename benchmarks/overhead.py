"""Our loop through Ray Train beside a bare DeepSpeed loop: same model, same batch, in turns.

    python benchmarks/overhead.py --turns 20

Ours is `llmtrain run` with the quickstart's sizes, and the same loop under torchrun without Ray;
the bare one is bare_deepspeed.py. All live at the same time, and in each turn all but one are
stopped (SIGSTOP, with all of their Ray), so that a machine whose speed drifts slows all alike.
Prints the median speed of each, and what share of a step goes into reading tokens.
"""

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import yaml
from random_run import random_run

from llmtrain_api.run_config import RunConfig, Workers
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace
from llmtrain_trainer.tokens.files import TokenFile
from llmtrain_trainer.tokens.sequences import TokenSequences

_MANIFEST = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
_WARMUP_STEPS = 10
_START_SECONDS = 300
_NAMES = {
    "ray": "llmtrain run",
    "torchrun": "our loop under torchrun",
    "bare": "bare DeepSpeed",
}
_NEVER = 10**6
_STEPS = 100_000  # more than will be made


class Loop:
    """A training loop that can be stopped and go on.

    Args:
        command: its command line.
        environment: more environment variables.
        records: the JSON lines that it writes, each step's `seconds` in one.
        log: where its output goes.
    """

    def __init__(
        self, command: list[str], environment: dict[str, str], records: Path, log: Path
    ) -> None:
        self._records, self._log = records, log
        with log.open("w") as output:
            self._process = psutil.Popen(
                command, env=os.environ | environment, stdout=output, stderr=output
            )

    def warm_up(self) -> None:
        """Wait until the first steps are made, then stop."""
        deadline = time.monotonic() + _START_SECONDS
        while len(self.steps()) < _WARMUP_STEPS:
            if self._process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"it did not start:\n{self._log.read_text()[-4000:]}")
            time.sleep(0.5)
        self.signal(signal.SIGSTOP)

    def resume_for(self, seconds: float) -> list[float]:
        """Go on for a while, then stop; returns the seconds of each step that was made."""
        before = len(self.steps())
        self.signal(signal.SIGCONT)
        time.sleep(seconds)
        self.signal(signal.SIGSTOP)
        return self.steps()[before + 1 :]  # the first was begun in an earlier turn

    def steps(self) -> list[float]:
        """Seconds of each step so far."""
        if not self._records.exists():
            return []
        lines = self._records.read_text().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [record["seconds"] for record in records if "seconds" in record]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all processes of this loop."""
        if self._process.poll() is not None:
            return
        for process in (*self._process.children(recursive=True), self._process):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def main() -> None:
    """Let both take turns and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--turn-seconds", type=float, default=6.0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        config = random_run(
            _MANIFEST,
            Path(folder),
            workers=Workers(count=arguments.workers, cpus=1, gpus=0),
            steps=_STEPS,
        )
        loops = {
            name: start(config, Path(folder) / name)
            for name, start in (("ray", _ray), ("torchrun", _torchrun), ("bare", _bare))
        }
        try:
            steps = _in_turns(loops, arguments.turns, arguments.turn_seconds)
        finally:
            for loop in loops.values():
                loop.signal(signal.SIGKILL)
        _report(config, steps)


def _in_turns(loops: dict[str, Loop], turns: int, seconds: float) -> dict[str, list[float]]:
    steps: dict[str, list[float]] = {name: [] for name in loops}
    for loop in loops.values():
        loop.signal(signal.SIGSTOP)
    for loop in loops.values():
        loop.signal(signal.SIGCONT)
        loop.warm_up()
    for _ in range(turns):
        for name, loop in loops.items():
            steps[name] += loop.resume_for(seconds)
    return steps


def _report(config: RunConfig, steps: dict[str, list[float]]) -> None:
    assert config.pretrain is not None
    medians = {name: statistics.median(seconds) for name, seconds in steps.items()}
    for name, median in medians.items():
        rate = config.pretrain.batch_tokens / median
        print(
            f"{_NAMES[name]}: {rate:,.0f} tokens/s ({len(steps[name])} steps), "
            f"{medians['bare'] / median:.1%} of bare DeepSpeed"
        )
    print(f"reading tokens: {_reading_seconds(config) / medians['ray']:.3%} of a step")


def _ray(_: RunConfig, folder: Path) -> Loop:
    """`llmtrain run`, from which the manifest's own data and tokenizer come."""
    manifest = yaml.safe_load(_MANIFEST.read_text())
    for section in ("finetune", "evaluate", "export"):
        del manifest["spec"][section]
    manifest["spec"]["pretrain"] |= {
        "tokens": _STEPS * manifest["spec"]["pretrain"]["batchTokens"],
        "checkpoint": {"everySeconds": 86_400},
        "validation": {"everySteps": _NEVER},
    }
    folder.mkdir()
    (folder / "job.yaml").write_text(yaml.safe_dump(manifest))
    llmtrain = str(Path(sys.executable).with_name("llmtrain"))
    return Loop(
        [llmtrain, "run", str(folder / "job.yaml"), "--workspace", str(folder)],
        {},
        Workspace(folder).metrics(Stage.PRETRAIN),
        folder / "log",
    )


def _torchrun(config: RunConfig, folder: Path) -> Loop:
    """The pretrain stage without Ray, in a workspace of its own that shares the tokens."""
    folder.mkdir()
    for name in ("tokens", "tokenizer"):
        (folder / name).symlink_to(Path(config.workspace) / name)
    own = folder / "config.json"
    own.write_text(config.replace(workspace=str(folder)).model_dump_json())
    return Loop(
        _torchrun_command(config, "-m", "llmtrain_trainer.launch.torchrun", str(own)),
        {"OMP_NUM_THREADS": "1"},
        Workspace(folder).metrics(Stage.PRETRAIN),
        folder / "log",
    )


def _bare(config: RunConfig, folder: Path) -> Loop:
    """The bare loop."""
    folder.mkdir()
    config_path, records = folder / "config.json", folder / "steps.jsonl"
    config_path.write_text(config.model_dump_json())
    script = str(Path(__file__).with_name("bare_deepspeed.py"))
    command = _torchrun_command(config, script, str(config_path), str(records))
    return Loop(command, {"OMP_NUM_THREADS": "1"}, records, folder / "log")


def _torchrun_command(config: RunConfig, *script: str) -> list[str]:
    workers = f"--nproc-per-node={config.workers.count}"
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", workers, *script]


def _reading_seconds(config: RunConfig) -> float:
    """What one worker spends on reading the tokens of a step."""
    assert config.pretrain is not None
    length = config.pretrain.sequence_length
    samples = TokenSequences(TokenFile(Workspace(Path(config.workspace)).tokens / "train"), length)
    share = config.pretrain.batch_tokens // length // config.workers.count
    generator = np.random.default_rng(0)
    seconds = []
    for _ in range(200):
        numbers = generator.integers(len(samples), size=share)
        started = time.perf_counter()
        samples.batch(numbers)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
