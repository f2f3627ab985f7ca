"""A real run with a price and a budget: it stops in time, goes on when it may, and adds up."""

import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.local_run import LocalRun, small_spec, write_corpus, write_manifest

from llmtrain.local.state import RunState
from llmtrain_api.goodput import Goodput
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.status_text import read_time

pytestmark = pytest.mark.timeout(1800)

_DOLLAR_A_SECOND = ("--price-per-hour", "3600")
_STEPS_OF_AN_INTERVAL = 2000


def test_a_spent_budget_stops_after_a_checkpoint_and_a_raised_one_goes_on(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    with LocalRun(_manifest(tmp_path, None), tmp_path / "run", *_DOLLAR_A_SECOND) as first:
        first.wait_for_step(50)
        first.process.send_signal(signal.SIGINT)
        assert first.wait()[0] == 130
    # Half as much again for the way back to training, which may be slower than the way there.
    limit = 2.5 * _spent(_status(first))

    with LocalRun(_manifest(tmp_path, limit), tmp_path / "run", *_DOLLAR_A_SECOND) as second:
        code, output = second.wait()
    assert code == 130, output
    assert f"the budget is spent (policy.budget.maxUsd: {limit:g}); raise it to go on" in output
    assert (tmp_path / "run" / "report.html").is_file()
    stopped = _status(second)
    assert stopped.phase is Phase.SUSPENDED
    reached = max(record["step"] for record in second.records())
    assert second.workspace.checkpoints(Stage.PRETRAIN).joinpath(f"step-{reached:08}").is_dir()
    assert limit <= _spent(stopped) < limit + _cost_of_an_interval(stopped)
    _adds_up(stopped)

    with LocalRun(_manifest(tmp_path, 1e6), tmp_path / "run", *_DOLLAR_A_SECOND) as third:
        third.wait_for_step(reached + 20)
        third.process.send_signal(signal.SIGINT)
        assert third.wait()[0] == 130
    steps = [record["step"] for record in third.records() if "loss" in record]
    assert steps == list(range(1, len(steps) + 1)), "no step was made twice"
    resumed = _status(third)
    assert _spent(resumed) > _spent(stopped)
    _adds_up(resumed)


def _manifest(folder: Path, max_usd: float | None) -> Path:
    """A job that trains for hours."""
    whole = small_spec()
    spec: dict[str, Any] = {key: whole[key] for key in ("compute", "data", "tokenizer", "model")}
    spec["pretrain"] = whole["pretrain"] | {
        "tokens": 10**9,
        "checkpoint": {"everySteps": _STEPS_OF_AN_INTERVAL},
    }
    if max_usd is not None:
        spec["policy"] = {"budget": {"maxUsd": max_usd, "action": "suspend"}}
    return write_manifest(folder, spec)


def _status(run: LocalRun) -> JobStatus:
    stored = RunState(run.workspace).read()
    assert stored is not None
    return stored.status


def _spent(status: JobStatus) -> float:
    assert status.cost is not None
    return float(status.cost.spent_usd)


def _goodput(status: JobStatus) -> Goodput:
    assert status.goodput is not None
    return status.goodput


def _cost_of_an_interval(status: JobStatus) -> float:
    """In US dollars: seconds, at this price."""
    assert status.progress is not None
    assert status.progress.step is not None
    return _goodput(status).seconds.productive / status.progress.step * _STEPS_OF_AN_INTERVAL


def _adds_up(status: JobStatus) -> None:
    """Every second is in one bucket, and what was paid for is not more than the time."""
    goodput = _goodput(status)
    assert status.start_time is not None
    elapsed = _seconds(status.start_time, goodput.observed_time)
    assert goodput.seconds.total == pytest.approx(elapsed, abs=1)
    assert _spent(status) < elapsed + 1


def _seconds(start: str, end: str) -> float:
    since: datetime = read_time(start)
    return (read_time(end) - since).total_seconds()
