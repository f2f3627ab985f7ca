"""The metrics of all jobs, made of the operator's caches at each scrape.

Nothing is stored, so the series of a job vanish with it.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from pydantic import ValidationError

from llmtrain_api.metrics import JOB_METRICS, OPERATOR_METRICS
from llmtrain_api.status import JobStatus, Phase
from llmtrain_operator.core.timestamps import read_time
from llmtrain_operator.metrics.families import families_of, filled
from llmtrain_operator.metrics.job_samples import job_samples
from llmtrain_operator.shell.caches import Caches, ObservedJob
from llmtrain_operator.shell.parsing import parse_observed

_JOBS = next(metric for metric in OPERATOR_METRICS if metric.name == "llmtrain_operator_jobs")


class JobsCollector(Collector):
    """Collects from what the watches have told.

    Args:
        caches: of the operator.
    """

    def __init__(self, caches: Caches) -> None:
        self._caches = caches

    def collect(self) -> Iterable[Family]:
        """All samples now."""
        families = families_of((*JOB_METRICS, _JOBS))
        phases = Counter(dict.fromkeys(Phase, 0))
        now = datetime.now(UTC)
        for seen in list(self._caches.jobs.values()):
            status = JobStatus.model_validate(seen.status)
            phases[status.phase] += 1
            for name, labels, value in _samples(seen, status, now):
                families[name].add_metric(labels, value)
        for phase, count in phases.items():
            families[_JOBS.name].add_metric((phase.value,), count)
        return filled(families.values())

    def describe(self) -> Iterable[Family]:
        """Nothing: names are known without a scrape of all jobs."""
        return ()


def _samples(
    seen: ObservedJob, status: JobStatus, now: datetime
) -> Iterable[tuple[str, tuple[str, ...], float]]:
    meta = seen.metadata
    try:
        job = parse_observed(seen)
    except ValidationError:
        return  # its condition says so; there is nothing more to say of it
    created = read_time(meta.creation_timestamp)
    for sample in job_samples(job, meta.uid, created, status, now):
        yield sample.name, (meta.namespace, meta.name, *sample.labels), sample.value
