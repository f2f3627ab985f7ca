"""The selection of attempts that have begun, and the end of the last one."""

import pytest
from support.job_harness import recorded

from llmtrain.attempts import Attempt, AttemptSelector
from llmtrain.errors import JobStateError
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageRun, StageState, StageStatus

_DATA_0, _DATA_1 = Attempt(Stage.DATA, 0), Attempt(Stage.DATA, 1)
_TOKENIZER_0 = Attempt(Stage.TOKENIZER, 0)


def _status(phase: Phase, data: StageState, tokenizer: StageState) -> JobStatus:
    """The status of a job whose data stage failed once."""
    begun = tokenizer is not StageState.PENDING
    return JobStatus(
        phase=phase,
        stages=(
            StageStatus(name=Stage.DATA, runs=(StageRun(state=data, attempt=recorded(1)),)),
            StageStatus(
                name=Stage.TOKENIZER,
                runs=(StageRun(state=tokenizer, attempt=recorded(0) if begun else None),),
            ),
        ),
    )


_RETRIED = _status(Phase.RUNNING, StageState.RUNNING, StageState.PENDING)
_BETWEEN = _status(Phase.RUNNING, StageState.SUCCEEDED, StageState.PENDING)
_LATER = _status(Phase.RUNNING, StageState.SUCCEEDED, StageState.RUNNING)
_OVER = _status(Phase.SUCCEEDED, StageState.SUCCEEDED, StageState.SUCCEEDED)


def test_all_that_have_begun_are_known_in_their_order() -> None:
    assert AttemptSelector().begun(JobStatus()) == []
    assert AttemptSelector().begun(_RETRIED) == [_DATA_0, _DATA_1]
    assert AttemptSelector().begun(_LATER) == [_DATA_0, _DATA_1, _TOKENIZER_0]


def test_one_that_is_waited_for_has_not_begun() -> None:
    waiting = StageStatus(
        name=Stage.DATA, runs=(StageRun(state=StageState.PENDING, attempt=recorded(0)),)
    )
    assert AttemptSelector().begun(JobStatus(stages=(waiting,))) == [_DATA_0]


@pytest.mark.parametrize(
    ("selector", "newest"),
    [
        (AttemptSelector(), _TOKENIZER_0),
        (AttemptSelector(Stage.DATA), _DATA_1),
        (AttemptSelector(Stage.DATA, 0), _DATA_0),
        (AttemptSelector(number=0), _TOKENIZER_0),  # of the stage at work, not of one before it
    ],
)
def test_the_newest_is_meant(selector: AttemptSelector, newest: Attempt) -> None:
    assert selector.resolve(_LATER).newest("job", _LATER) == newest


@pytest.mark.parametrize(
    ("selector", "status", "words"),
    [
        (AttemptSelector(), JobStatus(), "no stage has started yet"),
        (AttemptSelector(number=0), JobStatus(), "no stage has started yet"),
        (AttemptSelector(Stage.TOKENIZER), _RETRIED, "tokenizer has not started yet"),
        (
            AttemptSelector(number=1),
            _LATER,
            "tokenizer has had no attempt 1; the newest is tokenizer",
        ),
    ],
)
def test_one_that_has_not_begun_is_named(
    selector: AttemptSelector, status: JobStatus, words: str
) -> None:
    with pytest.raises(JobStateError, match=words):
        selector.resolve(status).newest("job", status)


@pytest.mark.parametrize(
    ("selector", "over"),
    [
        (AttemptSelector(), [False, False, False, True]),
        (AttemptSelector(Stage.DATA), [False, True, True, True]),
        (AttemptSelector(Stage.TOKENIZER), [False, False, False, True]),
        (AttemptSelector(Stage.DATA, 0), [True, True, True, True]),
        (AttemptSelector(Stage.DATA, 1), [False, True, True, True]),
    ],
)
def test_no_more_will_come(selector: AttemptSelector, over: list[bool]) -> None:
    assert [selector.is_over(status) for status in (_RETRIED, _BETWEEN, _LATER, _OVER)] == over


def test_a_suspended_job_prints_nothing_more() -> None:
    suspended = _status(Phase.SUSPENDED, StageState.SUCCEEDED, StageState.PENDING)
    assert AttemptSelector().is_over(suspended)
