"""A unit is made once, and again where a file of it was lost."""

from pathlib import Path

import pytest

from llmtrain_api.base import Record
from llmtrain_trainer.units import committed, sweep


class Count(Record):
    """What a worker reports here."""

    letters: int


class Maker:
    """Makes a unit with one file, and counts how often.

    Args:
        text: content of the file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.times = 0

    def __call__(self, folder: Path) -> Count:
        self.times += 1
        (folder / "a").mkdir()
        (folder / "a" / "text").write_text(self.text)
        return Count(letters=len(self.text))


def test_a_finished_unit_is_not_made_again(tmp_path: Path) -> None:
    make = Maker("one")
    for _ in range(2):
        assert committed(tmp_path / "0", make, Count) == Count(letters=3)
    assert make.times == 1
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


@pytest.mark.parametrize("damage", ["changed", "gone", "unreadable"])
def test_a_unit_that_is_not_whole_is_made_again(tmp_path: Path, damage: str) -> None:
    make = Maker("one")
    committed(tmp_path / "0", make, Count)
    file = tmp_path / "0" / "a" / "text"
    if damage == "changed":
        file.write_text("two")
    elif damage == "gone":
        file.unlink()
    else:
        (tmp_path / "0" / "unit.json").write_text("{}")
    assert committed(tmp_path / "0", make, Count) == Count(letters=3)
    assert (make.times, file.read_text()) == (2, "one")


def test_of_two_workers_at_the_same_unit_the_first_one_stays(tmp_path: Path) -> None:
    first = Maker("one")

    def second(folder: Path) -> Count:
        committed(tmp_path / "0", first, Count)
        return Maker("other")(folder)

    assert committed(tmp_path / "0", second, Count) == Count(letters=3)
    assert (tmp_path / "0" / "a" / "text").read_text() == "one"
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> Count:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        committed(tmp_path / "0", fail, Count)
    assert list(tmp_path.iterdir()) == []


def test_only_finished_units_of_the_same_inputs_are_kept(tmp_path: Path) -> None:
    home = sweep(tmp_path / "units", "new")
    committed(home / "clean" / "0", Maker("one"), Count)
    (home / "clean" / ".1.abc.tmp").mkdir()
    sweep(tmp_path / "units", "new")
    assert [path.name for path in (home / "clean").iterdir()] == ["0"]
    sweep(tmp_path / "units", "newer")
    assert [path.name for path in (tmp_path / "units").iterdir()] == ["newer"]
