"""Says what is wrong with a document in the words of the document."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

_LONGEST_SHOWN = 80


def describe_faults(error: ValidationError, model: type[BaseModel] | None = None) -> list[str]:
    """One line for each fault: the field as it is written, what is wrong, what was found.

    Args:
        error: of a model whose fields have camelCase aliases.
        model: that the document was checked against; with it, a misspelt field is told from an
            unknown one.
    """
    lines: dict[str, str] = {}
    for fault in error.errors(include_url=False, include_context=False):
        location, is_branch = _without_branches(fault["loc"])
        field = _field(location)
        if fault["type"] == "too_short" and any(line.startswith(field) for line in lines):
            continue  # its items are faulty, and so were not counted
        reason = _reason(fault["type"], fault["msg"], fault.get("input"))
        if fault["type"] == "extra_forbidden" and model is not None:
            reason += _suggestion(model, location)
        if field in lines:
            lines[field] += f", or {reason}" if is_branch else f"; {reason}"
        else:
            lines[field] = reason
    return [f"{field}: {reason}" for field, reason in lines.items()]


def _without_branches(location: Sequence[int | str]) -> tuple[list[int | str], bool]:
    """The location without pydantic's names for the branches of a union."""
    parts = [part for part in location if isinstance(part, int) or part.isidentifier()]
    return parts, len(parts) < len(location)


def _field(location: Sequence[int | str]) -> str:
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path or "the document"


def _reason(kind: str, message: str, found: object) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown field"
        case "missing":
            return "missing; it must be set"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            shown = repr(found)
            if len(shown) > _LONGEST_SHOWN:
                shown = shown[:_LONGEST_SHOWN] + "..."
            return f"{message[0].lower()}{message[1:]}; found {shown}"


def _suggestion(model: type[BaseModel], location: Sequence[int | str]) -> str:
    names = _field_names(model, location[:-1])
    near = difflib.get_close_matches(str(location[-1]), names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known are {', '.join(sorted(names))}" if names else "; remove it"


def _field_names(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The fields of the section at a location, as they are written."""
    current: Any = model
    for part in location:
        if isinstance(part, int):
            continue
        fields = _fields(current)
        if part not in fields:
            return []
        current = _section_in(fields[part])
    return list(_fields(current))


def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    if model is None:
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _section_in(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type
    """The model inside an annotation such as `tuple[Source, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)
