"""What a driver prints stands in the workspace, and where it would have gone without it."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmtrain_trainer.driver_log import driver_log
from llmtrain_trainer.errors import UserError

_PROGRAM = """
import os, subprocess, sys
from pathlib import Path
from llmtrain_trainer.driver_log import driver_log

print("before", flush=True)
with driver_log(Path(sys.argv[1])):
    print("by Python", flush=True)
    subprocess.run(["sh", "-c", "echo by a child; echo on stderr >&2"], check=True)
print("after", flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_all_that_is_printed_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "data-0.log"
    run = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(log)], capture_output=True, text=True, check=True
    )
    assert sorted(log.read_text().splitlines()) == ["by Python", "by a child", "on stderr"]
    assert set(log.read_text().splitlines()) < set(run.stdout.splitlines())
    assert run.stdout.startswith("before\n")
    assert run.stdout.endswith("after\n")


def test_a_link_in_the_log_s_place_is_refused(tmp_path: Path) -> None:
    secret, log = tmp_path / "secret", tmp_path / "data-0.log"
    secret.write_text("kept")
    log.symlink_to(secret)
    with pytest.raises(UserError, match=f"{log} is a symbolic link to {secret}"), driver_log(log):
        pass
    assert secret.read_text() == "kept"
