"""One API server for all contract tests, with our CRD in it."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
import yaml
from support.cluster.api_client import ApiClient, ApiRefusal
from support.cluster.control_plane import running_api_server
from support.cluster.jobs import JOBS
from support.repository import ROOT


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiClient]:
    """A client of a real API server that serves LLMTrainingJobs."""
    with running_api_server(tmp_path_factory.mktemp("control-plane")) as client:
        crd = yaml.safe_load((ROOT / "crds" / "llmtrain.io_llmtrainingjobs.yaml").read_text())
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?fieldValidation=Strict"
        client.request("POST", path, crd)
        _wait_until_served(client)
        yield client


def _wait_until_served(client: ApiClient) -> None:
    """A definition is accepted at once and served a moment later."""
    for _ in range(10_000):
        with suppress(ApiRefusal):
            client.request("GET", JOBS)
            return
    raise AssertionError("the definition was accepted, but is not served")
