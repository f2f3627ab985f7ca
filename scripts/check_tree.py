"""Checks what no other tool looks at: the shape of the source tree and of the lock file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]

_LONGEST_FILE_LINES = 400
_SOURCE_ROOTS = ("operator", "trainer")
_PYTHON = (*_SOURCE_ROOTS, "benchmarks", "scripts", "tests")


def main() -> int:
    """Print each fault; the number of them is the exit code."""
    faults = [*_source_root_faults(), *_lock_faults(), *_long_files()]
    for fault in faults:
        print(fault)
    return len(faults)


def _source_root_faults() -> Iterator[str]:
    """A package named operator would hide Python's own, without which Python cannot start."""
    for name in _SOURCE_ROOTS:
        if (ROOT / name / "__init__.py").exists():
            yield f"{name}/__init__.py: {name} is a source root, never a package; remove the file"
    if (ROOT / "tests" / "operator").exists():
        yield "tests/operator: the name hides Python's own operator module; rename it"


def _lock_faults() -> Iterator[str]:
    for path in sorted(ROOT.glob("requirements*.lock")):
        lock = path.read_text()
        for line in lock.splitlines():
            if "://" in line or line.startswith("-"):
                yield f"{path.name}: whoever installs chooses the host; remove {line!r}"
        for entry in re.split(r"\n(?=\S)", lock.strip()):
            if "--hash=sha256:" not in entry:
                yield f"{path.name}: {entry.split()[0]} has no hash; run `make lock`"


def _long_files() -> Iterator[str]:
    for path in sorted(path for folder in _PYTHON for path in (ROOT / folder).rglob("*.py")):
        lines = path.read_text(encoding="utf-8").count("\n")
        if lines > _LONGEST_FILE_LINES:
            yield f"{path.relative_to(ROOT)}: {lines} lines; {_LONGEST_FILE_LINES} is the most"


if __name__ == "__main__":
    sys.exit(main())
