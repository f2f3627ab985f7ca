"""Checks what no other tool looks at: the shape of the source tree and of the lock file."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from llmtrain_api.families import Family
from llmtrain_api.stages import Stage

ROOT = Path(__file__).parents[1]

_LONGEST_FILE_LINES = 400
_SOURCE_ROOTS = ("operator", "trainer")
_PYTHON = (*_SOURCE_ROOTS, "benchmarks", "scripts", "tests")
_FAMILIES = Path("operator/llmtrain_api/families")
_API, _TRAINER = Path("operator/llmtrain_api"), Path("trainer/llmtrain_trainer")
_KNOW_ALL_STAGES = (
    _API / "stages.py",
    _API / "job.py",  # what sections ask of one another
    _API / "job_rules.py",
    _API / "upgrade" / "spec.py",  # fields of an earlier version
    _API / "upgrade" / "status.py",
    Path("operator/llmtrain_cli/plan.py"),  # the option --finetune-tokens
    _TRAINER / "export" / "facts.py",  # the model card shows what was measured
)
_RIDDLES = {
    r"\b(?:told|tells?|foretold|foretells)\b": "say what is reported, shown or recorded",
    r"^(?:Of|Which|Whose|When|That|So far)\b": "begin with a noun or a verb",
    r"^\s+[a-z_]+: (?:of|that|whose|in which) ": "name the argument with a noun first",
}
_STAGES = {s.value: s for s in Stage if s.value not in {"data", "tokenizer", "export"}}
"""By name, but for those whose names are also other things'."""
_MODELS = {stage.row.makes.name: stage for stage in Stage if stage.row.makes}


@dataclass(frozen=True)
class _File:
    """A Python file of the tree."""

    place: Path
    """Below the root."""
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of its syntax tree."""
        return list(ast.walk(ast.parse(self.text)))


@cache
def _files(*folders: str) -> list[_File]:
    """The Python files of some folders, in order."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return [_File(path.relative_to(ROOT), path.read_text(encoding="utf-8")) for path in paths]


def main() -> int:
    """Print each fault; the number of them is the exit code."""
    faults = [
        *_source_root_faults(),
        *_lock_faults(),
        *_long_files(),
        *_family_names(),
        *_stage_names(),
        *_riddles(),
        *_unchecked_copies(),
    ]
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
    for file in _files(*_PYTHON):
        lines = file.text.count("\n")
        if lines > _LONGEST_FILE_LINES:
            yield f"{file.place}: {lines} lines; {_LONGEST_FILE_LINES} is the most"


def _family_names() -> Iterator[str]:
    """Only the files of families, which build upon each other, may name them."""
    for file in _files(*_SOURCE_ROOTS):
        if file.place.is_relative_to(_FAMILIES):
            continue
        for family in Family:
            if found := re.search(_spellings(family), file.text, re.IGNORECASE):
                line = file.text.count("\n", 0, found.start()) + 1
                yield (
                    f"{file.place}:{line}: {found[0]!r} is a family; what depends on it belongs in "
                    f"{_FAMILIES / family}.py"
                )


def _spellings(name: str) -> str:
    """A pattern of a family's name as programs and papers write it: `gpt2`, `GPT-2`."""
    parts = re.findall(r"[a-z]+|[0-9]+", name)
    return f"(?<![a-z]){'[-_ ]?'.join(parts)}(?!_?[a-z])"


def _stage_names() -> Iterator[str]:
    """A stage is known by its row in the table; only its own files name it."""
    for file in _files(*_SOURCE_ROOTS):
        if file.place in _KNOW_ALL_STAGES:
            continue
        for node in file.nodes:
            stage = _named_stage(node)
            if stage is not None and not _is_own_file(file.place, stage):
                yield (
                    f"{file.place}:{getattr(node, 'lineno', 0)}: names the stage {stage}; "
                    f"ask the table in {_KNOW_ALL_STAGES[0]}"
                )


def _named_stage(node: ast.AST) -> Stage | None:
    """The stage that a piece of code names: `Stage.X`, `spec.x`, "x", or its model in quotes."""
    match node:
        case ast.Attribute(value=ast.Name(id="Stage"), attr=attribute) if attribute.isupper():
            return Stage.__members__.get(attribute)
        case ast.Attribute(attr=word) | ast.Constant(value=str(word)) if word in _STAGES:
            return _STAGES[word]
        case ast.Constant(value=str(word)):
            return _MODELS.get(word)
        case _:
            return None


def _is_own_file(place: Path, stage: Stage) -> bool:
    return place == _API / "spec" / f"{stage}.py" or place.is_relative_to(_TRAINER / stage)


def _riddles() -> Iterator[str]:
    """A docstring is read without its neighbours, often by `kubectl explain`."""
    for file in _files(*_PYTHON):
        for node in file.nodes:
            match node:
                case ast.Expr(value=ast.Constant(value=str(text), lineno=line)):
                    yield from (
                        f"{file.place}:{line + text.count(chr(10), 0, found.start())}: "
                        f"{found[0].strip()!r} in a docstring; {advice}"
                        for riddle, advice in _RIDDLES.items()
                        for found in re.finditer(riddle, text, re.MULTILINE)
                        if not riddle.startswith("^(") or found.start() == 0
                    )


def _unchecked_copies() -> Iterator[str]:
    """A misspelt field is an error of `Record.replace`; pydantic's own copy ignores it."""
    for file in _files(*_PYTHON):
        if file.place == _API / "base.py":
            continue
        for node in file.nodes:
            if isinstance(node, ast.Attribute) and node.attr == "model_copy":
                place = f"{file.place}:{node.lineno}"
                yield f"{place}: model_copy checks no field; use `replace(field=...)`"


if __name__ == "__main__":
    sys.exit(main())
