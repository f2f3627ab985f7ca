"""The Ray cluster that a stage needs: asked for, waited for, replaced.

Its name stands in the status before it is made. The next one is made when all that is left of the
last has gone, so that no two of a job's attempts can run at once.
"""

from dataclasses import replace

from llmtrain_api.names import cluster_name
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus, JobStatus, LostPod, StageState, StageStatus
from llmtrain_operator.core.cluster_view import NOT_READY, NOT_TAKEN_UP, ORPHANED
from llmtrain_operator.core.decision import DeleteCluster, EnsureCluster
from llmtrain_operator.core.ending import given_up
from llmtrain_operator.core.pod_loss import gravest_loss, with_earlier_losses
from llmtrain_operator.core.reconcile_pass import Pass
from llmtrain_operator.core.snapshot import Cluster, ClusterState, Obstacle
from llmtrain_operator.core.step import Step, soonest
from llmtrain_operator.core.timestamps import read_time, write_time

_WAITING = "WaitingForCluster"
_PATIENCE_SECONDS = 60
"""With KubeRay, which has many clusters to look after, and with Pods that end."""


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
        return _replace(this, stage, group, leftovers)
    if given is None:
        return _record(this, stage, group)
    if this.cluster is None:
        return _make(this, stage, given)
    if this.cluster.state is ClusterState.SUSPENDED:
        return _queued(this, stage, given)
    if this.cluster.state is ClusterState.STARTING:
        given = _awaited(this, given)
        return _waiting(this, stage, given, _why_starting(this, this.cluster, given))
    return None


def arrived(this: Pass) -> ClusterStatus:
    """The job's cluster once an attempt is recorded for it: it is not waited for any more."""
    assert this.status.cluster is not None, "an attempt is recorded for a cluster that is ready"
    here = this.status.cluster.model_copy(update={"waiting_since": None})
    return with_earlier_losses(here, this.snapshot.losses)


def released(status: JobStatus) -> ClusterStatus | None:
    """The job's cluster once it is given back: the next one gets another name."""
    return status.cluster and status.cluster.model_copy(update={"released": True})


def _replace(this: Pass, stage: StageStatus, group: StageGroup, leftovers: list[Cluster]) -> Step:
    """Others have to go first."""
    names = ", ".join(cluster.name for cluster in leftovers)
    given = released(this.status) or _never_made(this, group)
    given = given.model_copy(update={"waiting_since": _since(this, given)})
    left = _seconds_left(this, given)
    patience = _PATIENCE_SECONDS - (this.job.spec.policy.scheduling_timeout_seconds - left)
    orphan = next((each for each in leftovers if each.reason == ORPHANED), None)
    why = "; ".join(cluster.message for cluster in leftovers if cluster.message)
    if left <= 0:
        message = f"{names} did not go" + (f": {why}" if why else "")
        reason = orphan.reason if orphan else "ClusterStuck"
        return given_up(this, stage, reason, f"{_limited(this)}: {message}")
    tells = why and (orphan is not None or patience <= 0)
    return Step(
        stage,
        tuple(
            DeleteCluster(cluster.name)
            for cluster in leftovers
            if cluster.state is not ClusterState.LEAVING
        ),
        reason=orphan.reason if orphan else _WAITING,
        message=f"waiting for {names} to go" + (f": {why}" if tells else ""),
        cluster=given,
        requeue_after_seconds=soonest(
            left, this.seconds_left, patience if patience > 0 and not tells else None
        ),
    )


def _never_made(this: Pass, group: StageGroup) -> ClusterStatus:
    """Stands for the wait of a job whose name an earlier job's cluster still has."""
    name = cluster_name(this.job.metadata.name, group, 0)
    return ClusterStatus(name=name, group=group, generation=0, released=True)


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


def _why_starting(this: Pass, cluster: Cluster, given: ClusterStatus) -> Cluster | LostPod | None:
    """The gravest reason for which a cluster is not ready; None where it just takes its time."""
    # A Pod that ended before the cluster was ready: KubeRay makes another, in vain perhaps.
    lost = gravest_loss(this.snapshot.losses, given)
    if cluster.reason == NOT_READY and lost is not None:
        return lost
    return cluster if cluster.reason else lost


def _waiting(
    this: Pass,
    stage: StageStatus,
    given: ClusterStatus,
    why: Cluster | Obstacle | LostPod | None = None,
) -> Step:
    """The cluster is on its way, or takes too long."""
    left = _seconds_left(this, given)
    waited = this.job.spec.policy.scheduling_timeout_seconds - left
    if why is not None and why.reason in {NOT_TAKEN_UP, NOT_READY} and waited < _PATIENCE_SECONDS:
        left, why = min(left, _PATIENCE_SECONDS - waited), None
    reason = (why and why.reason) or _WAITING
    message = (why and why.message) or _starting(given)
    if left <= 0:
        reason = "SchedulingTimeout" if reason == _WAITING else reason
        return given_up(this, stage, reason, f"{_limited(this)}: {message}")
    return Step(
        stage,
        reason=reason,
        message=message,
        cluster=_awaited(this, given),
        requeue_after_seconds=soonest(left, this.seconds_left),
    )


def _queued(this: Pass, stage: StageStatus, given: ClusterStatus) -> Step:
    """A queue decides when it gets compute: that wait has no limit of ours, and no deadline.

    What is left of an earlier admission has to end before the next, which KubeRay sees to.
    """
    assert this.cluster is not None, "it is there, and suspended"
    return Step(
        stage,
        reason=this.cluster.reason,
        message=this.cluster.message,
        cluster=given.model_copy(update={"waiting_since": None}),
    )


def _make(this: Pass, stage: StageStatus, given: ClusterStatus) -> Step:
    """It is not there yet, or the API server would not have it."""
    obstacle = this.snapshot.obstacle
    if obstacle is not None:
        return _waiting(this, stage, given, obstacle)
    waiting = _waiting(this, stage, given, this.snapshot.refusal)
    if waiting.stage.state is StageState.FAILED:
        return waiting
    return replace(waiting, actions=(EnsureCluster(given.name, given.group),))


def _awaited(this: Pass, given: ClusterStatus) -> ClusterStatus:
    """The cluster with the start of the wait for it: now, where the wait begins."""
    if given.waiting_since is not None:
        return given
    begun = given.model_copy(update={"waiting_since": write_time(this.now)})
    return with_earlier_losses(begun, this.snapshot.losses)


def _since(this: Pass, given: ClusterStatus) -> str:
    return given.waiting_since or write_time(this.now)


def _seconds_left(this: Pass, given: ClusterStatus) -> float:
    limit = this.job.spec.policy.scheduling_timeout_seconds
    return (read_time(_since(this, given)) - this.now).total_seconds() + limit


def _limited(this: Pass) -> str:
    limit = this.job.spec.policy.scheduling_timeout_seconds
    return f"its compute was not there after {limit} s (policy.schedulingTimeoutSeconds)"


def _starting(cluster: ClusterStatus) -> str:
    return f"the Ray cluster {cluster.name} is starting"
