"""Names that two programs must agree on."""

import re

import pytest

from llmtrain_api.names import (
    CLUSTER_NAME_MAX_LENGTH,
    JOB_NAME_MAX_LENGTH,
    cluster_name,
    is_job_name,
)


def test_a_short_name_is_kept() -> None:
    assert cluster_name("pydoc-chat", "trainers", 3) == "pydoc-chat-trainers-3"


@pytest.mark.parametrize("generation", [0, 99, 123_456])
def test_a_long_name_is_cut_and_stays_its_own(generation: int) -> None:
    jobs = ["a" * JOB_NAME_MAX_LENGTH, "a" * (JOB_NAME_MAX_LENGTH - 1) + "b"]
    first, second = (cluster_name(job, "trainers", generation) for job in jobs)
    assert first != second
    assert first.endswith(f"-trainers-{generation}")
    assert len(first) <= CLUSTER_NAME_MAX_LENGTH


@pytest.mark.parametrize("job", ["7b-pretrain", "7", "0" * JOB_NAME_MAX_LENGTH, "1-" * 19 + "1"])
@pytest.mark.parametrize("generation", [0, 123_456])
def test_a_leading_digit_gives_a_name_that_kuberay_takes(job: str, generation: int) -> None:
    assert is_job_name(job)
    name = cluster_name(job, "trainers", generation)
    assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= CLUSTER_NAME_MAX_LENGTH
    assert name != cluster_name(f"job-{job}"[:JOB_NAME_MAX_LENGTH], "trainers", generation)
