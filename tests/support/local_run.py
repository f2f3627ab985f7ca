"""Runs `llmtrain run` on a job whose pipeline takes a minute, and breaks it on purpose."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import psutil
import yaml

from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

_TIMEOUT_SECONDS = 900
LLMTRAIN = str(Path(sys.executable).with_name("llmtrain"))


def write_corpus(folder: Path, *, num_documents: int = 400) -> None:
    """Documents and conversations about made-up animals, as JSON lines."""
    animals = ["fox", "heron", "otter", "lynx", "magpie", "toad", "hare", "wolf"]
    places = ["river", "forest", "meadow", "harbour", "garden", "mountain"]
    documents, conversations = [], []
    for number in range(num_documents):
        animal, place = animals[number % 8], places[number % 6]
        text = (
            f"The {animal} number {number} lives by the {place} and sleeps until noon. "
            f"When the {animal} wakes, it walks {number % 17} miles along the {place}, and of all "
            f"that it has seen it tells the others in the evening, with a {animal}'s patience."
        )
        documents.append({"text": text})
        messages = [
            {"role": "user", "content": f"Where does the {animal} number {number} live?"},
            {"role": "assistant", "content": f"The {animal} lives by the {place}."},
        ]
        conversations.append({"messages": messages})
    for name, rows in (("documents", documents), ("conversations", conversations)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def small_spec() -> dict[str, Any]:
    """The whole pipeline on that corpus."""
    training = {
        "sequenceLength": 64,
        "batchTokens": 1024,
        "precision": "fp32",
        "zero": {"stage": 2},
        "checkpoint": {"everySteps": 25},
    }
    return {
        "compute": {"trainers": {"replicas": 2, "cpus": 1}},
        "data": {
            "sources": [{"files": {"paths": ["documents.jsonl"], "format": "jsonl"}}],
            "steps": [{"unicode": {}}, {"length": {"minWords": 5}}, {"exactDedup": {}}],
            "validationFraction": 0.1,
        },
        "tokenizer": {"vocabularySize": 400},
        "model": {"layers": 2, "hiddenSize": 32, "heads": 4, "dropout": 0.1},
        "pretrain": training | {"tokens": 300 * 1024, "optimizer": {"learningRate": 0.01}},
        "finetune": training
        | {
            "data": {"sources": [{"files": {"paths": ["conversations.jsonl"]}}]},
            "epochs": 2,
            "checkpoint": {"everySteps": 10},
        },
        "evaluate": {
            "generations": {"prompts": ["Where does the fox live?"], "maxNewTokens": 8},
            "gates": [{"metric": "bitsPerByte", "max": 8}],
        },
        "export": {},
        "policy": {"retries": {"infrastructure": 4}},
    }


def write_manifest(folder: Path, spec: dict[str, Any], *, name: str = "small") -> Path:
    """A manifest of this spec."""
    path = folder / f"{name}.yaml"
    manifest = {
        "apiVersion": "llmtrain.io/v1alpha1",
        "kind": "LLMTrainingJob",
        "metadata": {"name": name},
        "spec": spec,
    }
    path.write_text(yaml.safe_dump(manifest))
    return path


def run_to_the_end(manifest: Path, workspace: Path) -> tuple[int, str]:
    """`llmtrain run`, undisturbed; returns the exit code and all that was printed."""
    with LocalRun(manifest, workspace) as run:
        return run.wait()


class LocalRun:
    """One `llmtrain run`, in a process of its own; a context manager.

    Args:
        manifest: the file.
        workspace: where its results go.
        arguments: more of the command line.
    """

    def __init__(self, manifest: Path, workspace: Path, *arguments: str) -> None:
        self.workspace = Workspace(workspace)
        self.process = subprocess.Popen(
            [LLMTRAIN, "run", str(manifest), "--workspace", str(workspace), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"COLUMNS": "200", "TERM": "dumb"},
        )
        self._look = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running, however the test ends."""
        self.process.kill()  # its supervisor then ends Ray
        self.process.communicate()
        lock = self.workspace.private / "lock"
        if lock.exists():
            with lock.open() as held:
                fcntl.flock(held, fcntl.LOCK_EX)  # all that Ray started holds it

    def wait(self) -> tuple[int, str]:
        """Wait for the end; returns the exit code and all that was printed."""
        output, _ = self.process.communicate(timeout=_TIMEOUT_SECONDS)
        return self.process.returncode, output

    def wait_for_step(self, step: int, stage: Stage = Stage.PRETRAIN) -> None:
        """Wait until an optimizer step was made."""
        self._wait_until(lambda: any(record["step"] >= step for record in self.records(stage)))

    def wait_for_log(self, stage: Stage, text: str = "") -> None:
        """Wait until the driver of a stage's first attempt has started, and has logged this."""
        log = self.workspace.log(stage, 0)
        self._wait_until(lambda: log.exists() and text in log.read_text())

    def wait_for_process(self, what: str) -> None:
        """Wait for a process of this run whose command line holds these words."""
        self._wait_until(lambda: bool(self._living(what)))

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        for _ in range(_TIMEOUT_SECONDS * 20):
            if self.process.poll() is not None:
                raise AssertionError(f"it ended too early: {self.wait()}")
            if condition():
                return
            self._look.wait(0.05)
        raise AssertionError("it never came")

    def records(self, stage: Stage = Stage.PRETRAIN) -> list[dict[str, Any]]:
        """The step records so far, without what differs from run to run."""
        return step_records(self.workspace, stage)

    def kill(self, what: str) -> None:
        """`kill -9` a process of this run whose command line holds these words."""
        matching = self._living(what)
        assert matching, f"no {what} lives"
        matching[-1].send_signal(signal.SIGKILL)  # the last is the deepest: no shell around it

    def _living(self, what: str) -> list[psutil.Process]:
        family = psutil.Process(self.process.pid).children(recursive=True)
        return [each for each in family if what in _command_line(each)]


def _command_line(process: psutil.Process) -> str:
    """The command line of a process; empty if it has ended."""
    try:
        return "" if process.status() == psutil.STATUS_ZOMBIE else " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


def step_records(workspace: Workspace, stage: Stage = Stage.PRETRAIN) -> list[dict[str, Any]]:
    """The step records of a stage, without what differs from run to run."""
    path = workspace.metrics(stage)
    if not path.is_file():
        return []
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]
