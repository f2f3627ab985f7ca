"""Files of a run are for its owner, and nobody else's take their place."""

import os
import stat
from pathlib import Path

import pytest

from llmtrain.local.closed_files import (
    OpenToOthersError,
    open_closed,
    process_folder,
    require_own,
)
from llmtrain.local.lock import WorkspaceError, workspace_lock


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    with open_closed(tmp_path / "log") as file:
        file.write(b"one ")
    with open_closed(tmp_path / "log", append=True) as file:
        file.write(b"two")
    assert (tmp_path / "log").read_bytes() == b"one two"
    assert _mode(tmp_path / "log") == 0o600


def test_a_link_in_a_file_s_place_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("kept")
    (tmp_path / "log").symlink_to(secret)
    for append in (True, False):
        with pytest.raises(OSError, match="symbolic links"):
            open_closed(tmp_path / "log", append=append)
    assert secret.read_text() == "kept"


def test_the_private_folder_of_a_workspace_is_closed(tmp_path: Path) -> None:
    private = tmp_path / "run" / ".llmtrain"
    private.mkdir(parents=True)
    private.chmod(0o755)  # as an older version left it
    with workspace_lock(private):
        assert _mode(private) == 0o700
        assert _mode(private / "lock") == 0o600


def test_a_workspace_that_everybody_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    refusal = pytest.raises(WorkspaceError, match=f"everybody may write to {tmp_path}.*chmod o-w")
    with refusal, workspace_lock(tmp_path / ".llmtrain"):
        pass


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED without root: it becomes another user")
def test_a_folder_of_another_user_is_refused() -> None:
    os.seteuid(65_533)
    try:
        with pytest.raises(OpenToOthersError, match=r"belongs to another user \(number 0\)"):
            require_own(Path("/usr"))
    finally:
        os.seteuid(0)


def test_what_processes_leave_lies_in_a_folder_of_their_owner() -> None:
    folder = process_folder()
    try:
        assert _mode(folder.root) == 0o700
        assert list(folder.working.iterdir()) == []
        assert {Path(each).parent for each in folder.environment.values()} == {folder.root}
    finally:
        for each in (folder.ray, folder.working, folder.temporary, folder.root):
            each.rmdir()
