"""Rows of a source: the field that holds the text, and rows that cannot be used."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TypeVar

from llmtrain_api.data_report import Skipped
from llmtrain_trainer.data.readers.reading import require_document
from llmtrain_trainer.errors import UserError

Raw = TypeVar("Raw")
Row = TypeVar("Row")

_FIELD = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
"""A field's name in a template, or a brace that is written twice."""
TEMPLATE = "template"
_NUM_EXAMPLES = 3
_FIELDS_SHOWN = 10


def first_examples(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """The few errors that are shown of two lists, one after the other."""
    return tuple(islice(chain(first, second), _NUM_EXAMPLES))


def merge_skipped(
    first: Mapping[str, Skipped], second: Mapping[str, Skipped]
) -> dict[str, Skipped]:
    """The counts of both; the first's examples stay."""
    merged = dict(first)
    for kind, each in second.items():
        before = merged.get(kind)
        merged[kind] = each if before is None else before.plus(each.count)
    return merged


@dataclass
class BadRows:
    """Counts the rows of one source that could not be used.

    Args:
        limit: the source's `maxBadRows`.
    """

    limit: int
    count: int = 0
    examples: list[str] = field(default_factory=list)
    """File, line and fault of the first few."""
    skipped: dict[str, Skipped] = field(default_factory=dict)
    """What else holds no document, by its kind; there is no limit to it."""
    _new_count: int = 0
    _new_examples: list[str] = field(default_factory=list)

    def usable(
        self, rows: Iterable[tuple[str, Raw]], parse: Callable[[Raw, str], Row]
    ) -> Iterator[Row]:
        """The rows that can be parsed; the others are counted.

        Args:
            rows: places (`raw/a.jsonl: line 3`) and what stands there.
            parse: takes a row and its place, and raises `UserError` where the row is bad.

        Raises:
            UserError: there are more bad rows than the limit.
        """
        for place, raw in rows:
            try:
                row = parse(raw, place)
            except UserError as error:
                self.add(1, [error.message])
                continue
            yield row

    def add(self, count: int, examples: Iterable[str]) -> None:
        """Count bad rows.

        Args:
            count: how many.
            examples: what was wrong with some of them, at least one.

        Raises:
            UserError: there are more bad rows than the limit.
        """
        examples = list(examples)
        self.count += count
        self._new_count += count
        self._new_examples = [*first_examples(self._new_examples, examples)]
        self.examples = [*first_examples(self.examples, examples)]
        if self.count > self.limit:
            why = f"bad row {self.count} of this source; maxBadRows is {self.limit}"
            raise UserError(f"{examples[-1]} ({why})", reason="InvalidData")

    def skip(self, kind: str, example: str) -> None:
        """Count what holds no document by its kind.

        Args:
            kind: such as `notHtml`.
            example: its place, and what it is.
        """
        self.skipped = merge_skipped(self.skipped, {kind: Skipped(count=1, example=example)})

    def drain(self) -> tuple[int, tuple[str, ...], dict[str, Skipped]]:
        """What was counted since the last call: bad rows, errors of some of them, and the rest."""
        new = self._new_count, tuple(self._new_examples), self.skipped
        self._new_count, self._new_examples, self.skipped = 0, [], {}
        return new


def find_field(row: Mapping[str, object], field: str, place: str, *, setting: str) -> object:
    """The value of a field.

    Args:
        row: field names and values.
        field: a name, or the names of objects inside each other, with dots between them.
        place: place of the row, for the error.
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
    advice = (
        f"name one of them in {setting}" if setting == TEMPLATE else f"set {setting} to one of them"
    )
    raise UserError(
        f"{place}: no field {field!r}; the fields are: {found}; {advice}",
        reason="InvalidData",
    )


@dataclass(frozen=True)
class TextOfRow:
    """Takes the text out of a row.

    Args:
        field: the manifest's `textField`.
        template: its `template`, which joins several fields; None without one.
    """

    field: str
    template: str | None = None

    @property
    def fields(self) -> list[str]:
        """Names of the fields that it needs, each once."""
        if self.template is None:
            return [self.field]
        return [*dict.fromkeys(each[1] for each in _FIELD.finditer(self.template) if each[1])]

    def __call__(self, row: Mapping[str, object], place: str) -> str:
        """The text of a row; bytes are read as UTF-8.

        Raises:
            UserError: a field is missing, or no text.
        """
        setting = "textField" if self.template is None else TEMPLATE
        texts = {name: _string_field(row, name, place, setting=setting) for name in self.fields}
        if self.template is None:
            text = texts[self.field]
        else:
            text = _FIELD.sub(lambda name: texts[name[1]] if name[1] else name[0][0], self.template)
        require_document(len(text), place)
        return text


def _string_field(row: Mapping[str, object], field: str, place: str, *, setting: str) -> str:
    value = find_field(row, field, place, setting=setting)
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
