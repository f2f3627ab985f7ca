"""The cause of a failed group of ranks, found in Ray Train's errors."""

import pytest
from ray.exceptions import NodeDiedError, OutOfMemoryError
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

from llmtrain_trainer.errors import StageError, UserError, WorkerLostError
from llmtrain_trainer.launch.ray_train import cause_of

_KILLED = """The actor died: Task was killed due to the node running low on memory.
1 worker(s) were killed due to the node running low on memory. Memory on the node (IP: 10.0.0.18, \
ID: ebcc) was 3.85GB used / 4.00GB limit (0.963614)"""


def unhealthy(failure: Exception) -> Exception:
    return WorkerHealthCheckFailedError("A worker health check failed.", failure)


@pytest.mark.parametrize(
    ("failures", "kind", "reason", "words"),
    [
        (
            {0: RuntimeError("Connection closed by peer"), 1: unhealthy(OutOfMemoryError(_KILLED))},
            StageError,
            "OutOfMemory",
            "for want of memory: 3.85GB used / 4.00GB limit; raise compute.trainers.memory",
        ),
        (
            {0: RuntimeError("[gloo] Connection closed by peer"), 1: unhealthy(NodeDiedError("n"))},
            WorkerLostError,
            "WorkerLost",
            "worker 1 was lost: n",
        ),
        (
            {0: RuntimeError("Connection reset by peer\nmore")},
            WorkerLostError,
            "WorkerLost",
            "worker 0 lost its peers: Connection reset by peer",
        ),
        (
            {0: RuntimeError("Connection reset by peer"), 1: UserError("batchTokens is wrong")},
            UserError,
            "InvalidInput",
            "batchTokens is wrong",
        ),
        ({1: KeyError("loss")}, StageError, "StageFailed", "worker 1 raised KeyError: 'loss'"),
    ],
)
def test_the_first_failure_of_a_group_is_reported(
    failures: dict[int, Exception], kind: type[StageError], reason: str, words: str
) -> None:
    cause = cause_of(failures)
    assert type(cause) is kind
    assert cause.reason == reason
    assert words in cause.message
