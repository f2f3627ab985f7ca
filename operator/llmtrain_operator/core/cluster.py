"""The Ray cluster that a stage needs: asked for, waited for, replaced.

Its name stands in the status before it is made. The next one is made when all that is left of the
last has gone, so that no two of a job's attempts can run at once.
"""

from dataclasses import replace

from llmtrain_api.names import cluster_name
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus, JobStatus, LostPod, StageStatus
from llmtrain_operator.core.decision import DeleteCluster, EnsureCluster
from llmtrain_operator.core.ending import given_up
from llmtrain_operator.core.policies.loss import gravity
from llmtrain_operator.core.reconcile_pass import Pass
from llmtrain_operator.core.snapshot import Cluster, ClusterState, Obstacle
from llmtrain_operator.core.step import Step, soonest
from llmtrain_operator.core.timestamps import read_time, write_time

_WAITING = "WaitingForCluster"


def await_cluster(this: Pass, stage: StageStatus) -> Step | None:
    """Bring the cluster about on which a stage runs; None where it is there and ready."""
    group = StageGroup.ALL if this.settings.one_cluster else stage.name.group
    given = this.status.cluster
    if given is not None and (given.released or given.group is not group):
        given = None
    leftovers = [
        cluster
        for cluster in this.snapshot.clusters
        if given is None
        or cluster.name != given.name
        or cluster.state in {ClusterState.BROKEN, ClusterState.LEAVING}
    ]
    if leftovers:
        return _replace(this, stage, leftovers)
    if given is None:
        return _record(this, stage, group)
    obstacle = this.snapshot.obstacle
    if this.cluster is None and obstacle is not None:
        return _waiting(this, stage, given, obstacle)
    if this.cluster is None:
        return replace(_waiting(this, stage, given), actions=(EnsureCluster(given.name, group),))
    if this.cluster.state is ClusterState.STARTING:
        why = this.cluster if this.cluster.reason else _lost_while_starting(this, given)
        return _waiting(this, stage, given, why)
    return None


def arrived(status: JobStatus) -> ClusterStatus | None:
    """The job's cluster once an attempt runs on it: it is not waited for any more."""
    return status.cluster and status.cluster.model_copy(update={"waiting_since": None})


def released(status: JobStatus) -> ClusterStatus | None:
    """The job's cluster once it is given back: the next one gets another name."""
    return status.cluster and status.cluster.model_copy(update={"released": True})


def _replace(this: Pass, stage: StageStatus, leftovers: list[Cluster]) -> Step:
    names = ", ".join(cluster.name for cluster in leftovers)
    return Step(
        stage,
        tuple(
            DeleteCluster(cluster.name)
            for cluster in leftovers
            if cluster.state is not ClusterState.LEAVING
        ),
        reason=_WAITING,
        message=f"waiting for {names} to go",
        cluster=released(this.status),
        requeue_after_seconds=this.seconds_left,
    )


def _record(this: Pass, stage: StageStatus, group: StageGroup) -> Step:
    """Put the cluster's name into the status; it is made once that is written."""
    generation = this.status.cluster.generation + 1 if this.status.cluster else 0
    recorded = ClusterStatus(
        name=cluster_name(this.job.metadata.name, group, generation),
        group=group,
        generation=generation,
        waiting_since=write_time(this.now),
    )
    message = _starting(recorded)  # as it is once it is made: one write less
    return Step(stage, reason=_WAITING, message=message, cluster=recorded, requeue_after_seconds=0)


def _lost_while_starting(this: Pass, given: ClusterStatus) -> LostPod | None:
    """A Pod that ended before the cluster was ready; KubeRay makes another, in vain perhaps."""
    since = given.waiting_since or write_time(this.now)
    losses = (loss for loss in this.snapshot.losses if loss.time >= since)
    return max(losses, key=gravity, default=None)


def _waiting(
    this: Pass,
    stage: StageStatus,
    given: ClusterStatus,
    why: Cluster | Obstacle | LostPod | None = None,
) -> Step:
    """The cluster is on its way, or takes too long."""
    reason = (why and why.reason) or _WAITING
    message = (why and why.message) or _starting(given)
    limit = this.job.spec.policy.scheduling_timeout_seconds
    since = given.waiting_since or write_time(this.now)
    left = (read_time(since) - this.now).total_seconds() + limit
    if left <= 0:
        reason = "SchedulingTimeout" if reason == _WAITING else reason
        limited = f"its compute was not there after {limit} s (policy.schedulingTimeoutSeconds)"
        return given_up(this, stage, reason, f"{limited}: {message}")
    return Step(
        stage,
        reason=reason,
        message=message,
        cluster=given.model_copy(update={"waiting_since": since}),
        requeue_after_seconds=soonest(left, this.seconds_left),
    )


def _starting(cluster: ClusterStatus) -> str:
    return f"the Ray cluster {cluster.name} is starting"
