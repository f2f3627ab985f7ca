"""Values at and beyond the edges of each field, read from a structural schema."""

from collections.abc import Callable, Iterator

from pydantic.alias_generators import to_snake
from support.cluster.jobs import Removed

from llmtrain_api.structural_schema import Schema

_PATTERN_SAMPLES = ("8Gi", "0Gi", "8G", "20x", "1.25x", "0x", "20", "task/metric", "a b")
_LONGEST_SENT = 2000
"""Lengths beyond this are left to the tests that name them: they only make requests slow."""


def fields(schema: Schema, path: str = "spec") -> Iterator[tuple[str, list[object]]]:
    """Each field with the values that are worth trying in it."""
    yield path, [*_values(schema), Removed.REMOVED]
    for name, child in schema.get("properties", {}).items():
        yield from fields(child, f"{path}.{name}")
        if (in_python := to_snake(name)) != name:
            yield f"{path}.{in_python}", [child.get("default", 1)]
    if "items" in schema:
        yield from fields(schema["items"], f"{path}[0]")


def _values(schema: Schema) -> list[object]:
    if "x-kubernetes-int-or-string" in schema:
        return [*_integers(schema), *_strings(schema)]
    return _VALUES[schema["type"]](schema)


def _integers(schema: Schema) -> list[object]:
    edges = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    near = [edge + offset for edge in edges for offset in (-1, 0, 1)]
    return [*near, *schema.get("enum", []), 16, 10**30]


def _numbers(schema: Schema) -> list[object]:
    edges = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    return [edge + offset for edge in edges for offset in (-1e-6, 0, 1e-6)] + [1, 0.25, -3e300]


def _strings(schema: Schema) -> list[object]:
    lengths = [schema[limit] for limit in ("minLength", "maxLength") if limit in schema]
    near = [length + offset for length in lengths for offset in (-1, 0, 1)]
    texts = ["\u00e9" * length for length in near if 0 <= length <= _LONGEST_SENT]
    return [*texts, *schema.get("enum", []), *_PATTERN_SAMPLES, "word"]


_VALUES: dict[str, Callable[[Schema], list[object]]] = {
    "object": lambda _: [{}, {"unknown": 1}, "text", []],
    "array": lambda _: [[], {}, "text"],
    "boolean": lambda _: [True, False, "true", 1],
    "string": lambda schema: [*_strings(schema), 5, True],
    # An enum of integers takes true for 1 in pydantic; nobody writes that.
    "integer": lambda schema: [*_integers(schema), "7", 2.5, *([] if "enum" in schema else [True])],
    "number": lambda schema: [*_numbers(schema), "0.5", True],
}
