"""A full disk is called a full disk, whoever notices it first."""

import errno
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from llmtrain_trainer.disk import explain_full_disk
from llmtrain_trainer.errors import StageError, UserError


def _write(path: Path, folder: Path) -> None:
    with explain_full_disk(folder), path.open("w") as file:
        file.write("a line")


def test_a_write_that_finds_no_room_names_what_to_do(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    log.symlink_to("/dev/full")
    folder = tmp_path / "not" / "made" / "yet"
    with pytest.raises(UserError, match=f"no space left to write {folder} .*Free some") as error:
        _write(log, folder)
    assert error.value.reason == "DiskFull"


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        (SafetensorError("I/O error: No space left on device (os error 28)"), "{workspace} "),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "/models/a"), "/models/a "),
    ],
)
def test_libraries_and_quotas_say_it_in_their_own_ways(
    tmp_path: Path, raised: Exception, named: str
) -> None:
    expected = f"no space left to write {named.format(workspace=tmp_path)}"
    with pytest.raises(UserError, match=expected), explain_full_disk(tmp_path):
        raise raised


@pytest.mark.parametrize(
    "raised", [PermissionError(errno.EACCES, "denied"), StageError("No space left on device")]
)
def test_other_errors_stay_what_they_are(tmp_path: Path, raised: Exception) -> None:
    with pytest.raises(type(raised)) as error, explain_full_disk(tmp_path):
        raise raised
    assert error.value is raised
