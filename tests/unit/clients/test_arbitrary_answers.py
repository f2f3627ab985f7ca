"""Whatever Ray, the driver and the API server answer: no reconcile raises, and every policy holds.

The real reconciler asks a real HTTP server, which first answers at random. Then the API server
answers as it should, and Ray's head still at random.
"""

import asyncio
import tempfile
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.answered_job import AnsweredJobs, Clock, is_of_head, reconciling
from support.answering_server import Answer, Request
from support.exploring import EXPLORES, examples
from support.foreign_answers import foreign_answers

from llmtrain_api.status import Phase, StageState
from llmtrain_clients.http import UnreachableError
from llmtrain_clients.kubernetes_errors import KubernetesError
from llmtrain_clients.ray_jobs import RayJobsError
from llmtrain_operator.informer.work_queue import Key
from llmtrain_operator.runtime.reconciler import Reconciler

_EXAMPLES = examples(50, exploring=1000)
"""Each reconciles ten times at least."""
_PASSES_AT_RANDOM = 9
_PASSES_TO_REST = 24
_SECONDS = 30
_NO_RETRIES = {"application": 0, "infrastructure": 0, "preemption": 0}
_POLICIES: dict[str, dict[str, Any]] = {
    "deadline": {"activeDeadlineSeconds": 60},
    "suspend": {"suspend": True},
    "hang": {"hangTimeoutSeconds": 60},
    "deletion": {},
    "budget": {"budget": {"maxUsd": 50, "action": "fail"}},
}
_PRICES = {"nodes": [{"usdPerHour": 3600}]}
_AT_WORK = [StageState.STARTING, StageState.RUNNING, StageState.STOPPING]


@dataclass
class _Answers:
    """Answers at random, from everybody or from heads alone."""

    first: list[Answer]
    honest_api: bool = False

    def __post_init__(self) -> None:
        self._next = cycle(self.first)

    def __call__(self, request: Request) -> Answer | None:
        if self.honest_api and not is_of_head(request):
            return None
        return next(self._next)


_NULL = Answer(200, b"null")
"""An answer of no known form."""
_NO_GZIP = Answer(200, b"null", {"Content-Encoding": "gzip"})


@pytest.mark.slow
@given(
    policy=st.sampled_from(sorted(_POLICIES)),
    state=st.sampled_from(_AT_WORK),
    answers=st.lists(foreign_answers(), min_size=1, max_size=12),
)
@example(  # refused, then not understood, in turn: neither may undo the other
    policy="hang",
    state=StageState.STOPPING,
    answers=[Answer(201, b"null"), _NULL, _NULL, _NULL, _NULL, Answer(404, b"null")],
)
@example(  # a submission whose answer cannot be read, and answers of no known form, in turn
    policy="hang",
    state=StageState.STOPPING,
    answers=[_NO_GZIP, _NULL, _NULL, _NULL, _NULL, Answer(404, b"null")],
)
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.timeout(3600 if EXPLORES else 600)
@settings(max_examples=_EXAMPLES)
def test_no_pass_raises_and_every_policy_holds(
    policy: str, state: StageState, answers: list[Answer]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_hold(policy, state, _Answers(answers), Path(folder)))


async def _hold(policy: str, state: StageState, answers: _Answers, folder: Path) -> None:
    jobs = AnsweredJobs(chosen=answers)
    fields = {"hangTimeoutSeconds": 300, "retries": _NO_RETRIES, **_POLICIES[policy]}
    key = jobs.begin("job", fields, state, deleted=policy == "deletion")
    async with Clock().running() as clock, reconciling(jobs, folder, _PRICES) as reconciler:
        for _ in range(_PASSES_AT_RANDOM):
            await _pass(reconciler, key, api_may_fail=True)
            clock.wait(_SECONDS)
        answers.honest_api = True
        for _ in range(_PASSES_TO_REST):
            await _pass(reconciler, key, api_may_fail=False)
            clock.wait(_SECONDS)
            if _is_at_rest(jobs, key):
                return
    raise AssertionError(f"{policy} does not hold: {jobs.status(key)}")


async def _pass(reconciler: Reconciler, key: Key, *, api_may_fail: bool) -> None:
    """Reconcile once; an error that the operator names and retries is expected."""
    try:
        await reconciler.reconcile(key)
    except KubernetesError:
        assert api_may_fail
    except (RayJobsError, UnreachableError):
        pass


def _is_at_rest(jobs: AnsweredJobs, key: Key) -> bool:
    status = jobs.status(key)
    rests = status.phase.terminal or status.phase is Phase.SUSPENDED
    return rests and not jobs.holds_compute(key)
