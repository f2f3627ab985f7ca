"""Turns a pydantic model into the structural schema that a Kubernetes API server accepts.

The API server takes a narrow dialect: no references, no unions with null, boolean exclusive
bounds, no closed objects (it prunes unknown fields itself). Every keyword that pydantic writes is
either translated here or refused, so that nothing is silently lost on the way to the cluster.
Rules: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

import json
from typing import Any

from pydantic import BaseModel

from llmtrain_api.base import rule

Schema = dict[str, Any]

_INT32_MAX = 2**31 - 1
_MAX_DEPTH = 32
_ANNOTATIONS = frozenset({"type", "title", "description", "default", "x-kubernetes-validations"})
_KEYWORDS = {
    "object": {"properties", "required", "additionalProperties", "maxProperties"},
    "array": {
        "items",
        "minItems",
        "maxItems",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
    },
    "union": {"anyOf"},
    "string": {"const", "enum", "minLength", "maxLength", "pattern"},
    "integer": {"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set(),
}
_NULL = {"type": "null"}


class UnsupportedSchemaError(Exception):
    """A model says something that has no counterpart in a structural schema."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, its references inlined.

    Raises:
        UnsupportedSchemaError: where the model cannot be said in a structural schema, or leaves a
            string or list without a limit. The message names the field.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    definitions = document.pop("$defs", {})
    return _Converter(definitions).convert(document, model.__name__)


def without_defaults_in_lists(schema: Schema) -> Schema:
    """A schema whose server fills nothing into the items of lists.

    `kubectl apply` and GitOps controllers replace a list as a whole: an item with more fields than
    the manifest's would differ from it at every look. The models fill these defaults in; the
    descriptions name them.
    """
    changed = dict(schema)
    if "items" in schema:
        changed["items"] = _without_defaults(schema["items"])
    if "properties" in schema:
        inner = schema["properties"].items()
        changed["properties"] = {n: without_defaults_in_lists(child) for n, child in inner}
    return changed


def open_schema(schema: Schema) -> Schema:
    """A schema whose server keeps fields that it does not know, in all sections and items.

    So a definition loses nothing that another version of the operator has stored.
    """
    changed = dict(schema)
    if "items" in schema:
        changed["items"] = open_schema(schema["items"])
    if "properties" in schema:
        inner = schema["properties"].items()
        changed["properties"] = {name: open_schema(child) for name, child in inner}
        changed["x-kubernetes-preserve-unknown-fields"] = True
    return changed


def _without_defaults(schema: Schema) -> Schema:
    changed = {key: value for key, value in schema.items() if key != "default"}
    default = schema.get("default")
    if default is not None and not isinstance(default, dict):
        text = json.dumps(default)
        changed["description"] = f"{schema.get('description', '')} Default: {text}.".strip()
    if "items" in schema:
        changed["items"] = _without_defaults(schema["items"])
    if "properties" in schema:
        inner = schema["properties"].items()
        changed["properties"] = {name: _without_defaults(child) for name, child in inner}
    return changed


class _Converter:
    """Converts the schemas of one document, which share their definitions."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions

    def convert(self, node: Schema, path: str) -> Schema:
        """The structural form of a node; `path` is where it stands, for messages."""
        node = self._without_null(self._resolve(node, path), path)
        kind = "union" if "anyOf" in node else node.get("type")
        if kind not in _KEYWORDS:
            raise UnsupportedSchemaError(f"{path}: type {kind!r} has no structural form")
        unknown = node.keys() - _KEYWORDS[kind] - _ANNOTATIONS
        if unknown:
            raise UnsupportedSchemaError(f"{path}: unknown keywords {', '.join(sorted(unknown))}")
        match kind:
            case "union":
                body = self._int_or_string(node, path)
            case "object":
                body = self._object(node, path)
            case "array":
                body = self._array(node, path)
            case "string":
                body = _string(node, path)
            case "boolean":
                body = {"type": "boolean"}
            case _:
                body = _number(node)
        return _annotated(node, body)

    def _resolve(self, node: Schema, path: str) -> Schema:
        """Put a definition in the place of its reference; what stands beside it wins."""
        if "$ref" not in node:
            return node
        name = node["$ref"].removeprefix("#/$defs/")
        if path.count(".") > _MAX_DEPTH:
            raise UnsupportedSchemaError(f"{path}: {name} is nested too deep, or contains itself")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        return {**self._definitions[name], **beside}

    def _without_null(self, node: Schema, path: str) -> Schema:
        """An optional field is one that is not required; null itself is not a value."""
        choices = node.get("anyOf", [])
        if _NULL not in choices:
            return node
        if node.get("default") is not None:
            raise UnsupportedSchemaError(f"{path}: null would be unlike its default")
        rest = [choice for choice in choices if choice != _NULL]
        beside = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
        if len(rest) > 1:
            return {**beside, "anyOf": rest}
        return {**self._resolve(rest[0], path), **beside}

    def _int_or_string(self, node: Schema, path: str) -> Schema:
        parts = [_as_pattern(self.convert(choice, path)) for choice in node["anyOf"]]
        if [part["type"] for part in parts] != ["integer", "string"]:
            raise UnsupportedSchemaError(f"{path}: the only union is of integer and string")
        limits = {
            key: value
            for part in parts
            for key, value in part.items()
            if key not in {"type", "format"}
        }
        return {"x-kubernetes-int-or-string": True, **limits}

    def _object(self, node: Schema, path: str) -> Schema:
        values = node.get("additionalProperties", False)
        if values is not False:
            if not isinstance(values, dict) or "maxProperties" not in node:
                raise UnsupportedSchemaError(f"{path}: free-form objects have no limits")
            item = self.convert(values, f"{path}{{}}")
            limit = node["maxProperties"]
            return {"type": "object", "maxProperties": limit, "additionalProperties": item}
        body: Schema = {"type": "object"}
        if node.get("required"):
            body["required"] = node["required"]
        if node.get("properties"):
            body["properties"] = {
                name: self.convert(child, f"{path}.{name}")
                for name, child in node["properties"].items()
            }
        return body

    def _array(self, node: Schema, path: str) -> Schema:
        if "maxItems" not in node:
            raise UnsupportedSchemaError(f"{path}: a list needs a limit (maxItems)")
        body: Schema = {"type": "array", "x-kubernetes-list-type": "atomic"}
        body |= {key: node[key] for key in sorted(_KEYWORDS["array"] - {"items"}) if key in node}
        body["items"] = self.convert(node["items"], f"{path}[]")
        return body


def _string(node: Schema, path: str) -> Schema:
    if "const" in node:
        return {"type": "string", "enum": [node["const"]]}
    if "maxLength" not in node and "enum" not in node:
        raise UnsupportedSchemaError(f"{path}: a string needs a limit (maxLength)")
    return {"type": "string"} | {
        key: node[key] for key in ("enum", "minLength", "maxLength", "pattern") if key in node
    }


def _as_pattern(part: Schema) -> Schema:
    """A choice of words as a pattern: an enumeration would hold for the union's integers too."""
    if part["type"] != "string" or "enum" not in part:
        return part
    words = part["enum"]
    longest = max(len(word) for word in words)
    return {"type": "string", "maxLength": longest, "pattern": f"^({'|'.join(words)})$"}


def _number(node: Schema) -> Schema:
    body: Schema = {"type": node["type"]}
    if "enum" in node:
        body["enum"] = node["enum"]
    for bound, exclusive in (
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ):
        if exclusive in node:
            body |= {bound: node[exclusive], exclusive: True}
        elif bound in node:
            body[bound] = node[bound]
    if node["type"] == "integer":
        small = body.get("maximum", max(body.get("enum", [_INT32_MAX + 1]))) <= _INT32_MAX
        body["format"] = "int32" if small else "int64"
    else:
        body["format"] = "double"
    return body


def _annotated(node: Schema, body: Schema) -> Schema:
    """Add what every kind of node may carry: description, default, CEL rules."""
    result: Schema = {}
    if "description" in node:
        result["description"] = _unwrapped(node["description"])
    result |= body
    if "default" in node:
        result["default"] = _without_nulls(node["default"])
    if "x-kubernetes-validations" in node:
        result["x-kubernetes-validations"] = [
            rule(each["rule"], each["message"]) for each in node["x-kubernetes-validations"]
        ]
    return result


def _without_nulls(default: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A default in full: the server checks its CEL rules before it fills in defaults further in."""
    if not isinstance(default, dict):
        return default
    return {name: _without_nulls(value) for name, value in default.items() if value is not None}


def _unwrapped(text: str) -> str:
    """A docstring without its line breaks; paragraphs stay."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
