"""A folder from somewhere, with modules in it that have the names of Python's and of libraries."""

from pathlib import Path

_NAMES = ("json", "psutil", "ray", "torch", "numpy", "socks", "llmtrain_trainer", "sitecustomize")


def strangers_folder(path: Path) -> Path:
    """Make one; whatever imports a module of it leaves a trace, and fails."""
    path.mkdir()
    for name in _NAMES:
        trace = path / f"{name}.ran"
        code = f"open({str(trace)!r}, 'w').close()\nraise ImportError('planted')\n"
        (path / f"{name}.py").write_text(code)
    return path


def what_ran(folder: Path) -> list[str]:
    """The modules of such a folder that were imported."""
    return sorted(trace.stem for trace in folder.glob("*.ran"))
