"""From what the API server says to a job."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from llmtrain_api import names
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.status import JobStatus
from llmtrain_operator.informer.caches import ObservedJob

Json = dict[str, Any]


@dataclass(frozen=True)
class ParsedJob:
    """A job as far as it is understood."""

    job: LLMTrainingJob
    unknown_fields: tuple[str, ...] = ()
    """One line for each field that was left out because it is not known."""


def parse_observed(seen: ObservedJob) -> ParsedJob:
    """The job.

    A definition that is newer than the operator lets fields through that it does not know. Nothing
    is started by such a manifest; a job that runs already is looked after by what is known of it.

    Raises:
        ValidationError: the API server took it, and we cannot.
    """
    document: Json = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": seen.metadata.name, "namespace": seen.metadata.namespace},
        "spec": seen.spec,
    }
    try:
        return ParsedJob(parse_job(document))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        is_known = any(fault["type"] != "extra_forbidden" for fault in faults)
        if is_known or not _is_under_way(JobStatus.model_validate(seen.status, extra="ignore")):
            raise
        for fault in faults:
            _remove(document, fault["loc"])
        return ParsedJob(parse_job(document), tuple(describe_faults(error, LLMTrainingJob)))


def _is_under_way(status: JobStatus) -> bool:
    """Whether the job may hold compute."""
    given = status.cluster
    has_cluster = given is not None and not given.released
    return has_cluster or any(stage.state.at_work for stage in status.stages)


def _remove(document: Json, location: tuple[int | str, ...]) -> None:
    """Remove a field; parts of its location that name the branch of a union are passed over."""
    *path, name = location
    place: Any = document
    for part in path:
        if isinstance(part, int) or part in place:
            place = place[part]
    place.pop(name, None)
