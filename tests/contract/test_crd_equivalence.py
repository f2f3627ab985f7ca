"""A manifest that the laptop takes is one that the cluster takes, and the other way round."""

from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError
from support.cluster.api_client import ApiClient, Json
from support.cluster.jobs import refusal_of
from support.random_jobs import Change, changed, changes

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
    deadline=None,
    derandomize=True,
    # The server keeps nothing between two examples: it is only asked what it would do.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_models_and_the_server_agree(api_server: ApiClient, changes: list[Change]) -> None:
    job = changed(changes)
    by_models, by_server = _pydantic_refusal(job), refusal_of(api_server, job)

    assert (by_models is None) == (by_server is None), f"models: {by_models}\nserver: {by_server}"
