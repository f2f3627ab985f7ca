"""Every second of a job is in one bucket, whatever happened to it."""

from pathlib import Path

import pytest
from support.job_harness import NOW, UID, JobHarness

from llmtrain.local.state import RunState, StoredRun
from llmtrain_api.exit_codes import ExitCode, Outcome
from llmtrain_api.goodput import Goodput, WorkSeconds
from llmtrain_api.status import Phase
from llmtrain_api.workspace import Workspace
from llmtrain_lifecycle.status_text import read_time

_STAGE = ("finetune",)


def _goodput(harness: JobHarness) -> Goodput:
    goodput = harness.status.goodput
    assert goodput is not None
    elapsed = (read_time(goodput.observed_time) - NOW).total_seconds()
    assert goodput.seconds.total == pytest.approx(elapsed, abs=1)
    return goodput


def _works(harness: JobHarness, work: WorkSeconds, *, seconds: float) -> None:
    """Let the attempt work for some time, and report its work."""
    harness.wait(seconds)
    harness.reconcile(progress=harness.report(50, work=work, heartbeat=harness.now.timestamp()))


def _ends(harness: JobHarness, exit_code: int | None, work: WorkSeconds | None) -> None:
    outcome = None if work is None else Outcome(reason="Said", message="", work=work)
    harness.end(exit_code, outcome)
    harness.reconcile()


def _goes_on(harness: JobHarness, *, after: float) -> None:
    harness.submission = None
    harness.wait(after)
    harness.start()


def test_an_undisturbed_run() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    work = WorkSeconds(start_up=10, data_wait=2, productive=60, checkpoint_save=5, evaluation=3)
    _works(harness, work, seconds=85)
    done = work.replace(productive=70, uncommitted=20)
    harness.wait(15)
    _ends(harness, ExitCode.DONE, done)
    harness.reconcile()
    assert harness.status.phase is Phase.SUCCEEDED
    goodput = _goodput(harness)
    seconds = goodput.seconds
    assert (seconds.start_up, seconds.data_wait, seconds.productive) == (10, 2, 70)
    assert (seconds.checkpoint_save, seconds.evaluation, seconds.lost_work) == (5, 3, 0)
    assert seconds.other == 10
    assert goodput.end_to_end_ratio == 0.7
    assert goodput.intervals[-1].end is not None


def test_a_run_that_is_killed_twice() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    for _ in range(2):
        work = WorkSeconds(start_up=10, restore=5, productive=80, uncommitted=30)
        _works(harness, work, seconds=100)
        harness.wait(7)
        _ends(harness, None, None)
        _goes_on(harness, after=60)
    _works(harness, WorkSeconds(start_up=10, restore=5, productive=20), seconds=40)
    seconds = _goodput(harness).seconds
    assert seconds.lost_work == pytest.approx(2 * (30 + 5 + 7), abs=0.01)
    assert seconds.restore == 15
    assert seconds.start_up == 30
    assert seconds.other == pytest.approx(120, abs=2)
    assert seconds.productive == pytest.approx(2 * 50 + 20 + 5, abs=2)


def test_a_run_that_is_suspended_for_a_while() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    _works(harness, WorkSeconds(start_up=10, productive=80, uncommitted=80), seconds=90)
    harness.set_policy(suspend=True)
    harness.reconcile()
    harness.wait(10)
    _ends(harness, 75, WorkSeconds(start_up=10, productive=81, checkpoint_save=9))
    harness.submission = None
    harness.reconcile()
    assert harness.status.phase is Phase.SUSPENDED
    harness.wait(1000)
    harness.set_policy(suspend=False)
    harness.start()
    goodput = _goodput(harness)
    assert goodput.seconds.suspended == 1000
    assert goodput.seconds.lost_work == 0
    assert goodput.seconds.productive == 81
    assert goodput.runtime_ratio > 5 * goodput.end_to_end_ratio


def test_a_run_that_is_preempted() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    _works(harness, WorkSeconds(start_up=10, productive=80, uncommitted=10), seconds=90)
    harness.wait(5)
    _ends(harness, 75, WorkSeconds(start_up=10, productive=82, checkpoint_save=3))
    seconds = _goodput(harness).seconds
    assert (seconds.productive, seconds.checkpoint_save, seconds.lost_work) == (82, 3, 0)


def test_a_run_that_fails() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    _works(harness, WorkSeconds(start_up=10, productive=80, uncommitted=10), seconds=90)
    _ends(harness, 2, WorkSeconds(start_up=10, productive=80, uncommitted=10))
    assert harness.status.phase is Phase.FAILED
    seconds = _goodput(harness).seconds
    assert (seconds.productive, seconds.lost_work) == (70, 10)


def test_a_life_of_many_intervals_fits_the_status() -> None:
    harness = JobHarness(*_STAGE, policy={"retries": {"infrastructure": -1}})
    for _ in range(100):
        harness.start()
        harness.wait(3)
        _ends(harness, None, None)
        _goes_on(harness, after=400)
    goodput = _goodput(harness)
    assert len(goodput.intervals) == 64
    assert goodput.earlier.total > 0


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    _works(harness, WorkSeconds(start_up=10, productive=80), seconds=90)
    harness.wait(-600)
    _ends(harness, None, None)
    harness.submission = None
    harness.wait(1200)
    harness.start()
    assert _goodput(harness).seconds.total == pytest.approx(690, abs=1)


def test_a_laptop_s_run_that_failed_and_is_started_once_more(tmp_path: Path) -> None:
    harness = JobHarness(*_STAGE)
    harness.start()
    _works(harness, WorkSeconds(start_up=10, productive=80), seconds=90)
    _ends(harness, ExitCode.USER, WorkSeconds(start_up=10, productive=80))
    assert harness.status.phase is Phase.FAILED
    state = RunState(Workspace(tmp_path))
    state.workspace.private.mkdir()
    state.write(StoredRun(uid=UID, job=harness.job, status=harness.status))
    harness.status = state.open(harness.job).status
    _goes_on(harness, after=1000)
    _works(harness, WorkSeconds(start_up=10, productive=50), seconds=60)
    seconds = _goodput(harness).seconds
    assert (seconds.start_up, seconds.productive) == (20, 130)
    assert seconds.other == pytest.approx(1000, abs=1)
