"""Names that two programs must agree on."""

import pytest

from llmtrain_api.names import CLUSTER_NAME_MAX_LENGTH, JOB_NAME_MAX_LENGTH, cluster_name


def test_a_short_name_is_kept() -> None:
    assert cluster_name("pydoc-chat", "trainers", 3) == "pydoc-chat-trainers-3"


@pytest.mark.parametrize("generation", [0, 99, 123_456])
def test_a_long_name_is_cut_and_stays_its_own(generation: int) -> None:
    jobs = ["a" * JOB_NAME_MAX_LENGTH, "a" * (JOB_NAME_MAX_LENGTH - 1) + "b"]
    first, second = (cluster_name(job, "trainers", generation) for job in jobs)
    assert first != second
    assert first.endswith(f"-trainers-{generation}")
    assert len(first) <= CLUSTER_NAME_MAX_LENGTH
