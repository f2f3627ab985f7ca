"""Random jobs, valid and not: a whole pipeline with other values in fields of the schema."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from pydantic import ValidationError
from support.cluster.api_client import Json
from support.cluster.jobs import Removed, full_pipeline_job, with_change
from support.field_values import fields

from llmtrain_api.job import JobSpec, LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.structural_schema import structural_schema

Change = tuple[str, object]

_NAMES = ["a", "a" * 40, "a" * 41, "0a-b", "-a", "a-", "A", "a.b", "a_b", "", Removed.REMOVED]
_FIELDS = [
    *fields(structural_schema(JobSpec)),
    ("metadata.name", _NAMES),
    ("apiVersion", ["llmtrain.io/v1", Removed.REMOVED]),
    ("kind", ["Job", Removed.REMOVED]),
]
_CHANGE = st.sampled_from(_FIELDS).flatmap(
    lambda field: st.tuples(st.just(field[0]), st.sampled_from(field[1]))
)


def changes(*, most: int) -> SearchStrategy[list[Change]]:
    """Fields with new values, those that lie further in last.

    Args:
        most: so many at most.
    """
    # Shorter paths first: a change further in then has something to stand in.
    lists = st.lists(_CHANGE, min_size=1, max_size=most, unique_by=lambda change: change[0])
    return lists.map(lambda some: sorted(some, key=lambda change: change[0].count(".")))


def changed(changes: list[Change]) -> Json:
    """The whole pipeline with changes, valid or not."""
    job = full_pipeline_job()
    for path, value in changes:
        job = with_change(job, path, value)
    return job


def valid_jobs(*, most: int) -> SearchStrategy[LLMTrainingJob]:
    """Jobs with those changes that keep them valid.

    Args:
        most: so many changes at most.
    """
    return changes(most=most).map(_valid)


def _valid(changes: list[Change]) -> LLMTrainingJob:
    manifest = full_pipeline_job()
    job = parse_job(manifest)
    for path, value in changes:
        try:
            job = parse_job(tried := with_change(manifest, path, value))
        except ValidationError:
            continue
        manifest = tried
    return job
