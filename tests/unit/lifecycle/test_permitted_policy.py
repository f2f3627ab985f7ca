"""What a job brings is permitted by the operator's settings, or named with what they permit."""

from typing import Any

import pytest
from support.cluster.jobs import full_pipeline_job

from llmtrain_api.manifest import parse_job
from llmtrain_lifecycle.policies.permitted import Permitted, ServiceAccount, permission_obstacle

_PERMITTED = Permitted(
    service_accounts=(ServiceAccount(name="b"), ServiceAccount(name="a", mount_token=True)),
    labels=("example.com/", "cost-centre"),
    annotations=("sidecar.istio.io/inject",),
)


@pytest.mark.parametrize(
    ("sections", "permitted", "reason", "words"),
    [
        ({}, Permitted(), None, ""),
        ({"serviceAccountName": "a"}, _PERMITTED, None, ""),
        ({"serviceAccountName": "c"}, _PERMITTED, "ServiceAccountNotAllowed", "accounts: a and b;"),
        ({"serviceAccountName": "a"}, Permitted(), "ServiceAccountNotAllowed", "accounts: none;"),
        ({"labels": {"example.com/team": "a", "cost-centre": "1"}}, _PERMITTED, None, ""),
        ({"labels": {"cost-centre": "1", "team": "a"}}, _PERMITTED, "LabelNotAllowed", "set team;"),
        ({"labels": {"a.example.com/b": "a"}}, _PERMITTED, "LabelNotAllowed", "cost-centre and ex"),
        ({"labels": {"team": "a"}}, Permitted(), "LabelNotAllowed", "begin with: none;"),
        ({"annotations": {"sidecar.istio.io/inject": "false"}}, _PERMITTED, None, ""),
        (
            {"annotations": {"example.com/a": "a"}},
            _PERMITTED,
            "AnnotationNotAllowed",
            "permitted.a",
        ),
    ],
)
def test_what_is_not_permitted_is_named(
    sections: dict[str, Any], permitted: Permitted, reason: str | None, words: str
) -> None:
    job = full_pipeline_job()
    job["spec"] |= sections
    obstacle = permission_obstacle(parse_job(job).spec, permitted)
    assert (obstacle and obstacle.reason) == reason
    if obstacle is not None:
        assert words in obstacle.message


@pytest.mark.parametrize(("account", "mounted"), [("a", True), ("b", False), (None, False)])
def test_a_token_is_mounted_where_the_entry_says_so(account: str | None, *, mounted: bool) -> None:
    assert _PERMITTED.mounts_token(account) is mounted
