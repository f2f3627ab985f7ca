"""Requests, awaits and replaces the Ray cluster of a stage.

Its name is in the status before the cluster is created. A cluster is created only when all Pods of
the last one are gone, so that no two attempts of a job can run at once.
"""

from dataclasses import replace

from llmtrain_api.names import cluster_name
from llmtrain_api.stages import StageGroup
from llmtrain_api.status import ClusterStatus, JobStatus, LostPod, StageState, StageStatus
from llmtrain_api.versions import MINOR
from llmtrain_lifecycle.cluster_view import NOT_READY, NOT_TAKEN_UP, ORPHANED
from llmtrain_lifecycle.decision import DeleteCluster, EnsureCluster, Step, soonest
from llmtrain_lifecycle.ending import given_up
from llmtrain_lifecycle.lost_pods import with_earlier_lost_pods, worst_lost_pod
from llmtrain_lifecycle.reconciliation import Reconciliation
from llmtrain_lifecycle.snapshot import Cluster, ClusterState, Obstacle
from llmtrain_lifecycle.status_text import read_time, write_time

_WAITING = "WaitingForCluster"
_FIRST_LOOKS_SECONDS, _LATER_LOOKS_SECONDS = 3, 30
"""Time until a queue is asked again why a cluster waits, in the first minute and after it. An
admission is an event."""
_PATIENCE_SECONDS = 60
"""Patience with KubeRay, which has many clusters to look after, and with Pods that terminate."""


def await_cluster(ctx: Reconciliation, stage: StageStatus) -> Step | None:
    """Create or await the cluster of a stage; None if it is ready."""
    group = StageGroup.ALL if ctx.settings.one_cluster else stage.name.group
    given = ctx.status.cluster
    if given is not None and (given.released or given.group is not group):
        given = None
    leftovers = [
        cluster
        for cluster in ctx.snapshot.clusters
        if given is None
        or cluster.name != given.name
        or cluster.state in {ClusterState.BROKEN, ClusterState.LEAVING}
    ]
    if leftovers:
        return _replace(ctx, stage, group, leftovers)
    if given is None:
        return _record(ctx, stage, group)
    if ctx.cluster is None:
        return _make(ctx, stage, given)
    if ctx.cluster.state is ClusterState.SUSPENDED:
        return _queued(ctx, stage, given)
    if ctx.cluster.state is ClusterState.STARTING:
        given = _awaited(ctx, given)
        return _waiting(ctx, stage, given, _why_starting(ctx, ctx.cluster, given))
    return None


def arrived(ctx: Reconciliation) -> ClusterStatus:
    """The cluster status after an attempt is recorded for it: the wait is over."""
    assert ctx.status.cluster is not None, "an attempt is recorded for a cluster that is ready"
    here = ctx.status.cluster.replace(waiting_since=None)
    return with_earlier_lost_pods(here, ctx.snapshot.lost_pods)


def released(status: JobStatus) -> ClusterStatus | None:
    """The cluster status after its release: the next cluster gets another name."""
    return status.cluster and status.cluster.replace(released=True)


def _replace(
    ctx: Reconciliation, stage: StageStatus, group: StageGroup, leftovers: list[Cluster]
) -> Step:
    """Delete other clusters first, and wait for their end."""
    names = ", ".join(cluster.name for cluster in leftovers)
    given = released(ctx.status) or _never_made(ctx, group)
    given = given.replace(waiting_since=_since(ctx, given))
    left = _seconds_left(ctx, given)
    patience = _PATIENCE_SECONDS - (ctx.job.spec.policy.scheduling_timeout_seconds - left)
    orphan = next((each for each in leftovers if each.reason == ORPHANED), None)
    why = "; ".join(cluster.message for cluster in leftovers if cluster.message)
    if left <= 0:
        message = f"{names} did not go" + (f": {why}" if why else "")
        reason = orphan.reason if orphan else "ClusterStuck"
        return given_up(ctx, stage, reason, f"{_limited(ctx)}: {message}")
    explains = why and (orphan is not None or patience <= 0)
    return Step(
        stage,
        tuple(
            DeleteCluster(cluster.name)
            for cluster in leftovers
            if cluster.state is not ClusterState.LEAVING
        ),
        reason=orphan.reason if orphan else _WAITING,
        message=f"waiting for {names} to go" + (f": {why}" if explains else ""),
        cluster=given,
        requeue_after_seconds=soonest(
            left, ctx.seconds_left, patience if patience > 0 and not explains else None
        ),
    )


def _never_made(ctx: Reconciliation, group: StageGroup) -> ClusterStatus:
    """Placeholder for the cluster of a job whose name an earlier job's cluster still has."""
    name = cluster_name(ctx.job.metadata.name, group, 0)
    return ClusterStatus(name=name, group=group, generation=0, released=True)


def _record(ctx: Reconciliation, stage: StageStatus, group: StageGroup) -> Step:
    """Record the cluster's name in the status; it is created after that is written."""
    generation = ctx.status.cluster.generation + 1 if ctx.status.cluster else 0
    recorded = ClusterStatus(
        name=cluster_name(ctx.job.metadata.name, group, generation),
        group=group,
        generation=generation,
        waiting_since=write_time(ctx.now),
        trainer_version=MINOR,
    )
    message = _starting(recorded)  # the condition of a created cluster, which saves a write
    return Step(stage, reason=_WAITING, message=message, cluster=recorded, requeue_after_seconds=0)


def _why_starting(
    ctx: Reconciliation, cluster: Cluster, given: ClusterStatus
) -> Cluster | LostPod | None:
    """The most severe reason why a cluster is not ready; None if it is just starting."""
    # A Pod ended before the cluster was ready: KubeRay replaces it, perhaps in vain.
    lost = worst_lost_pod(ctx.snapshot.lost_pods, given)
    if cluster.reason == NOT_READY and lost is not None:
        return lost
    return cluster if cluster.reason else lost


def _waiting(
    ctx: Reconciliation,
    stage: StageStatus,
    given: ClusterStatus,
    why: Cluster | Obstacle | LostPod | None = None,
) -> Step:
    """Wait for a starting cluster, or give up."""
    left = _seconds_left(ctx, given)
    waited = ctx.job.spec.policy.scheduling_timeout_seconds - left
    if why is not None and why.reason in {NOT_TAKEN_UP, NOT_READY} and waited < _PATIENCE_SECONDS:
        left, why = min(left, _PATIENCE_SECONDS - waited), None
    reason = (why and why.reason) or _WAITING
    message = (why and why.message) or _starting(given)
    if left <= 0:
        reason = "SchedulingTimeout" if reason == _WAITING else reason
        return given_up(ctx, stage, reason, f"{_limited(ctx)}: {message}")
    return Step(
        stage,
        reason=reason,
        message=message,
        cluster=_awaited(ctx, given),
        requeue_after_seconds=soonest(left, ctx.seconds_left),
    )


def _queued(ctx: Reconciliation, stage: StageStatus, given: ClusterStatus) -> Step:
    """Wait for a queue, without timeout and deadline.

    Pods of an earlier admission have to end before the next, which KubeRay ensures.
    """
    assert ctx.cluster is not None, "it is there, and suspended"
    return Step(
        stage,
        reason=ctx.cluster.reason,
        message=ctx.cluster.message,
        cluster=given.replace(waiting_since=None),
        requeue_after_seconds=_until_next_look(ctx),
    )


def _until_next_look(ctx: Reconciliation) -> float:
    since = ctx.status.queued_since
    is_new = since is None or (ctx.now - read_time(since)).total_seconds() < _PATIENCE_SECONDS
    return _FIRST_LOOKS_SECONDS if is_new else _LATER_LOOKS_SECONDS


def _make(ctx: Reconciliation, stage: StageStatus, given: ClusterStatus) -> Step:
    """Create the cluster, unless the API server has refused it."""
    obstacle = ctx.snapshot.obstacle
    if obstacle is not None:
        return _waiting(ctx, stage, given, obstacle)
    waiting = _waiting(ctx, stage, given, ctx.snapshot.refusal)
    if waiting.stage.state is StageState.FAILED:
        return waiting
    return replace(waiting, actions=(EnsureCluster(given.name, given.group),))


def _awaited(ctx: Reconciliation, given: ClusterStatus) -> ClusterStatus:
    """The cluster status with the start of the wait: now, if the wait begins."""
    if given.waiting_since is not None:
        return given
    begun = given.replace(waiting_since=write_time(ctx.now))
    return with_earlier_lost_pods(begun, ctx.snapshot.lost_pods)


def _since(ctx: Reconciliation, given: ClusterStatus) -> str:
    return given.waiting_since or write_time(ctx.now)


def _seconds_left(ctx: Reconciliation, given: ClusterStatus) -> float:
    limit = ctx.job.spec.policy.scheduling_timeout_seconds
    return (read_time(_since(ctx, given)) - ctx.now).total_seconds() + limit


def _limited(ctx: Reconciliation) -> str:
    limit = ctx.job.spec.policy.scheduling_timeout_seconds
    return f"its compute was not there after {limit} s (policy.schedulingTimeoutSeconds)"


def _starting(cluster: ClusterStatus) -> str:
    return f"the Ray cluster {cluster.name} is starting"
