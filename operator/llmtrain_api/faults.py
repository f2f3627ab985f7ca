"""Says what is wrong with a document in the words of the document."""

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from llmtrain_api.upgrade.spec import written_instead
from llmtrain_api.versions import MINOR

_LONGEST_SHOWN = 80
_BRANCH = re.compile(r"constrained-|function-|literal\[")
"""Prefixes of pydantic's names for the branches of a union, which are part of locations."""
_WITHOUT_VALUE = frozenset({"extra_forbidden", "missing", "value_error", "too_long"})
"""Faults that are clear without the value that was found."""


def describe_faults(error: ValidationError, model: type[BaseModel] | None = None) -> list[str]:
    """One line for each fault: the field as it is written, what is wrong, what was found.

    Args:
        error: validation error of a model with camelCase aliases.
        model: model of the document, with which a misspelt field is distinguished from an
            unknown one, and what a missing one must be is said.
    """
    reasons: dict[str, str] = {}
    found: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        location = [part for part in fault["loc"] if not _is_branch(part, fault)]
        field = _field(location)
        if fault["type"] == "too_short" and any(line.startswith(field) for line in reasons):
            continue  # its items are faulty, and so were not counted
        reason = _reason(fault) + _advice(fault["type"], location, model)
        if field in reasons:
            joint = ", or " if len(location) < len(fault["loc"]) else "; "
            reason = f"{reasons[field]}{joint}{reason}"
        reasons[field] = reason
        if fault["type"] not in _WITHOUT_VALUE:
            found[field] = f"; found {_shown(fault['input'])}"
    return [f"{field}: {reason}{found.get(field, '')}" for field, reason in reasons.items()]


def _is_branch(part: int | str, fault: ErrorDetails) -> bool:
    return (
        isinstance(part, str) and fault["type"] != "extra_forbidden" and bool(_BRANCH.match(part))
    )


def _field(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif re.fullmatch(r"[\w-]+", part):
            path += f".{part}" if path else part
        else:
            path += f"[{_shown(part)}]"
    return path or "the document"


def _reason(fault: ErrorDetails) -> str:
    message = fault["msg"]
    match fault["type"]:
        case "extra_forbidden":
            return "unknown field"
        case "missing":
            return "missing; it must be set"
        case "value_error":
            return message.removeprefix("Value error, ")
        case "too_short" | "too_long":
            return _length(fault["type"], fault["ctx"])
        case _:
            return f"{message[0].lower()}{message[1:]}"


def _length(kind: str, limits: Mapping[str, Any]) -> str:
    most = kind == "too_long"
    limit = limits["max_length" if most else "min_length"]
    items = "item" if limit == 1 else "items"
    return f"should have at {'most' if most else 'least'} {limit} {items}"


def _shown(value: object) -> str:
    """A value as a manifest has it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _advice(kind: str, location: Sequence[int | str], model: type[BaseModel] | None) -> str:
    if model is None or not location:
        return ""
    fields = _fields_at(model, location[:-1])
    if kind == "missing":
        only = _only_value(fields.get(str(location[-1])))
        return f", to {only}" if only else ""
    if kind != "extra_forbidden":
        return ""
    path = location[1:] if location[0] == "spec" else location
    if instead := written_instead(path):
        return f" since {MINOR}; {instead}"
    near = difflib.get_close_matches(str(location[-1]), fields, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known are {', '.join(sorted(fields))}" if fields else "; remove it"


def _only_value(annotation: Any) -> str | None:  # noqa: ANN401 - any type
    values = get_args(annotation) if get_origin(annotation) is Literal else ()
    return str(values[0]) if len(values) == 1 else None


def _fields_at(model: type[BaseModel], location: Sequence[int | str]) -> Mapping[str, Any]:
    """The fields of the section at a location, as they are written, and their types."""
    fields = _fields(model)
    for part in location:
        if isinstance(part, str):
            fields = _fields(_section_in(fields.get(part)))
    return fields


def _fields(model: type[BaseModel] | None) -> Mapping[str, Any]:
    if model is None:
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _section_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type
    """The model inside an annotation such as `tuple[Source, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)
