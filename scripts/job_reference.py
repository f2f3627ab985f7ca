"""Writes docs/job-reference.md from the models and the exit codes."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from typing import Any

from llmtrain_api.exit_codes import ExitCode, FailureClass
from llmtrain_api.job import JobSpec
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_api.structural_schema import Schema, structural_schema

_INTRODUCTION = """\
<!-- Generated from operator/llmtrain_api by `make generate`. Do not edit. -->
# LLMTrainingJob, field by field

`apiVersion: llmtrain.io/v1alpha1`, `kind: LLMTrainingJob`. The same manifest runs on a laptop
(`llmtrain run job.yaml`) and in a cluster (`kubectl apply -f job.yaml`). A stage runs when its
section is there. Once a job is applied only `spec.policy` can be changed.

The name has at most 40 characters: lower case letters, digits and hyphens.
"""

_LONGEST_PATTERN = 70
"""Beyond it the meaning has to say it in words."""
_CONDITIONS = """\
Each of the last four is a condition too, which is `True` while the job is in it and
`False` otherwise: `Running`, `Suspended`, `Succeeded`, `Failed`. So
`kubectl wait --for=condition=Succeeded ltj/NAME` works.

Three more conditions are for [GitOps tools](gitops.md). `Ready` is `True` while a stage runs and
once the job has succeeded. `Reconciling` is `True` while the job waits to run. `Stalled` is `True`
where somebody has to change something: the job has failed, or its manifest is not understood.
"""


def render_job_reference() -> str:
    """The whole page; the same models give the same bytes."""
    seen: dict[str, str] = {}
    parts = [
        _INTRODUCTION,
        *_sections("spec", structural_schema(JobSpec), seen),
        *_sections("status", structural_schema(JobStatus), seen),
        _enum_table("Phases", "Phase", Phase),
        _CONDITIONS,
        _enum_table("States of a stage", "State", StageState),
        _enum_table("Exit codes of a stage", "Code", ExitCode),
        _enum_table("Classes of failures", "Class", FailureClass),
    ]
    return "\n".join(parts)


def _sections(path: str, schema: Schema, seen: dict[str, str]) -> Iterator[str]:
    """The table of an object's fields, then those of the objects in it."""
    fingerprint = str(schema.get("properties"))
    earlier = seen.setdefault(fingerprint, path)
    yield f"## {path}\n"
    yield f"{schema.get('description', '')}\n"
    if earlier != path:
        yield f"The same fields as [{earlier}](#{_anchor(earlier)}).\n"
        return
    yield "| Field | Type | Default | Limits | Meaning |\n|-|-|-|-|-|"
    required = schema.get("required", [])
    for name, child in schema["properties"].items():
        yield _row(path, name, child, required=name in required)
    yield ""
    rules = [rule["message"] for rule in schema.get("x-kubernetes-validations", [])]
    yield from (f"- {rule}." for rule in rules if "cannot be changed" not in rule)
    if rules:
        yield ""
    for name, child in schema["properties"].items():
        inner = child.get("items", child)
        if "properties" in inner:
            yield from _sections(_below(path, name, child), inner, seen)


def _row(path: str, name: str, schema: Schema, *, required: bool) -> str:
    default = "**required**" if required else _default(schema)
    inner = schema.get("items", schema)
    shown = f"`{name}`"
    if "properties" in inner:
        shown = f"[`{name}`](#{_anchor(_below(path, name, schema))})"
    meaning = schema.get("description", "").replace("\n\n", " ").replace("|", "\\|")
    return f"| {shown} | {_type(schema)} | {default} | {_limits(schema)} | {meaning} |"


def _below(path: str, name: str, schema: Schema) -> str:
    return f"{path}.{name}" + ("[]" if "items" in schema else "")


def _anchor(heading: str) -> str:
    return heading.lower().replace(".", "").replace("[]", "")


def _type(schema: Schema) -> str:
    if "x-kubernetes-int-or-string" in schema:
        return "integer or string"
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    return str(schema["type"])


def _default(schema: Schema) -> str:
    default = schema.get("default")
    is_of_objects = default and "properties" in schema.get("items", {})
    if default is None or isinstance(default, dict) or is_of_objects:
        return ""
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _limits(schema: Schema) -> str:
    """Values, bounds and patterns in words; lengths of texts only where they are short."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    parts = []
    if "minimum" in schema or "maximum" in schema:
        parts.append(_range(schema))
    if len(schema.get("pattern", "")) in range(1, _LONGEST_PATTERN):
        parts.append(f"`{schema['pattern']}`".replace("|", "\\|"))
    if "maxItems" in schema:
        parts.append(f"{schema.get('minItems', 0)} to {schema['maxItems']} items")
    return "; ".join(parts)


def _range(schema: Schema) -> str:
    lower = "above" if schema.get("exclusiveMinimum") else "from"
    upper = "below" if schema.get("exclusiveMaximum") else "to"
    bounds = [
        f"{word} {schema[bound]:,}"
        for word, bound in ((lower, "minimum"), (upper, "maximum"))
        if bound in schema
    ]
    return " ".join(bounds)


def _enum_table(title: str, column: str, kind: type[Enum]) -> str:
    meanings = _member_docstrings(kind)
    rows = [f"| `{member.value}` | {meanings[member.name]} |" for member in kind]
    return "\n".join([f"## {title}\n", f"| {column} | Meaning |", "|-|-|", *rows, ""])


def _member_docstrings(kind: type[Enum]) -> dict[str, str]:
    """The string under each member, which Python itself throws away."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)
    meanings: dict[str, str] = {}
    member: Any = None
    for statement in body.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]):
                member = name
            case ast.Expr(value=ast.Constant(value=str(text))) if member:
                meanings[member] = " ".join(text.split())
            case _:
                member = None
    return meanings
