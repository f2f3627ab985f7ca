"""The context of a reconcile."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.progress import ProgressReport
from llmtrain_api.status import JobStatus, Progress
from llmtrain_lifecycle.decision import Action, DeleteCluster
from llmtrain_lifecycle.policies.budget import BudgetView, budget_view
from llmtrain_lifecycle.policies.time_limits import seconds_left
from llmtrain_lifecycle.settings import Settings
from llmtrain_lifecycle.snapshot import Cluster, ClusterState, Snapshot


@dataclass(frozen=True)
class Reconciliation:
    """The inputs of one reconcile, and what follows from them at once."""

    job: LLMTrainingJob
    uid: str
    generation: int
    status: JobStatus
    snapshot: Snapshot
    now: datetime
    settings: Settings

    @property
    def wants_stop(self) -> bool:
        """Whether the job must hold no compute."""
        spent = self.budget is not None and self.budget.stops
        return self.job.spec.policy.suspend or self.snapshot.stop_requested or spent

    @cached_property
    def budget(self) -> BudgetView | None:
        """The job's budget; None if it has none."""
        return budget_view(self.job.spec.policy.budget, self.status, self.now)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the job's deadline; None if it has none."""
        return seconds_left(self.status, self.job.spec.policy.active_deadline_seconds, self.now)

    @property
    def time_is_up(self) -> bool:
        """Whether the job's deadline has passed."""
        left = self.seconds_left
        return left is not None and left <= 0

    @property
    def release(self) -> tuple[Action, ...]:
        """Actions that delete all clusters."""
        return tuple(
            DeleteCluster(cluster.name)
            for cluster in self.snapshot.clusters
            if cluster.state is not ClusterState.LEAVING
        )

    @property
    def signs(self) -> tuple[str, ProgressReport | None, Progress | None, datetime]:
        """Signs of the attempt's work, for `silent_seconds`."""
        return self.uid, self.snapshot.progress, self.status.progress, self.now

    @property
    def cluster(self) -> Cluster | None:
        """The job's Ray cluster; None if it does not exist."""
        given = self.status.cluster
        return self.snapshot.cluster(given.name) if given and not given.released else None

    @property
    def is_queued(self) -> bool:
        """Whether the cluster waits in a queue."""
        return self.cluster is not None and self.cluster.state is ClusterState.SUSPENDED

    @property
    def cluster_ready(self) -> bool:
        """Whether the cluster accepts submissions."""
        return self.cluster is not None and self.cluster.state is ClusterState.READY
