"""A fork of the warm parent ends as an ordinary process does."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.warm_python import start_python

_SECONDS = 120


def test_a_failure_is_an_exit_code_and_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "errors"
    with path.open("w") as errors:
        process = start_python("builtins:int", "many", errors=errors.fileno())
    assert process.wait(_SECONDS) == 1
    assert "ValueError: invalid literal for int() with base 10: 'many'" in path.read_text()


def test_a_signal_is_no_exit_code() -> None:
    assert start_python("os:abort").wait(_SECONDS) == -signal.SIGABRT


def test_one_that_hangs_is_killed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never-written")
    process = start_python("io:open", str(tmp_path / "never-written"))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.kill()
    assert process.wait(_SECONDS) == -signal.SIGKILL
