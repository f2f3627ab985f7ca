"""The outcome line gives the cause in one line; the traceback is in the log."""

from pathlib import Path

import pytest
from ray.exceptions import RayTaskError

from llmtrain_api.exit_codes import ExitCode, Outcome, find_outcome
from llmtrain_api.stages import Stage
from llmtrain_trainer.errors import UserError
from llmtrain_trainer.outcome import ending, read_run_config


def _outcome(error: Exception, capsys: pytest.CaptureFixture[str]) -> tuple[int, Outcome]:
    with ending() as end:
        raise error
    outcome = find_outcome(capsys.readouterr().err)
    assert outcome is not None
    return end.exit_code, outcome


def test_an_error_of_a_remote_task_is_shown_without_its_traceback(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    raised = ValueError("the shapes\n  (3,) and (4,) differ")
    remote = RayTaskError("evaluate", "Traceback (most recent call last):\n  File", raised)
    code, outcome = _outcome(remote.as_instanceof_cause(), capsys)
    assert code == ExitCode.APPLICATION
    assert outcome.reason == "StageFailed"
    assert outcome.message == "ValueError: the shapes (3,) and (4,) differ"
    assert "Traceback (most recent call last)" in caplog.text


def test_tokens_that_a_trainer_of_0_1_has_counted_are_kept() -> None:
    line = 'llmtrain-outcome: {"reason": "Completed", "message": "", "finetuneTokens": 12}'
    outcome = find_outcome(line)
    assert outcome is not None
    (counted,) = outcome.counted_tokens
    assert (counted.stage, counted.tokens) == (Stage.FINETUNE, 12)


@pytest.mark.parametrize("text", ["", "[1]", '"text"', '{"reason": "Comp'])
def test_a_line_that_is_cut_off_is_no_outcome(text: str) -> None:
    assert find_outcome(f"llmtrain-outcome: {text}") is None


def test_an_error_without_words_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert _outcome(AssertionError(), capsys)[1].message == "AssertionError: AssertionError"


def test_the_users_error_comes_as_it_is(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    code, outcome = _outcome(UserError("a.jsonl: line 3", reason="InvalidData"), capsys)
    assert (code, outcome.reason, outcome.message) == (2, "InvalidData", "a.jsonl: line 3")
    assert not caplog.text


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ([], "expected one argument"),
        (["nowhere.json"], "nowhere.json: No such file or directory; it should be a run config"),
        (["empty.json"], "empty.json is not a run config of this version"),
    ],
)
def test_a_run_config_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], fault: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.json").write_text("{}")
    with pytest.raises(UserError, match=fault):
        read_run_config(arguments)
