"""A cache of a job's metrics: each version of the job is rendered once."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from llmtrain_api.metrics import JOB_METRICS
from llmtrain_api.status import Phase
from llmtrain_api.upgrade.status import stored_status
from llmtrain_lifecycle.status_text import read_time
from llmtrain_operator.informer.caches import ObservedJob
from llmtrain_operator.informer.parsing import parse_observed
from llmtrain_operator.metrics.exposition import labelled, lines
from llmtrain_operator.metrics.job_samples import (
    Facts,
    LiveSamples,
    compact,
    facts_of,
    lasting_samples,
)

_SHARED = ("namespace", "name")
_LABELS = {m.name: tuple(name for name in m.labels if name not in _SHARED) for m in JOB_METRICS}


@dataclass(frozen=True)
class CachedJobMetrics:
    """Metrics of one version of a job.

    Attributes:
        seen: the version of the job.
        facts: facts of its manifest; None if the manifest is invalid, as its condition says.
        phase: phase of the job.
        labels: labels of all its samples.
        lasting: lines that stay the same for this version, by metric.
        moving: samples that change with time alone; None if there are none.
    """

    seen: ObservedJob
    facts: Facts | None
    phase: Phase
    labels: str
    lasting: dict[str, str]
    moving: LiveSamples | None

    def changing(self, now: datetime) -> dict[str, str]:
        """Lines that change at each scrape, by metric."""
        if self.moving is None:
            return {}
        return lines(self.moving.samples(now), self.labels, _LABELS)


def cached_metrics_of(
    seen: ObservedJob, before: CachedJobMetrics | None, now: datetime
) -> CachedJobMetrics:
    """Make the metrics of a version of a job.

    Args:
        seen: the version.
        before: the previous version, if known: equal manifests have equal facts.
        now: current time.
    """
    status = stored_status(compact(seen.status), seen.metadata.name, seen.metadata.uid)
    facts = before.facts if before and _same_manifest(seen, before.seen) else _facts(seen)
    meta = seen.metadata
    labels = labelled(("name", "namespace"), (meta.name, meta.namespace))
    if facts is None:
        return CachedJobMetrics(seen, facts, status.phase, labels, {}, None)
    created = read_time(meta.creation_timestamp)
    lasting = lines(lasting_samples(facts, meta.uid, created, status), labels, _LABELS)
    moving = LiveSamples.of(status)
    if moving is not None and not moving.is_live:
        lasting |= lines(moving.samples(now), labels, _LABELS)
        moving = None
    return CachedJobMetrics(seen, facts, status.phase, labels, lasting, moving)


def _same_manifest(seen: ObservedJob, before: ObservedJob) -> bool:
    now, then = seen.metadata, before.metadata
    return (now.uid, now.generation) == (then.uid, then.generation)


def _facts(seen: ObservedJob) -> Facts | None:
    try:
        return facts_of(parse_observed(seen).job)
    except ValidationError:
        return None
