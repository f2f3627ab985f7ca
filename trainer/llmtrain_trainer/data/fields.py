"""Finds the field of a row that a manifest names, also inside other fields: `meta.text`."""

from collections.abc import Mapping, Sequence

from llmtrain_trainer.errors import UserError

_FIELDS_SHOWN = 10


def find_field(row: Mapping[str, object], field: str, place: str, *, setting: str) -> object:
    """The value of a field.

    Args:
        row: field names and values.
        field: a name, or the names of objects inside each other, with dots between them.
        place: of the row, for the error.
        setting: the manifest's field that names it: `textField`.

    Raises:
        UserError: the row has no such field.
    """
    if field in row:
        return row[field]
    within, prefix = row, ""
    *outer, last = field.split(".")
    for name in outer:
        inner = within.get(name)
        if not isinstance(inner, Mapping):
            break
        within, prefix = inner, f"{prefix}{name}."
    else:
        if last in within:
            return within[last]
    found = ", ".join(sorted(f"{prefix}{name}" for name in within)[:_FIELDS_SHOWN]) or "none"
    raise UserError(
        f"{place}: no field {field!r}; the fields are: {found}; set {setting} to one of them",
        reason="InvalidData",
    )


def string_field(row: Mapping[str, object], field: str, place: str) -> str:
    """The text of a row; bytes are read as UTF-8.

    Raises:
        UserError: the field is missing, or no text.
    """
    value = find_field(row, field, place, setting="textField")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise UserError(
                f"{place}: field {field!r} is not UTF-8: byte 0x{value[error.start]:02x} "
                f"at offset {error.start}",
                reason="InvalidData",
            ) from error
    if not isinstance(value, str):
        raise UserError(
            f"{place}: field {field!r} must be a string; found {value!r:.80}",
            reason="InvalidData",
        )
    return value


def column_of(columns: Sequence[str], field: str) -> str | None:
    """The column that holds a field; None where there is none."""
    names = (field, field.partition(".")[0])
    return next((name for name in names if name in columns), None)
