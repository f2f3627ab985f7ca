"""Only work of the attempt itself counts as a sign of life."""

import pytest
from support.job_harness import NOW, UID, recorded

from llmtrain_api.progress import ProgressReport
from llmtrain_api.stages import Stage
from llmtrain_api.status import Progress
from llmtrain_lifecycle.policies.time_limits import silent_seconds
from llmtrain_lifecycle.status_text import write_time

_ATTEMPT = recorded(1)


def _report(age_seconds: float, **changes: object) -> ProgressReport:
    fields: dict[str, object] = {
        "job_uid": UID,
        "stage": Stage.PRETRAIN,
        "attempt": 1,
        "percent": 1,
        "activity": "training",
        "heartbeat": NOW.timestamp() - age_seconds,
    }
    return ProgressReport.model_validate(fields | changes)


@pytest.mark.parametrize(
    ("report", "silent"),
    [
        (None, 600),
        (_report(7.5), 7.5),
        (_report(900), 600),
        (_report(7.5, attempt=0), 600),
        (_report(7.5, stage=Stage.DATA), 600),
        (_report(7.5, job_uid="another job of the same name"), 600),
    ],
    ids=["none yet", "fresh", "older than the attempt", "last attempt", "last stage", "other job"],
)
def test_silence_is_counted_from_the_newest_sign_of_this_attempt(
    report: ProgressReport | None, silent: float
) -> None:
    assert silent_seconds(Stage.PRETRAIN, _ATTEMPT, UID, report, None, NOW) == pytest.approx(silent)


def test_an_attempt_is_not_silent_when_it_starts() -> None:
    started = _ATTEMPT.replace(start_time=write_time(NOW))
    assert silent_seconds(Stage.PRETRAIN, started, UID, None, None, NOW) == 0


@pytest.mark.parametrize(
    ("stage", "silent"), [(Stage.PRETRAIN, 30), (Stage.DATA, 600)], ids=["its own", "the last's"]
)
def test_a_report_that_cannot_be_read_undoes_no_earlier_one(stage: Stage, silent: float) -> None:
    known = Progress(
        percent=50, stage=stage, stage_percent=50, heartbeat_time="2026-01-31T11:59:30Z"
    )
    assert silent_seconds(Stage.PRETRAIN, _ATTEMPT, UID, None, known, NOW) == pytest.approx(silent)


@pytest.mark.parametrize("ahead_seconds", [-600, 0, 600])
def test_the_drivers_clock_need_not_agree_with_the_operators(ahead_seconds: int) -> None:
    said = NOW.timestamp() + ahead_seconds
    report = _report(7.5 - ahead_seconds, time=said).by_clock(NOW.timestamp())
    assert silent_seconds(Stage.PRETRAIN, _ATTEMPT, UID, report, None, NOW) == pytest.approx(7.5)
