"""The paths that a manifest names, and the files that they stand for."""

import glob
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_args

from llmtrain_api.base import IsPath, Record

_HOME = "~"
M = TypeVar("M", bound=Record)


def named_files(pattern: str, root: Path) -> list[Path]:
    """The files that a path or a glob names, those of a glob sorted; a folder is no file.

    Args:
        pattern: a file, or a glob with `*`, `?`, `[...]` and `**`.
        root: where a relative one starts.
    """
    path = root / pattern
    if is_file(path):
        return [path]
    if not glob.has_magic(pattern):
        return []
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    return [Path(match) for match in matches if is_file(Path(match))]


def is_file(path: Path) -> bool:
    """Whether a path is that of a file; not so where that cannot be found out.

    Python's own method raises an error where a name is too long, or a folder must not be entered.
    """
    try:
        return path.is_file()
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Whether a path is that of a folder; not so where that cannot be found out."""
    try:
        return path.is_dir()
    except OSError:
        return False


def named_paths(model: Record) -> list[str]:
    """All paths in a section."""
    found: list[str] = []

    def note(path: str) -> str:
        found.append(path)
        return path

    _with_paths(model, note)
    return found


def paths_from_home(model: Record) -> list[str]:
    """All paths in a section that start from the home folder, `~/corpus`."""
    return [path for path in named_paths(model) if _starts_from_home(path)]


def with_home(model: M, home: str) -> M:
    """A section in which every path that starts from the home folder is absolute.

    Args:
        model: the section.
        home: absolute path of the home folder.
    """

    def absolute(path: str) -> str:
        return home + path.removeprefix(_HOME) if _starts_from_home(path) else path

    return _with_paths(model, absolute)


def _starts_from_home(path: str) -> bool:
    return path == _HOME or path.startswith(f"{_HOME}/")


def _with_paths(model: M, change: Callable[[str], str]) -> M:
    changed = {
        name: _changed(value, change, is_path=_holds_paths(field.annotation, field.metadata))
        for name, field in type(model).model_fields.items()
        if (value := getattr(model, name)) is not None
    }
    return model.replace(**changed)


def _changed(value: Any, change: Callable[[str], str], *, is_path: bool) -> Any:  # noqa: ANN401 - any field's value
    match value:
        case Record():
            return _with_paths(value, change)
        case tuple():
            return tuple(_changed(item, change, is_path=is_path) for item in value)
        case str() if is_path:
            return change(value)
        case _:
            return value


def _holds_paths(annotation: Any, metadata: Any = ()) -> bool:  # noqa: ANN401 - any type
    """Whether a field's type is that of a path, or of several."""
    if any(isinstance(each, IsPath) for each in metadata):
        return True
    inner = get_args(annotation)
    return any(_holds_paths(each, getattr(each, "__metadata__", ())) for each in inner)
