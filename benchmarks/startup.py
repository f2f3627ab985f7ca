"""How much of a run is start-up: a job with all stages and next to no work, stage by stage.

    python benchmarks/startup.py

It runs the quickstart with a twelfth of its pretraining tokens, and reads the times from the run's
own records. CPU time is that of all processes of the run, on however many cores.
"""

import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import yaml

from llmtrain.local.state import RunState
from llmtrain_api.exit_codes import find_outcome
from llmtrain_api.goodput import WorkSeconds
from llmtrain_api.stages import Stage
from llmtrain_api.status import StageStatus
from llmtrain_api.workspace import Workspace
from llmtrain_lifecycle.status_text import read_time

_QUICKSTART = Path(__file__).parents[1] / "manifests" / "quickstart.yaml"
_TOKENS = 81_920
_NO_GATE = 100


@dataclass(frozen=True)
class StageSeconds:
    """Wall time of a stage."""

    stage: Stage
    total: float
    """From the record of its attempt until its end was seen, in whole seconds."""
    work: WorkSeconds
    """Use of the driver's time, as it says itself."""

    @property
    def around(self) -> float:
        """Time before the driver's process and after its outcome."""
        return max(self.total - self.work.total, 0)


def main() -> None:
    """Run, read the records, print the table."""
    folder = Path(tempfile.mkdtemp(prefix="startup-"))
    manifest = folder / "startup.yaml"
    manifest.write_text(yaml.safe_dump(_little_work()))
    llmtrain = Path(sys.executable).with_name("llmtrain")
    command = [str(llmtrain), "run", str(manifest), "--workspace", str(folder / "run")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    workspace = Workspace(folder / "run")
    stored = RunState(workspace).read()
    assert stored is not None, "the run has ended"
    stages = [_seconds(workspace, stage) for stage in stored.status.stages]
    _show(stages)
    print(f"CPU time: {used.ru_utime + used.ru_stime:.0f} s; load: {os.getloadavg()[0]:.1f}")


def _little_work() -> object:
    manifest = yaml.safe_load(_QUICKSTART.read_text())
    spec = manifest["spec"]
    spec["pretrain"]["tokens"] = _TOKENS
    spec["evaluate"]["tasks"][0]["heldOutDocs"]["questions"] = 10
    spec["evaluate"]["gates"][0]["max"] = _NO_GATE
    return manifest


def _seconds(workspace: Workspace, status: StageStatus) -> StageSeconds:
    run = status.run
    assert run.attempt is not None, "it has ended"
    log = workspace.log(status.name, run.attempt.number).read_text()
    outcome = find_outcome(log)
    assert outcome is not None, log
    assert outcome.work is not None, log
    assert run.completion_time is not None, "it has succeeded"
    total = read_time(run.completion_time) - read_time(run.attempt.start_time)
    return StageSeconds(status.name, total.total_seconds(), outcome.work)


def _show(stages: list[StageSeconds]) -> None:
    print("| Stage | Seconds | Start-up of the driver | Its work | Around it |\n|-|-|-|-|-|")
    for each in stages:
        start_up, whole = each.work.start_up, each.work.total
        times = f"{start_up:.1f} | {whole - start_up:.1f} | {each.around:.1f}"
        print(f"| {each.stage} | {each.total:.0f} | {times} |")


if __name__ == "__main__":
    main()
