"""JSON schemas of the kinds that an API server knows, and kubeconform to hold objects against them.

They are of the server's own OpenAPI document, so they fit its version and its definitions.
"""

import json
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from support.cluster.api_client import ApiClient, Json
from support.cluster.binaries import binary

_FILE_NAME = "{{.ResourceKind}}{{.KindSuffix}}.json"
_REFERENCE = "#/definitions/"
_KINDS = "x-kubernetes-group-version-kind"
_PUBLISHED_WITHIN_REQUESTS = 1000


def write_schemas(client: ApiClient, folder: Path, *, awaited: Collection[str]) -> None:
    """Write a schema of each kind.

    Args:
        client: client of the API server.
        folder: an empty one.
        awaited: kinds that were defined a moment ago; the server describes them later than it
            serves them.
    """
    for _ in range(_PUBLISHED_WITHIN_REQUESTS):
        definitions = client.request("GET", "/openapi/v2")["definitions"]
        names = dict(_file_names(definitions))
        if {kind.lower() for kind in awaited} <= {name.partition("-")[0] for name in names}:
            break
    else:
        raise AssertionError(f"{', '.join(awaited)} are served, but not described")
    strict = {name: _strict(schema) for name, schema in definitions.items()}
    for name, root in names.items():
        needed = {each: strict[each] for each in _reached(strict, root)}
        document = {"$ref": _REFERENCE + root, "definitions": needed}
        (folder / name).write_text(json.dumps(document))


def complaints(objects: str, schemas: Path) -> str:
    """What kubeconform has to say against objects; nothing where all is well.

    Args:
        objects: as YAML.
        schemas: the folder that `write_schemas` has filled.
    """
    done = subprocess.run(
        [binary("kubeconform"), "-strict", f"-schema-location={schemas / _FILE_NAME}", "-"],
        input=objects,
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert bool(output) == bool(done.returncode), output
    return output


def _file_names(definitions: dict[str, Json]) -> Iterator[tuple[str, str]]:
    """The file of each kind as kubeconform names it, and the kind's definition."""
    for name, schema in definitions.items():
        kinds = schema.get(_KINDS, ())
        if len(kinds) == 1:  # options of requests are of all groups at once
            group, version, kind = (kinds[0][part] for part in ("group", "version", "kind"))
            words = [kind, group.partition(".")[0], version] if group else [kind, version]
            yield "-".join(words).lower() + ".json", name


def _strict(schema: Json) -> Json:
    """A schema that takes no unknown fields, and integers where Kubernetes does."""
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    changed = {key: value for key, value in schema.items() if key != "description"}
    if "properties" in schema:
        fields = schema["properties"].items()
        changed["properties"] = {name: _strict(field) for name, field in fields}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            changed.setdefault("additionalProperties", False)
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            changed[part] = _strict(schema[part])
    return changed


def _reached(definitions: dict[str, Json], root: str) -> set[str]:
    """All definitions that one leads to, itself among them."""
    reached: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _references(definitions[name])
    return reached


def _references(schema: Json) -> Iterator[str]:
    if isinstance(schema.get("$ref"), str):
        yield schema["$ref"].removeprefix(_REFERENCE)
    parts = [*schema.get("properties", {}).values(), schema.get("items")]
    for part in (*parts, schema.get("additionalProperties")):
        if isinstance(part, dict):
            yield from _references(part)
