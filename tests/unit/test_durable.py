"""A folder is replaced as a whole or not at all."""

from pathlib import Path

import pytest

from llmtrain_trainer.completion import fingerprint, made_from, mark_complete
from llmtrain_trainer.files import replace_file, replaced_folder


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_new_folder_takes_the_old_ones_place(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with replaced_folder(tmp_path / "a" / "b") as folder:
            (folder / name).touch()
    assert names(tmp_path) == ["a", "a/b", "a/b/two"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    with replaced_folder(tmp_path / "b") as folder:
        (folder / "one").touch()

    def fail() -> None:
        with replaced_folder(tmp_path / "b") as folder:
            (folder / "two").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == ["b", "b/one"]


def test_what_a_killed_attempt_left_is_removed(tmp_path: Path) -> None:
    for leftover in (".b.tmp", ".b.old"):
        (tmp_path / leftover).mkdir()
        (tmp_path / leftover / "half").touch()
    with replaced_folder(tmp_path / "b") as folder:
        (folder / "one").touch()
    assert names(tmp_path) == ["b", "b/one"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for text in ("one", "two"):
        replace_file(tmp_path / "a" / "report.json", text)
    assert names(tmp_path) == ["a", "a/report.json"]
    assert (tmp_path / "a" / "report.json").read_text() == "two"


def test_a_marker_says_what_a_folder_was_made_from(tmp_path: Path) -> None:
    assert made_from(tmp_path / "none") is None
    assert made_from(tmp_path) is None
    mark_complete(tmp_path, fingerprint(["a", "b"]))
    assert made_from(tmp_path) == fingerprint(["a", "b"])
    assert made_from(tmp_path) != fingerprint(["ab", ""])
