"""The metrics of all jobs, from the operator's caches at each scrape.

Only existing jobs are cached between scrapes, so the series of a job vanish with it.
"""

import logging
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime

from llmtrain_api.metrics import JOB_METRICS, OPERATOR_METRICS
from llmtrain_api.status import Phase
from llmtrain_operator.informer.caches import Caches, ObservedJob
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.logs import of_job
from llmtrain_operator.metrics.cached_job_metrics import CachedJobMetrics, cached_metrics_of
from llmtrain_operator.metrics.exposition import Sample, family, lines

log = logging.getLogger(__name__)
_JOBS = next(metric for metric in OPERATOR_METRICS if metric.name == "llmtrain_operator_jobs")


class JobsCollector:
    """Collects the metrics of all jobs.

    Args:
        caches: caches of the operator.
        leads: whether this operator leads. Another one has no samples of jobs, so that the sums
            over all operators are right.
    """

    def __init__(self, caches: Caches, leads: Callable[[], bool]) -> None:
        self._caches, self._leads = caches, leads
        self._known: dict[Key, CachedJobMetrics] = {}
        self._unreadable: dict[Key, ObservedJob] = {}
        self._one_scrape = threading.Lock()

    def text(self, now: datetime) -> str:
        """All samples at a time, in Prometheus' text format."""
        if not self._leads():
            return ""
        with self._one_scrape:
            return self._text(now)

    def _text(self, now: datetime) -> str:
        phases = Counter(dict.fromkeys(Phase, 0))
        blocks: dict[str, list[str]] = defaultdict(list)
        for known, changing in self._look(now):
            phases[known.phase] += 1
            for name, block in (*known.lasting.items(), *changing.items()):
                blocks[name].append(block)
        counts = (Sample(_JOBS.name, count, (phase.value,)) for phase, count in phases.items())
        blocks[_JOBS.name] = list(lines(counts, "", {_JOBS.name: _JOBS.labels}).values())
        return "".join(family(metric, blocks[metric.name]) for metric in (*JOB_METRICS, _JOBS))

    def _look(self, now: datetime) -> list[tuple[CachedJobMetrics, dict[str, str]]]:
        """Update the cached jobs; returns each job with its lines that change with time."""
        known, unreadable, changing = {}, {}, []
        for key, seen in list(self._caches.jobs.items()):
            if self._unreadable.get(key) is seen:
                unreadable[key] = seen
                continue
            before = self._known.get(key)
            try:
                job = (
                    before
                    if before and before.seen is seen
                    else cached_metrics_of(seen, before, now)
                )
                changing.append((job, job.changing(now)))
                known[key] = job
            except Exception:  # the other jobs keep their metrics
                unreadable[key] = seen
                log.exception("it has no metrics, its status cannot be read", extra=of_job(*key))
        self._known, self._unreadable = known, unreadable
        return changing
