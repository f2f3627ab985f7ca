"""A wait ends when the state has come, and as soon as it cannot come any more."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Self

import pytest

from llmtrain import waiting
from llmtrain.errors import ClusterError, JobNotFoundError, JobStateError, WaitTimeoutError
from llmtrain.jobs import Job
from llmtrain_api.job import LLMTrainingJob
from llmtrain_api.status import JobStatus, Phase
from llmtrain_lifecycle.conditions import conditions_of

_AWAY = ClusterError("it is away")
_OVERLOADED = ClusterError("it is overloaded", 503)
_REFUSES = ClusterError("it refuses", 403)


def _job(phase: Phase, *, uid: str = "1", generation: int = 1, observed: int = 1) -> Job:
    conditions = conditions_of(
        phase,
        "Because",
        f"it is so {phase}",
        before=(),
        generation=observed,
        now=datetime.now(UTC),
    )
    status = JobStatus(phase=phase, conditions=conditions, observed_generation=observed)
    return Job("job", "team", uid, status, {}, generation)


class _Script:
    """Jobs that are seen one after another."""

    def __init__(self, *seen: Job | ClusterError | None, obstacle: str | None = None) -> None:
        self._seen, self._obstacle = list(seen), obstacle

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def find(self, name: str) -> Job | None:
        assert name == "job"
        seen = self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]
        if isinstance(seen, ClusterError):
            raise seen
        return seen

    async def get(self, name: str) -> Job:
        found = await self.find(name)
        assert found is not None
        return found

    async def obstacle(self, _job: Job) -> str | None:
        return self._obstacle

    async def create(self, job: LLMTrainingJob) -> Job:
        raise NotImplementedError

    async def list(self) -> list[Job]:
        raise NotImplementedError

    async def suspend(self, name: str) -> None:
        raise NotImplementedError

    async def resume(self, name: str) -> None:
        raise NotImplementedError

    async def delete(self, job: Job) -> None:
        raise NotImplementedError

    def logs(self, name: str, **_options: object) -> AsyncGenerator[str, None]:
        raise NotImplementedError


async def _wait(script: _Script, state: str, *, timeout_seconds: float | None = None) -> Job:
    return await waiting.wait_for(script, "job", state, timeout_seconds=timeout_seconds)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_LOOK_SECONDS", 0)


_PENDING, _RUNNING = _job(Phase.PENDING), _job(Phase.RUNNING)
_SUSPENDED, _SUCCEEDED = _job(Phase.SUSPENDED), _job(Phase.SUCCEEDED)


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        ("Pending", [_PENDING]),
        ("Running", [_PENDING, _RUNNING]),
        ("Ready", [_PENDING, _RUNNING]),
        ("Suspended", [_RUNNING, _SUSPENDED]),
        ("Stalled", [_RUNNING, _job(Phase.FAILED)]),
        ("Succeeded", [_PENDING, _AWAY, _RUNNING, _OVERLOADED, _SUCCEEDED]),
    ],
)
async def test_a_state_is_a_phase_or_a_condition(
    state: str, seen: list[Job | ClusterError]
) -> None:
    assert await _wait(_Script(*seen), state) is seen[-1]


async def test_a_status_older_than_the_manifest_says_nothing() -> None:
    before = _job(Phase.SUSPENDED, generation=2, observed=1)
    after = _job(Phase.RUNNING, generation=2, observed=2)
    assert await _wait(_Script(before, before, after), "Running") is after
    again = _job(Phase.SUSPENDED, generation=2, observed=2)
    assert await _wait(_Script(before, after, again), "Suspended") is again


@pytest.mark.parametrize(
    ("state", "seen", "words"),
    [
        (
            "Succeeded",
            [_RUNNING, _SUSPENDED],
            "job is Suspended, not Succeeded: it is so Suspended",
        ),
        ("Running", [_PENDING, _SUCCEEDED], "job is Succeeded, not Running: it is so Succeeded"),
    ],
)
async def test_a_state_that_cannot_come(state: str, seen: list[Job], words: str) -> None:
    with pytest.raises(JobStateError, match=words):
        await _wait(_Script(*seen), state)


async def test_an_obstacle_ends_it() -> None:
    with pytest.raises(JobStateError, match="its run was killed"):
        await _wait(_Script(_RUNNING, obstacle="its run was killed"), "Succeeded")


async def test_a_time_limit() -> None:
    with pytest.raises(WaitTimeoutError, match=r"not Succeeded within 0\.01 s; it is Running: it"):
        await _wait(_Script(_RUNNING), "Succeeded", timeout_seconds=0.01)


@pytest.mark.parametrize("removed", [None, _job(Phase.SUCCEEDED, uid="2")])
async def test_a_job_that_is_removed(removed: Job | None) -> None:
    with pytest.raises(JobNotFoundError, match="job was removed"):
        await _wait(_Script(_RUNNING, removed), "Succeeded")


async def test_a_refusal_ends_it_and_so_does_long_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="it refuses"):
        await _wait(_Script(_RUNNING, _REFUSES), "Succeeded")
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", -1)
    with pytest.raises(ClusterError, match="it is away"):
        await _wait(_Script(_RUNNING, _AWAY), "Succeeded")
