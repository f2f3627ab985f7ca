import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import ValidationError
from support.repository import ROOT

from llmtrain_api.base import MayChange, Section
from llmtrain_api.status import Attempt, StageRun, StageState

_RUN = StageRun(state=StageState.PENDING)
_ATTEMPT = Attempt(number=3, submission_id="it", start_time="2026-01-31T11:50:00Z")


def test_a_copy_has_the_new_values_and_keeps_the_others() -> None:
    running = _RUN.replace(state=StageState.RUNNING, attempt=_ATTEMPT)
    assert running == StageRun(state=StageState.RUNNING, attempt=_ATTEMPT)
    assert _RUN.state is StageState.PENDING


@pytest.mark.parametrize("name", ["retrytime", "submissionId"])
def test_a_name_that_is_no_field_is_an_error(name: str) -> None:
    with pytest.raises(ValidationError, match=rf"StageRun\n{name}\n  Extra inputs"):
        _RUN.replace(**{name: "x"})


def test_a_value_that_breaks_a_rule_is_an_error() -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        _ATTEMPT.replace(number=-1)


def test_a_field_that_was_not_set_stays_unset() -> None:
    assert _RUN.replace(attempt=None).model_fields_set == {"state", "attempt"}


def test_the_order_of_fields_is_no_part_of_what_decides_what_is_learned() -> None:
    class Inner(Section):
        a: int = 1
        b: int = 2

    class One(Section):
        inner: Inner = Inner()
        rate: float = 3e-4
        free: Annotated[int, MayChange()] = 5

    class Other(Section):
        rate: float = 3e-4
        inner: Inner = Inner()

    assert One(free=6).lasting_json() == Other().lasting_json()
    assert One(rate=1e-4).lasting_json() != Other().lasting_json()


_PROGRAM = """
from llmtrain_api.status import Attempt

def use(attempt: Attempt) -> None:
    attempt.replace(number=1).number.bit_length()
    attempt.replace(numbr=1)
    attempt.replace(number="1")
"""


@pytest.mark.slow
def test_mypy_knows_the_fields_and_their_types(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(_PROGRAM)
    command = [sys.executable, "-m", "mypy", str(tmp_path / "program.py")]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    errors = re.findall(r":(\d+): error: .*\[(.*)\]", checked.stdout)
    assert errors == [("6", "call-arg"), ("7", "arg-type")], checked.stdout + checked.stderr
