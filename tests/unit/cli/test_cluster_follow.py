"""A follower outlasts an API server that is away for a moment, and ends with its job."""

import pytest
from support.job_harness import recorded

from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageRun, StageState, StageStatus
from llmtrain_cli.cluster import follow
from llmtrain_cli.cluster.attempts import AttemptSelector
from llmtrain_clients.kubernetes_api import Json, KubernetesApi, KubernetesError

_AWAY = KubernetesError(0, "Unreachable", "it is away")
_OVERLOADED = KubernetesError(503, "ServiceUnavailable", "it is overloaded")
_REFUSES = KubernetesError(403, "Forbidden", "it refuses")
_RUNNING = JobStatus(
    phase=Phase.RUNNING,
    stages=(
        StageStatus(
            name=Stage.DATA, runs=(StageRun(state=StageState.RUNNING, attempt=recorded(0)),)
        ),
    ),
)
_SUCCEEDED = _RUNNING.replace(phase=Phase.SUCCEEDED)


def _body(uid: str = "1") -> Json:
    return {"metadata": {"name": "job", "namespace": "team", "uid": uid}, "spec": {"data": {}}}


class _Script(KubernetesApi):
    """An API server that gives one answer after another."""

    def __init__(self, *problem: Json | KubernetesError | None) -> None:
        super().__init__()
        self._answers = list(problem)

    async def get(self, path: str) -> Json | None:
        assert path == "/apis/llmtrain.io/v1alpha1/namespaces/team/llmtrainingjobs/job"
        problem = self._answers.pop(0)
        if isinstance(problem, KubernetesError):
            raise problem
        return problem


def _follower(*problem: Json | KubernetesError | None) -> follow.Follower:
    return follow.Follower(_Script(*problem), _body(), _RUNNING, AttemptSelector(), image=None)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LOOK_SECONDS", 0)


async def test_it_outlasts_a_moment_without_an_api_server(
    capsys: pytest.CaptureFixture[str],
) -> None:
    end = _body() | {"status": _SUCCEEDED.model_dump(mode="json", by_alias=True)}
    end["status"]["stages"][0]["runs"][0]["state"] = "Succeeded"
    await _follower(_AWAY, _OVERLOADED, end).follow()
    assert "The end of data, attempt 0 may be missing" in capsys.readouterr().err


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_PATIENCE_SECONDS", -1)
    with pytest.raises(KubernetesError, match="it is away"):
        await _follower(_AWAY).follow()


async def test_a_refusal_ends_it() -> None:
    with pytest.raises(KubernetesError, match="it refuses"):
        await _follower(_REFUSES).follow()


@pytest.mark.parametrize("problem", [None, _body(uid="2")])
async def test_it_ends_where_its_job_is_removed(
    problem: Json | None, capsys: pytest.CaptureFixture[str]
) -> None:
    await _follower(problem).follow()
    assert capsys.readouterr().err == "--- data, attempt 0\njob was removed.\n"
