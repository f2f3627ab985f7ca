"""Checks what no other tool looks at: the shape of the source tree and of the lock file."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from llmtrain_api.families import Family

ROOT = Path(__file__).parents[1]

_LONGEST_FILE_LINES = 400
_SOURCE_ROOTS = ("operator", "trainer")
_PYTHON = (*_SOURCE_ROOTS, "benchmarks", "scripts", "tests")
_FAMILIES = Path("operator/llmtrain_api/families")


def main() -> int:
    """Print each fault; the number of them is the exit code."""
    faults = [*_source_root_faults(), *_lock_faults(), *_long_files(), *_family_names()]
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


def _family_names() -> Iterator[str]:
    """Only a family's own file, and its row in the table, may name it."""
    for path in sorted(path for folder in _SOURCE_ROOTS for path in (ROOT / folder).rglob("*.py")):
        text, where = path.read_text(encoding="utf-8"), path.relative_to(ROOT)
        for family in Family:
            if where in {_FAMILIES / "__init__.py", _FAMILIES / f"{family}.py"}:
                continue
            if found := re.search(_spellings(family), text, re.IGNORECASE):
                line = text.count("\n", 0, found.start()) + 1
                yield (
                    f"{where}:{line}: {found[0]!r} is a family; what depends on it belongs in "
                    f"{_FAMILIES / family}.py"
                )


def _spellings(name: str) -> str:
    """A pattern of a family's name as programs and papers write it: `gpt2`, `GPT-2`."""
    parts = re.findall(r"[a-z]+|[0-9]+", name)
    return "[-_ ]?".join(parts)


if __name__ == "__main__":
    sys.exit(main())
