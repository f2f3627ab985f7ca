"""Folders that a person names: each is a path that can be written down, or is refused."""

import os
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.local_run import small_spec, write_manifest

from llmtrain.local.places import PlaceError, home_folder, place
from llmtrain_cli.exits import WRONG_INPUT


def test_a_path_starts_from_the_home_or_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert home_folder() == tmp_path
    assert place(Path("~/a")) == place(Path("a")) == place(Path("b/../a")) == tmp_path / "a"


def test_a_path_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match=r"~nobody-of-this-name/a: this home folder is unknown"):
        place(Path("~nobody-of-this-name/a"))
    with pytest.raises(PlaceError, match=r"caf\\xe9: this path is not UTF-8"):
        place(tmp_path / os.fsdecode(b"caf\xe9"))
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(PlaceError, match="loop/a: Symlink loop"):
        place(tmp_path / "loop" / "a")


@pytest.mark.parametrize("workspace", [b"~nobody-of-this-name/a", b"caf\xe9"])
def test_a_run_in_no_such_place_is_refused_in_a_line(tmp_path: Path, workspace: bytes) -> None:
    manifest = write_manifest(tmp_path, small_spec())
    ended = CommandLine(None, tmp_path).run("run", manifest, "--workspace", os.fsdecode(workspace))
    assert ended.code == WRONG_INPUT
    assert len(ended.err.splitlines()) == 1
