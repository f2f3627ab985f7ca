"""A manifest that the laptop takes is one that the cluster takes, and the other way round."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.cluster.api_client import ApiClient, Json
from support.cluster.jobs import Removed, refusal_of, whole_line, with_change
from support.field_values import fields

from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.job import JobSpec
from llmtrain_api.structural_schema import structural_schema

_NAMES = ["a", "a" * 40, "a" * 41, "0a-b", "-a", "a-", "A", "a.b", "a_b", "", Removed.REMOVED]
_FIELDS = [*fields(structural_schema(JobSpec)), ("metadata.name", _NAMES)]
_CHANGES = st.sampled_from(_FIELDS).flatmap(
    lambda field: st.tuples(st.just(field[0]), st.sampled_from(field[1]))
)


def _changed(changes: list[tuple[str, object]]) -> Json:
    job = whole_line()
    # Shorter paths first: a change further in then has something to stand in.
    for path, value in sorted(changes, key=lambda change: change[0].count(".")):
        job = with_change(job, path, value)
    return job


def _pydantic_refusal(job: Json) -> str | None:
    try:
        parse_job(job)
    except ValidationError as error:
        return str(error)
    return None


@given(changes=st.lists(_CHANGES, min_size=1, max_size=2, unique_by=lambda change: change[0]))
@settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    # The server keeps nothing between two examples: it is only asked what it would do.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_models_and_the_server_agree(
    api_server: ApiClient, changes: list[tuple[str, object]]
) -> None:
    job = _changed(changes)
    by_models, by_server = _pydantic_refusal(job), refusal_of(api_server, job)

    assert (by_models is None) == (by_server is None), f"models: {by_models}\nserver: {by_server}"
