"""A job as the scrapes know it: what one version of it says, written once."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from llmtrain_api.metrics import JOB_METRICS
from llmtrain_api.status import JobStatus, Phase
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
    """One version of a job.

    Attributes:
        seen: that version.
        facts: of its manifest; None where that cannot be read, as its condition says.
        phase: that it is in.
        labels: that all its samples have.
        lasting: what does not change while this version is the newest, by metric.
        moving: what changes with time alone; None where nothing does.
    """

    seen: ObservedJob
    facts: Facts | None
    phase: Phase
    labels: str
    lasting: dict[str, str]
    moving: LiveSamples | None

    def changing(self, now: datetime) -> dict[str, str]:
        """What is to be written at each scrape, by metric."""
        if self.moving is None:
            return {}
        return lines(self.moving.samples(now), self.labels, _LABELS)


def cached_metrics_of(
    seen: ObservedJob, before: CachedJobMetrics | None, now: datetime
) -> CachedJobMetrics:
    """Read a version of a job.

    Args:
        seen: the version.
        before: the one before it, if that is known: where the manifest is the same, so is what
            follows from it.
        now: the time.
    """
    # Of a newer or older operator: what it says beside what we know is not ours to refuse.
    status = JobStatus.model_validate(compact(seen.status), extra="ignore")
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
