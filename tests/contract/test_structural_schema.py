"""The CRD says all that the models say, and what it cannot say is refused while it is made."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, StringConstraints, create_model

from llmtrain_api.base import Section
from llmtrain_api.crd import custom_resource_definition
from llmtrain_api.structural_schema import Schema, UnsupportedSchemaError, structural_schema

_Short = Annotated[str, StringConstraints(max_length=8)]


class _Endless(Section):
    inner: "_Endless | None" = None


def _fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _fields(child, f"{path}.{name}")
    if "properties" in schema.get("items", {}):
        yield from _fields(schema["items"], f"{path}[]")


def _all_fields() -> Iterator[tuple[str, Schema]]:
    version = custom_resource_definition()["spec"]["versions"][0]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    for part in ("spec", "status"):
        yield from _fields(properties[part], part)


def test_every_description_stands_alone() -> None:
    """`kubectl explain` shows one field, without its neighbours."""
    descriptions = {path: schema.get("description", "").split() for path, schema in _all_fields()}
    assert {path: words for path, words in descriptions.items() if len(words) < 4} == {}
    continuations = {"Of", "Which", "That", "So", "By", "For", "Also", "When"}
    assert {path: w for path, w in descriptions.items() if w[0] in continuations} == {}


def test_a_section_that_is_half_filled_in_gets_the_defaults_of_one_that_is_left_out() -> None:
    sections = [
        (path, schema) for path, schema in _all_fields() if isinstance(schema.get("default"), dict)
    ]
    assert len(sections) > 10
    for path, schema in sections:
        inner = schema.get("properties", {}).items()
        filled_in = {name: child["default"] for name, child in inner if "default" in child}
        assert schema["default"] == filled_in, path


def test_the_server_fills_nothing_into_the_items_of_lists() -> None:
    in_lists = [(path, schema) for path, schema in _all_fields() if "[]." in path]
    of_spec = [(path, schema) for path, schema in in_lists if path.startswith("spec.")]
    assert len(of_spec) > 20
    assert [path for path, schema in of_spec if "default" in schema] == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (str, "Sample.field: a string needs a limit"),
        (tuple[int, ...], "Sample.field: a list needs a limit"),
        (dict[str, int], "Sample.field: free-form objects have no limits"),
        (Annotated[tuple[str, ...], Field(max_length=2)], r"Sample.field\[\]: a string needs"),
        (_Short | bool, "Sample.field: the only union is of integer and string"),
        (Annotated[int, Field(multiple_of=2)], "Sample.field: unknown keywords multipleOf"),
        (Any, "Sample.field: type None has no structural form"),
        (_Endless, "_Endless is nested too deep, or contains itself"),
    ],
)
def test_what_a_structural_schema_cannot_say_is_refused(kind: type, message: str) -> None:
    model = create_model("Sample", __base__=Section, field=(kind, ...))
    with pytest.raises(UnsupportedSchemaError, match=message):
        structural_schema(model)


def test_a_literal_is_an_enum_of_one() -> None:
    model = create_model("Sample", __base__=Section, field=(Literal["v1"], ...))
    assert structural_schema(model)["properties"]["field"] == {"type": "string", "enum": ["v1"]}


def test_bounds_keep_whether_they_are_exclusive() -> None:
    model = create_model(
        "Sample",
        __base__=Section,
        inside=(Annotated[float, Field(gt=0, lt=1)], ...),
        reaching=(Annotated[float, Field(ge=0, le=1)], ...),
    )
    fields = structural_schema(model)["properties"]
    assert fields["inside"]["exclusiveMinimum"] is fields["inside"]["exclusiveMaximum"] is True
    assert "exclusiveMinimum" not in fields["reaching"]
    assert (fields["reaching"]["minimum"], fields["reaching"]["maximum"]) == (0, 1)
