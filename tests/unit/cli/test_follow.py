"""A follower outlasts an API server that is away for a moment, and ends with its job."""

from collections.abc import Sequence

import pytest
from support.job_harness import recorded

from llmtrain import follow, waiting
from llmtrain.attempts import Attempt, AttemptSelector
from llmtrain.errors import ClusterError, LogError
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus, Phase, StageRun, StageState, StageStatus

_AWAY = ClusterError("it is away")
_OVERLOADED = ClusterError("it is overloaded", 503)
_REFUSES = ClusterError("it refuses", 403)


def _status(phase: Phase, state: StageState) -> JobStatus:
    run = StageRun(state=state, attempt=recorded(0))
    return JobStatus(phase=phase, stages=(StageStatus(name=Stage.DATA, runs=(run,)),))


_RUNNING = _status(Phase.RUNNING, StageState.RUNNING)
_SUCCEEDED = _status(Phase.SUCCEEDED, StageState.SUCCEEDED)


class _Script:
    """A reader that sees one thing after another; Ray has printed one line more at each look."""

    name = "job"

    def __init__(self, *seen: JobStatus | ClusterError | None, in_ray: bool = True) -> None:
        self._seen, self._in_ray, self._lines = list(seen), in_ray, 0

    async def look(self) -> JobStatus | None:
        seen = self._seen.pop(0)
        if isinstance(seen, ClusterError):
            raise seen
        return seen

    async def read(self, _status: JobStatus, _attempt: Attempt) -> str | None:
        self._lines += 1
        return "".join(f"line {n}\n" for n in range(self._lines)) if self._in_ray else None

    async def read_kept(self, _attempt: Attempt) -> str:
        raise LogError("it lies elsewhere")

    async def read_whole(self, status: JobStatus, attempt: Attempt) -> str:
        raise NotImplementedError

    def advice(self, _attempt: Attempt) -> str:
        return "read all of it"


async def _follow(script: _Script, status: JobStatus = _RUNNING) -> tuple[str, Sequence[str]]:
    remarks: list[str] = []
    follower = follow.Follower(script, status, AttemptSelector(), remark=remarks.append)
    return "".join([text async for text in follower.follow()]), remarks


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_LOOK_SECONDS", 0)


async def test_it_outlasts_a_moment_without_an_api_server() -> None:
    text, remarks = await _follow(_Script(_RUNNING, _AWAY, _OVERLOADED, _SUCCEEDED))
    assert text == "line 0\nline 1\nline 2\n", "each once"
    begin, missing, end = remarks
    assert begin == "--- data, attempt 0"
    assert missing == "The end of data, attempt 0 may be missing: read all of it."
    assert end == "job is Succeeded: "


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE_SECONDS", -1)
    with pytest.raises(ClusterError, match="it is away"):
        await _follow(_Script(_AWAY))


async def test_a_refusal_ends_it() -> None:
    with pytest.raises(ClusterError, match="it refuses"):
        await _follow(_Script(_REFUSES))


async def test_it_ends_where_its_job_is_removed() -> None:
    text, remarks = await _follow(_Script(None))
    assert (text, remarks) == ("line 0\n", ["--- data, attempt 0", "job was removed."])


async def test_a_kept_log_that_cannot_be_read_ends_it_where_no_other_will_come() -> None:
    with pytest.raises(LogError, match="it lies elsewhere"):
        await _follow(_Script(in_ray=False), _SUCCEEDED)
