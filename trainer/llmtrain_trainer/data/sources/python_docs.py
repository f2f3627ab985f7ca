"""The source `pythonDocs`: the interpreter's own documentation, read from its source files.

No module is imported: source files are parsed, so that the harvest is the same on every machine
with the same interpreter, quick, and free of side effects. Two exceptions are loaded anyway or
hold nothing but text: `builtins`, and the topics of `help()`.
"""

import ast
import builtins
import inspect
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from pydoc_data.topics import topics
from typing import Literal

from llmtrain_trainer.data.readers.rows import BadRows

Kind = Literal["module", "class", "function", "method", "topic"]

_LEFT_OUT = frozenset(
    {"test", "tests", "idlelib", "lib2to3", "turtledemo", "site-packages", "dist-packages"}
)
_KNOWN_AS = {
    "posixpath": "os.path",
    "_collections_abc": "collections.abc",
    "_pydecimal": "decimal",
    "_pyio": "io",
}
"""Modules with another name than their file."""
_DEFINITIONS = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BUILTINS = "builtins"
_TOPICS = "topics"
_PARTS_IN_A_UNIT = 64


@dataclass(frozen=True)
class DocEntry:
    """One documented thing."""

    qualified_name: str
    """`os.path.join`; of a topic, its name: `assert`."""
    signature: str
    """`os.path.join(a, *p)`; the qualified name where there is nothing to call."""
    kind: Kind
    text: str
    """Its docstring without indentation."""

    @property
    def document(self) -> str:
        """The text below its signature, so that a model learns which name means what."""
        return f"{self.signature}\n\n{self.text}"


def harvest() -> list[DocEntry]:
    """Everything public that is documented, always in the same order."""
    return [entry for part in parts() for entry in harvest_part(part)]


def parts() -> list[str]:
    """The parts to harvest one by one: the builtins, source files, the topics."""
    library = _library()
    files = (path.relative_to(library) for path in library.rglob("*.py"))
    documented = sorted(file.as_posix() for file in files if _is_documented(file))
    return [_BUILTINS, *documented, _TOPICS]


def harvest_part(part: str) -> Iterator[DocEntry]:
    """The entries of one part, in the order of its source.

    Args:
        part: one of `parts()`.
    """
    if part == _BUILTINS:
        yield from _harvest_builtins()
    elif part == _TOPICS:
        yield from (DocEntry(name, name, "topic", text) for name, text in sorted(topics.items()))
    else:
        source = (_library() / part).read_bytes()
        yield from _harvest_module(_module_name(Path(part)), ast.parse(source))


@cache
def _library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def _module_name(file: Path) -> str:
    names = file.with_suffix("").parts
    if names[-1] == "__init__":
        names = names[:-1]
    name = ".".join(names)
    return _KNOWN_AS.get(name, name)


def _is_documented(file: Path) -> bool:
    names = file.with_suffix("").parts
    if _LEFT_OUT & set(names):
        return False
    return not any(_is_private(name) for name in _module_name(file).split("."))


def _is_private(name: str) -> bool:
    return name.startswith("_") or not name.isidentifier()


def _harvest_module(name: str, tree: ast.Module) -> Iterator[DocEntry]:
    text = ast.get_docstring(tree)
    if text:
        yield DocEntry(name, name, "module", text)
    yield from _harvest_body(name, tree.body, in_class=False)


def _harvest_body(prefix: str, body: Iterable[ast.AST], *, in_class: bool) -> Iterator[DocEntry]:
    for node in body:
        if isinstance(node, ast.If | ast.Try | ast.ExceptHandler):  # definitions by platform
            yield from _harvest_body(prefix, ast.iter_child_nodes(node), in_class=in_class)
        elif isinstance(node, _DEFINITIONS) and not _is_private(node.name):
            yield from _harvest_definition(f"{prefix}.{node.name}", node, in_class=in_class)


def _harvest_definition(name: str, node: _DEFINITIONS, *, in_class: bool) -> Iterator[DocEntry]:
    text = ast.get_docstring(node)
    if isinstance(node, ast.ClassDef):
        if text:
            yield DocEntry(name, name + _class_parameters(node), "class", text)
        yield from _harvest_body(name, node.body, in_class=True)
    elif text:
        kind: Kind = "method" if in_class else "function"
        yield DocEntry(name, name + _parameters(node, bound=in_class), kind, text)


def _class_parameters(node: ast.ClassDef) -> str:
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and member.name == "__init__":
            return _parameters(member, bound=True)
    return ""


def _parameters(node: ast.FunctionDef | ast.AsyncFunctionDef, *, bound: bool) -> str:
    """The parameters as a caller sees them: without `self`, `cls` and annotations."""
    arguments = node.args
    for argument in ast.walk(arguments):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    decorators = {item.id for item in node.decorator_list if isinstance(item, ast.Name)}
    if "property" in decorators:
        return ""
    if bound and "staticmethod" not in decorators:
        del (arguments.posonlyargs or arguments.args)[:1]
    return f"({ast.unparse(arguments)})"


def _harvest_builtins() -> Iterator[DocEntry]:
    for name, value in sorted(vars(builtins).items()):
        if _is_private(name) or not callable(value):
            continue
        if not isinstance(value, type):
            yield from _builtin_entry(name, value, "function")
            continue
        yield from _builtin_entry(name, value, "class")
        for member_name, member in sorted(vars(value).items()):
            if not _is_private(member_name):
                yield from _builtin_entry(f"{name}.{member_name}", member, "method")


def _builtin_entry(name: str, value: object, kind: Kind) -> Iterator[DocEntry]:
    text = inspect.cleandoc(value.__doc__ or "")
    if text:
        yield DocEntry(name, name + _builtin_parameters(value), kind, text)


def _builtin_parameters(value: object) -> str:
    if not callable(value):
        return ""
    try:
        signature = inspect.signature(value)
    except ValueError:  # some builtins have no signature
        return ""
    shown = [item for item in signature.parameters.values() if item.name != "self"]
    return str(signature.replace(parameters=shown, return_annotation=inspect.Signature.empty))


@dataclass(frozen=True)
class PythonDocsShard:
    """Some modules of the standard library."""

    parts: tuple[str, ...]
    source: str = "pythonDocs"
    is_html: bool = False

    @property
    def size(self) -> int:
        """Bytes of source code."""
        files = (_library() / part for part in self.parts)
        return sum(file.stat().st_size for file in files if file.is_file())

    @property
    def identity(self) -> str:
        """The interpreter's version and the modules."""
        return f"{sys.version} {self.parts}"

    def documents(self, bad_rows: BadRows) -> Iterator[str]:  # noqa: ARG002 - it has no rows
        """A document for each documented thing."""
        for part in self.parts:
            for entry in harvest_part(part):
                yield entry.document


def python_docs_shards() -> list[PythonDocsShard]:
    """The whole documentation, in a few shards."""
    every = parts()
    return [
        PythonDocsShard(tuple(every[start : start + _PARTS_IN_A_UNIT]))
        for start in range(0, len(every), _PARTS_IN_A_UNIT)
    ]
