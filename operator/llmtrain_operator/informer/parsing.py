"""Parses the API server's jobs."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from llmtrain_api import names
from llmtrain_api.faults import describe_faults
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.manifest import parse_job
from llmtrain_api.status import JobStatus
from llmtrain_api.upgrade.spec import upgraded_spec
from llmtrain_api.upgrade.status import stored_status
from llmtrain_clients.kubernetes_api import Json
from llmtrain_operator.informer.caches import ObservedJob


@dataclass(frozen=True)
class ParsedJob:
    """A job without the fields that are unknown here."""

    job: LLMTrainingJob
    unknown_fields: tuple[str, ...] = ()
    """One line for each unknown field that was left out."""


def parse_observed(seen: ObservedJob) -> ParsedJob:
    """Parse a job.

    A CRD that is newer than the operator accepts fields that the operator does not know. A job
    with such fields is not started; a job that runs already is reconciled without them.

    Raises:
        ValidationError: the API server accepted the job, but the models do not.
    """
    document: Json = {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "metadata": {"name": seen.metadata.name, "namespace": seen.metadata.namespace},
        "spec": upgraded_spec(seen.spec),
    }
    try:
        return ParsedJob(parse_job(document))
    except ValidationError as error:
        faults = error.errors(include_url=False)
        is_known = any(fault["type"] != "extra_forbidden" for fault in faults)
        if is_known or not _is_under_way(status_of(seen)):
            raise
        for fault in faults:
            _remove(document, fault["loc"])
        return ParsedJob(parse_job(document), tuple(describe_faults(error, LLMTrainingJob)))


def status_of(seen: ObservedJob) -> JobStatus:
    """The stored status, which this or the previous version has written.

    Raises:
        ValidationError: another version has.
    """
    return stored_status(seen.status, seen.metadata.name, seen.metadata.uid)


def _is_under_way(status: JobStatus) -> bool:
    """Whether the job may hold compute."""
    given = status.cluster
    has_cluster = given is not None and not given.released
    return has_cluster or any(stage.state.at_work for stage in status.stages)


def _remove(document: Json, location: tuple[int | str, ...]) -> None:
    """Remove a field; parts of its location that name a union's branch are skipped."""
    *path, name = location
    place: Any = document
    for part in path:
        if isinstance(part, int) or part in place:
            place = place[part]
    place.pop(name, None)
