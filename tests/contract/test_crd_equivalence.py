"""A manifest that the laptop takes is one that the cluster takes, and the other way round."""

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError
from support.cluster.api_client import ApiClient, Json
from support.cluster.jobs import Removed, full_pipeline_job, refusal_of, with_change
from support.random_jobs import Change, changed, changes
from support.wrong_jobs import RIGHT_JOBS, WRONG_JOBS

from llmtrain_api.manifest import parse_job


def _pydantic_refusal(job: Json) -> str | None:
    try:
        parse_job(job)
    except ValidationError as error:
        return str(error)
    return None


@given(changes=changes(most=2))
@settings(
    max_examples=600,
    # The server keeps nothing between two examples: it is only asked what it would do.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_models_and_the_server_agree(api_server: ApiClient, changes: list[Change]) -> None:
    job = changed(changes)
    by_models, by_server = _pydantic_refusal(job), refusal_of(api_server, job)

    assert (by_models is None) == (by_server is None), f"models: {by_models}\nserver: {by_server}"


@pytest.mark.parametrize(("path", "value"), RIGHT_JOBS)
def test_what_only_looks_wrong_is_taken_by_both(
    api_server: ApiClient, path: str, value: object
) -> None:
    job = with_change(full_pipeline_job(), path, value)
    assert _pydantic_refusal(job) is None
    assert refusal_of(api_server, job) is None


@pytest.mark.parametrize(("path", "value", "_message"), WRONG_JOBS)
def test_the_models_refuse_what_the_server_refuses(path: str, value: object, _message: str) -> None:
    assert _pydantic_refusal(with_change(full_pipeline_job(), path, value)) is not None


@pytest.mark.parametrize("field", ["apiVersion", "kind"])
def test_what_the_document_is_must_be_said(api_server: ApiClient, field: str) -> None:
    job = with_change(full_pipeline_job(), field, Removed.REMOVED)
    assert field in str(_pydantic_refusal(job))
    assert refusal_of(api_server, job) is not None
