"""Units of work: folders that workers write, committed so that none is made twice.

A unit is written to a hidden folder with a name of its own, made durable and renamed. Its record
has the SHA-256 of every file, so that a unit that lost some is made again. Two workers may make the
same unit: the first one's stays.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from pydantic import ValidationError

from llmtrain_api.base import Record
from llmtrain_trainer.files import remove_folder, sha256, sync, sync_tree

ReportT = TypeVar("ReportT", bound=Record)

Item = TypeVar("Item")

_RECORD = "unit.json"
_SMALLEST_BYTES = 16 * 2**20
"""Input of a unit, unless there is less: seconds of work, lost where a worker is lost."""
_NUM_UNITS = 4096
"""Units of much input, about: the driver holds a report on each."""


class _Unit(Record):
    """Record of a committed unit."""

    files: dict[str, str]
    """SHA-256 of every other file, by its path within the unit."""
    report: str
    """JSON of what the worker reported."""


def unit_bytes(total_bytes: int) -> int:
    """The least input of a unit, unless there is less.

    Args:
        total_bytes: all input of the stage.
    """
    return max(_SMALLEST_BYTES, total_bytes // _NUM_UNITS)


def neighbours(
    sized: Iterable[tuple[Item, int]], num_bytes: int
) -> Iterator[tuple[tuple[Item, ...], int]]:
    """Runs of items with this many bytes together, and their bytes; a larger item ends its run.

    Args:
        sized: items in order, and the bytes of each.
        num_bytes: as `unit_bytes` says.
    """
    run: list[Item] = []
    total = 0
    for item, size in sized:
        run.append(item)
        total += size
        if total >= num_bytes:
            yield tuple(run), total
            run, total = [], 0
    if run:
        yield tuple(run), total


def committed(target: Path, make: Callable[[Path], ReportT], report: type[ReportT]) -> ReportT:
    """The report of a unit, which is made unless it is there and whole.

    Args:
        target: folder of the unit.
        make: fills an empty folder; the same inputs must give the same files and report.
        report: type of the report.
    """
    found = _read(target)
    if found is None:
        found = _make(target, make)
    return report.model_validate_json(found.report)


def sweep(folder: Path, keep: str) -> Path:
    """Prepare a folder of units; what other inputs and killed workers left is removed.

    Args:
        folder: holds the units of one stage.
        keep: name of the subfolder whose units may be gone on with.

    Returns:
        The subfolder.
    """
    home = folder / keep
    home.mkdir(parents=True, exist_ok=True)
    others = [each for each in folder.iterdir() if each != home]
    for each in (*others, *home.glob("**/.*.tmp")):
        remove_folder(each)
    return home


def _make(target: Path, make: Callable[[Path], ReportT]) -> _Unit:
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    temporary.mkdir(parents=True)
    try:
        made = make(temporary)
        files = {
            path.relative_to(temporary).as_posix(): sha256(path)
            for path in sorted(temporary.rglob("*"))
            if path.is_file()
        }
        unit = _Unit(files=files, report=made.model_dump_json())
        (temporary / _RECORD).write_text(unit.model_dump_json() + "\n", encoding="utf-8")
        sync_tree(temporary)
        try:
            temporary.rename(target)
        except OSError:
            # Another worker made it meanwhile, or files of it were lost.
            other = _read(target)
            if other is not None:
                return other
            remove_folder(target)
            temporary.rename(target)
        sync(target.parent)
    finally:
        remove_folder(temporary)
    return unit


def _read(target: Path) -> _Unit | None:
    """The record of a unit; None where it is not there or not whole."""
    try:
        unit = _Unit.model_validate_json((target / _RECORD).read_bytes())
    except (FileNotFoundError, ValidationError):  # invalid: another version of llmtrain wrote it
        return None
    paths = {target / name: digest for name, digest in unit.files.items()}
    if all(path.is_file() and sha256(path) == digest for path, digest in paths.items()):
        return unit
    return None
