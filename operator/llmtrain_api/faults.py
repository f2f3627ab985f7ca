"""Says what is wrong with a document in the words of the document."""

from collections.abc import Sequence

from pydantic import ValidationError


def describe_faults(error: ValidationError, *, root: str = "") -> list[str]:
    """One line for each fault: the field as it is written, what is wrong, what was found.

    Args:
        error: of a model whose fields have camelCase aliases.
        root: put before each field: `spec`.
    """
    return [
        f"{_field(fault['loc'], root)}: {_reason(fault['type'], fault['msg'], fault.get('input'))}"
        for fault in error.errors(include_url=False, include_context=False)
    ]


def _field(location: Sequence[int | str], root: str) -> str:
    path = root
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path or "the document"


def _reason(kind: str, message: str, found: object) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown field; remove it or correct its name"
        case "missing":
            return "missing; it must be set"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            shown = repr(found)
            return f"{message[0].lower()}{message[1:]}; found {shown[:80]}"
