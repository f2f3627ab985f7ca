"""Whatever a rank dies of, Ray Train leaves it to the operator whether there is a next attempt."""

import pytest
from ray.exceptions import ActorDiedError, RayActorError
from ray.train import WorkerGroupError
from ray.train.v2._internal.exceptions import WorkerGroupStartupFailedError
from ray.train.v2._internal.execution.failure_handling import (
    FailureDecision,
    create_failure_policy,
)
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError

from llmtrain_trainer.launch.ray_train import NO_RETRIES


@pytest.mark.parametrize(
    "failure",
    [
        WorkerGroupError("a fault of its own", {0: ValueError("no such file")}),
        WorkerGroupError("it died", {0: ActorDiedError()}),
        WorkerGroupError("its node was taken away", {1: RayActorError(preempted=True)}),
        ControllerError(WorkerGroupStartupFailedError("it did not start")),
    ],
    ids=["raised", "died", "preempted", "not-started"],
)
def test_an_attempt_starts_its_ranks_once(failure: TrainingFailedError) -> None:
    assert create_failure_policy(NO_RETRIES).make_decision(failure) is FailureDecision.RAISE
