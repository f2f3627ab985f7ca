"""A queued job says in Kueue's words what it waits for."""

import pytest

from llmtrain_lifecycle.queue_words import ObservedWorkload, why_queued

_NO_ROOM = "couldn't assign flavors to pod set head: insufficient unused quota for cpu"
_PREEMPTED = "Preempted to accommodate a workload"


def _workload(*conditions: tuple[str, str, str]) -> ObservedWorkload:
    listed = [
        {"type": kind, "status": status, "message": message} for kind, status, message in conditions
    ]
    return ObservedWorkload.model_validate({"status": {"conditions": listed}, "spec": {}})


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([], "has not admitted its Ray cluster"),
        ([("QuotaReserved", "False", _NO_ROOM)], f"has not admitted its Ray cluster: {_NO_ROOM}"),
        ([("Evicted", "True", _PREEMPTED)], f"has not admitted its Ray cluster: {_PREEMPTED}"),
        (
            [("Evicted", "True", _PREEMPTED), ("QuotaReserved", "False", _NO_ROOM)],
            f"has not admitted its Ray cluster: {_NO_ROOM}",
        ),
        (
            [("QuotaReserved", "True", "Quota reserved"), ("Admitted", "False", "checks wait")],
            "has not admitted its Ray cluster: checks wait",
        ),
        ([("QuotaReserved", "True", "Quota reserved")], "has not admitted its Ray cluster"),
    ],
)
def test_words(conditions: list[tuple[str, str, str]], words: str) -> None:
    assert why_queued((_workload(*conditions),)).endswith(words)


def test_no_workload() -> None:
    assert "is Kueue running" in why_queued(())
