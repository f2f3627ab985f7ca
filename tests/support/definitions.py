"""CustomResourceDefinitions of other projects, given to a test's API server."""

from contextlib import suppress
from pathlib import Path

import yaml
from support.cluster.api_client import ApiClient, ApiRefusal, Json

_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_SERVED_WITHIN_REQUESTS = 10_000


def define(client: ApiClient, path: Path) -> None:
    """Make the API server serve the kind that a YAML file defines."""
    # Some have 1 MB, which only the parser in C reads in no time.
    define_kind(client, yaml.load(path.read_text(), yaml.CSafeLoader))


def define_kind(client: ApiClient, definition: Json) -> None:
    """Make the API server serve the kind of a definition."""
    url = f"{_DEFINITIONS}/{definition['metadata']['name']}"
    # Server-side: they are too large for the annotation of the other kind.
    content = "application/apply-patch+yaml"
    client.request("PATCH", f"{url}?fieldManager=tests&force=true", definition, content=content)
    spec = definition["spec"]
    group, version, plural = spec["group"], spec["versions"][0]["name"], spec["names"]["plural"]
    for _ in range(_SERVED_WITHIN_REQUESTS):
        with suppress(ApiRefusal):
            client.request("GET", f"/apis/{group}/{version}/{plural}")
            return
    raise AssertionError(f"{definition['metadata']['name']} was accepted, but is not served")
