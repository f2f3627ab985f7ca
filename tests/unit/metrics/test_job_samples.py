"""What a job's figures say of its state."""

import pytest
from support.live_job import CREATED, live_body, live_status

from llmtrain_api.goodput import Activity, Interval
from llmtrain_api.manifest import parse_job
from llmtrain_api.stages import Stage, StageGroup
from llmtrain_api.status import JobStatus, Phase, StageState
from llmtrain_operator.metrics.job_samples import facts_of, lasting_samples


def _values(status: JobStatus, metric: str) -> dict[tuple[str, ...], float]:
    facts = facts_of(parse_job(live_body()))
    samples = lasting_samples(facts, "uid", CREATED, status)
    return {sample.labels: sample.value for sample in samples if sample.name == metric}


def _gpus(status: JobStatus) -> float:
    (value,) = _values(status, "llmtrain_job_gpus").values()
    return value


def _at(activity: Activity) -> JobStatus:
    """The job with its cluster, at something."""
    status = live_status()
    assert status.goodput is not None
    current = Interval(activity=activity, start=status.goodput.observed_time)
    goodput = status.goodput.replace(intervals=(current,))
    return status.replace(goodput=goodput)


@pytest.mark.parametrize(
    ("activity", "gpus"),
    [
        (Activity.QUEUED, 0),
        (Activity.PROVISIONING, 32),
        (Activity.WORKING, 32),
        (Activity.WAITING, 32),
        (Activity.SUSPENDED, 0),
    ],
)
def test_gpus_are_held_by_what_was_let_in(activity: Activity, gpus: int) -> None:
    assert _gpus(_at(activity)) == gpus


def test_gpus_are_held_by_a_cluster_of_trainers_that_stands() -> None:
    status = live_status()
    assert status.cluster is not None
    released = status.cluster.replace(released=True)
    of_cpus = status.cluster.replace(group=StageGroup.CPUS)
    for cluster in (None, released, of_cpus):
        assert _gpus(status.replace(cluster=cluster)) == 0


def test_a_job_that_has_ended_holds_none() -> None:
    status = live_status()
    assert status.goodput is not None
    goodput = status.goodput.replace(intervals=status.goodput.intervals[:-1])
    ended = status.replace(goodput=goodput, phase=Phase.SUCCEEDED)
    assert _gpus(ended) == 0


def test_the_reason_of_a_stage_s_last_attempt_is_shown_until_it_is_done() -> None:
    status = live_status()
    reasons = _values(status, "llmtrain_job_stage_reason")
    assert reasons == {("pretrain", "WorkerLost"): 1}
    stage = status.stage(Stage.PRETRAIN)
    done = stage.with_run(stage.run.replace(state=StageState.SUCCEEDED))
    assert _values(status.replace(stages=(done,)), "llmtrain_job_stage_reason") == {}
