"""A job uses the Secrets that are labelled for jobs; any other is an obstacle with a command."""

from collections.abc import Mapping

import pytest

from llmtrain_lifecycle.policies.secrets import secrets_obstacle

_FOR_JOBS = {"llmtrain.io/for-jobs": "true"}


@pytest.mark.parametrize(
    ("found", "reason", "named"),
    [
        ({}, None, ""),
        ({"hub": _FOR_JOBS}, None, ""),
        ({"hub": _FOR_JOBS | {"team": "a"}, "bucket": _FOR_JOBS}, None, ""),
        ({"hub": None}, "SecretMissing", "hub"),
        ({"hub": {}}, "SecretNotForJobs", "hub"),
        ({"hub": {"llmtrain.io/for-jobs": "false"}}, "SecretNotForJobs", "hub"),
        ({"hub": {"llmtrain.io/for-jobs": "True"}}, "SecretNotForJobs", "hub"),
        ({"hub": {"for-jobs": "true"}}, "SecretNotForJobs", "hub"),
        ({"hub": _FOR_JOBS, "bucket": None}, "SecretMissing", "bucket"),
        ({"hub": _FOR_JOBS, "bucket": {}, "last": None}, "SecretNotForJobs", "bucket"),
    ],
)
def test_the_first_that_cannot_be_used_is_named(
    found: Mapping[str, Mapping[str, str] | None], reason: str | None, named: str
) -> None:
    obstacle = secrets_obstacle("team-a", found)
    assert (obstacle and obstacle.reason) == reason
    if obstacle is not None:
        command = f"kubectl label secret -n team-a {named} llmtrain.io/for-jobs=true"
        assert command in obstacle.message
