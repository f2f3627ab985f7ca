"""Every second of a job is in one bucket, whatever happened to it."""

from pathlib import Path

import pytest
from support.passes import NOW, UID, Passes

from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.goodput import Goodput, WorkSeconds
from llmtrain_api.status import Phase
from llmtrain_api.workspace import Workspace
from llmtrain_cli.local.state import RunState, StoredRun
from llmtrain_lifecycle.status_text import read_time

_STAGE = ("finetune",)


def _goodput(passes: Passes) -> Goodput:
    goodput = passes.status.goodput
    assert goodput is not None
    elapsed = (read_time(goodput.observed_time) - NOW).total_seconds()
    assert goodput.seconds.total == pytest.approx(elapsed, abs=1)
    return goodput


def _works(passes: Passes, work: WorkSeconds, *, seconds: float) -> None:
    """The attempt has been at work for some time, and tells what it did."""
    passes.wait(seconds)
    passes.make(progress=passes.report(50, work=work, heartbeat=passes.now.timestamp()))


def _ends(passes: Passes, exit_code: int | None, work: WorkSeconds | None) -> None:
    outcome = None if work is None else Outcome(reason="Said", message="", work=work)
    passes.end(exit_code, outcome)
    passes.make()


def _goes_on(passes: Passes, *, after: float) -> None:
    passes.submission = None
    passes.wait(after)
    passes.start()


def test_a_calm_run() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    work = WorkSeconds(start_up=10, data_wait=2, productive=60, checkpoint_save=5, evaluation=3)
    _works(passes, work, seconds=85)
    done = work.replace(productive=70, uncommitted=20)
    passes.wait(15)
    _ends(passes, ExitCode.DONE, done)
    passes.make()
    assert passes.status.phase is Phase.SUCCEEDED
    goodput = _goodput(passes)
    seconds = goodput.seconds
    assert (seconds.start_up, seconds.data_wait, seconds.productive) == (10, 2, 70)
    assert (seconds.checkpoint_save, seconds.evaluation, seconds.lost_work) == (5, 3, 0)
    assert seconds.other == 10
    assert goodput.end_to_end_ratio == 0.7
    assert goodput.intervals[-1].end is not None


def test_a_run_that_is_killed_twice() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    for _ in range(2):
        work = WorkSeconds(start_up=10, restore=5, productive=80, uncommitted=30)
        _works(passes, work, seconds=100)
        passes.wait(7)
        _ends(passes, None, None)
        _goes_on(passes, after=60)
    _works(passes, WorkSeconds(start_up=10, restore=5, productive=20), seconds=40)
    seconds = _goodput(passes).seconds
    assert seconds.lost_work == pytest.approx(2 * (30 + 5 + 7), abs=0.01)
    assert seconds.restore == 15
    assert seconds.start_up == 30
    assert seconds.other == pytest.approx(120, abs=2)
    assert seconds.productive == pytest.approx(2 * 50 + 20 + 5, abs=2)


def test_a_run_that_is_suspended_for_a_while() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    _works(passes, WorkSeconds(start_up=10, productive=80, uncommitted=80), seconds=90)
    passes.set_policy(suspend=True)
    passes.make()
    passes.wait(10)
    _ends(passes, 75, WorkSeconds(start_up=10, productive=81, checkpoint_save=9))
    passes.submission = None
    passes.make()
    assert passes.status.phase is Phase.SUSPENDED
    passes.wait(1000)
    passes.set_policy(suspend=False)
    passes.start()
    goodput = _goodput(passes)
    assert goodput.seconds.suspended == 1000
    assert goodput.seconds.lost_work == 0
    assert goodput.seconds.productive == 81
    assert goodput.runtime_ratio > 5 * goodput.end_to_end_ratio


def test_a_run_that_is_preempted() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    _works(passes, WorkSeconds(start_up=10, productive=80, uncommitted=10), seconds=90)
    passes.wait(5)
    _ends(passes, 75, WorkSeconds(start_up=10, productive=82, checkpoint_save=3))
    seconds = _goodput(passes).seconds
    assert (seconds.productive, seconds.checkpoint_save, seconds.lost_work) == (82, 3, 0)


def test_a_run_that_fails() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    _works(passes, WorkSeconds(start_up=10, productive=80, uncommitted=10), seconds=90)
    _ends(passes, 2, WorkSeconds(start_up=10, productive=80, uncommitted=10))
    assert passes.status.phase is Phase.FAILED
    seconds = _goodput(passes).seconds
    assert (seconds.productive, seconds.lost_work) == (70, 10)


def test_a_life_of_many_intervals_fits_the_status() -> None:
    passes = Passes(*_STAGE, policy={"retries": {"infrastructure": -1}})
    for _ in range(100):
        passes.start()
        passes.wait(3)
        _ends(passes, None, None)
        _goes_on(passes, after=400)
    goodput = _goodput(passes)
    assert len(goodput.intervals) == 64
    assert goodput.earlier.total > 0


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    passes = Passes(*_STAGE)
    passes.start()
    _works(passes, WorkSeconds(start_up=10, productive=80), seconds=90)
    passes.wait(-600)
    _ends(passes, None, None)
    passes.submission = None
    passes.wait(1200)
    passes.start()
    assert _goodput(passes).seconds.total == pytest.approx(690, abs=1)


def test_a_laptop_s_run_that_failed_and_is_started_once_more(tmp_path: Path) -> None:
    passes = Passes(*_STAGE)
    passes.start()
    _works(passes, WorkSeconds(start_up=10, productive=80), seconds=90)
    _ends(passes, ExitCode.USER, WorkSeconds(start_up=10, productive=80))
    assert passes.status.phase is Phase.FAILED
    state = RunState(Workspace(tmp_path))
    state.workspace.private.mkdir()
    state.write(StoredRun(uid=UID, job=passes.job, status=passes.status))
    passes.status = state.open(passes.job).status
    _goes_on(passes, after=1000)
    _works(passes, WorkSeconds(start_up=10, productive=50), seconds=60)
    seconds = _goodput(passes).seconds
    assert (seconds.start_up, seconds.productive) == (20, 130)
    assert seconds.other == pytest.approx(1000, abs=1)
