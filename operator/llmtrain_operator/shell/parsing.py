"""From what the API server says to a job."""

from llmtrain_api import names
from llmtrain_api.manifest import parse_job
from llmtrain_api.spec.job import LLMTrainingJob
from llmtrain_operator.shell.caches import ObservedJob


def parse_observed(seen: ObservedJob) -> LLMTrainingJob:
    """The job.

    Raises:
        ValidationError: the API server took it, and we cannot.
    """
    metadata = {"name": seen.metadata.name, "namespace": seen.metadata.namespace}
    return parse_job(
        {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": metadata,
            "spec": seen.spec,
        }
    )
