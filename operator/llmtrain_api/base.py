"""The two base models: `Section` for what a person writes, `Record` for what programs exchange."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError


def written(form: str) -> WrapValidator:
    """Describe a text's pattern in words, for error messages.

    Args:
        form: ending of "should be ...", with an example.
    """

    def check(value: object, inner: ValidatorFunctionWrapHandler) -> object:
        try:
            return inner(value)
        except ValidationError:
            raise PydanticCustomError("form", f"should be {form}") from None

    return WrapValidator(check)


Name = Annotated[str, StringConstraints(min_length=1, max_length=253)]


class IsPath:
    """Marks the type of a path, which distinguishes it from other texts."""


class MayChange:
    """Marks a field that does not affect the result, so it may change while a job runs."""


class UsedByNewModel:
    """Marks a field that is used by the stage that makes a new model, not by its section's own.

    It may change until that stage has begun.
    """


class BesideKinds:
    """Marks a field of a `OneOf` that is no kind, but may be set beside any of them."""


Path = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00]+$"),
    written("a path of 1 to 1024 characters, none of them NUL"),
    IsPath(),
]
"""A file or folder. A relative one is read from the inputs folder: on a laptop the manifest's
folder, in a cluster the workspace. `~/` is the home folder, on a laptop alone."""
Text = Annotated[str, StringConstraints(max_length=32768)]
Timestamp = Annotated[str, StringConstraints(max_length=32)]
"""RFC 3339 in UTC, to the second, as Kubernetes writes it: `2026-01-31T12:00:00Z`."""


class Record(BaseModel):
    """Frozen, camelCase on the wire, and strict about unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    def replace(self, **changes: Any) -> Self:  # noqa: ANN401 - a plugin of mypy knows the fields
        """A copy with other values of some fields; all rules of the record hold for it too.

        mypy checks the names and types of the fields (`scripts/replace_types.py`). Records inside
        this one are not validated again, so it costs little more than pydantic's `model_copy`.

        Args:
            **changes: the values, by the names of the fields in Python.

        Raises:
            ValidationError: a name is no field, or a value breaks a rule.
        """
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        return self.model_validate(kept | changes, by_alias=False, by_name=True)


class Section(Record):
    """A part of the manifest; its docstrings become the descriptions in the CRD."""

    @classmethod
    def changeable_fields(cls) -> set[str]:
        """The fields that may change while a job runs, by the mark `MayChange`."""
        return {
            name
            for name, field in cls.model_fields.items()
            if any(isinstance(mark, MayChange) for mark in field.metadata)
        }

    def lasting_json(self) -> str:
        """The fields that affect the result, as JSON: all fields without the mark `MayChange`.

        The keys are sorted, so that a fingerprint outlives a new order of the fields.
        """
        lasting = self.model_dump(mode="json", exclude=self.changeable_fields())
        return json.dumps(lasting, sort_keys=True)


def rule(expression: str, message: str) -> dict[str, Any]:
    """One CEL rule for `x-kubernetes-validations`; a Python validator must say the same."""
    return {"rule": expression, "message": message}


def keyed_by(field: str) -> dict[str, Any]:
    """The `json_schema_extra` of a list with one field as the key of its items."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [field]}


def without_twins(field: str) -> AfterValidator:
    """Refuse a list in which two items have the same key, as the API server does.

    Args:
        field: the key that `keyed_by` names; a field of one word.
    """

    def check(items: tuple[BaseModel, ...]) -> tuple[BaseModel, ...]:
        counts = Counter(getattr(item, field) for item in items)
        twice = next((key for key, count in counts.items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"two items have the {field} {twice}")
        return items

    return AfterValidator(check)


def rules(*each: dict[str, Any]) -> dict[str, Any]:
    """The `json_schema_extra` that carries CEL rules into the CRD."""
    return {"x-kubernetes-validations": list(each)}


def _add_rule_of_one(schema: dict[str, Any], model: type[BaseModel]) -> None:
    present = ", ".join(f"has(self.{kind})" for kind in _kinds(model))
    schema |= rules(rule(f"[{present}].filter(x, x).size() == 1", _set_exactly_one(model)))


class OneOf(Section):
    """A section with exactly one of its fields set: the kind of thing that it describes.

    Fields with the mark `BesideKinds` do not count.
    """

    model_config = ConfigDict(json_schema_extra=_add_rule_of_one)

    @property
    def kind(self) -> str:
        """The field that is set, as a manifest has it: `pythonDocs`."""
        return self._chosen()[0]

    @property
    def section(self) -> Section:
        """The value of the field that is set."""
        fields = _kinds(type(self))
        section: Section = getattr(self, fields[self.kind])
        return section

    def _chosen(self) -> list[str]:
        return [kind for kind, name in _kinds(type(self)).items() if getattr(self, name)]

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        chosen = self._chosen()
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none: one that needs no fields is written {}"
            raise ValueError(f"{_set_exactly_one(type(self))}; found {found}")
        return self


def _kinds(model: type[BaseModel]) -> dict[str, str]:
    """The kinds among the fields of a section: the name of each in a manifest, and in Python."""
    return {
        field.alias or name: name
        for name, field in model.model_fields.items()
        if not any(isinstance(mark, BesideKinds) for mark in field.metadata)
    }


def _set_exactly_one(model: type[BaseModel]) -> str:
    return f"set exactly one of {listed(tuple(_kinds(model)), 'or')}"


def listed(words: Sequence[str], last: str) -> str:
    """Words in a sentence: `data, tokenizer and model`.

    Args:
        words: one or more words.
        last: conjunction before the last of several: `and`, `or`.
    """
    *others, final = words
    return f"{', '.join(others)} {last} {final}" if others else final
