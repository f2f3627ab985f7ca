"""The log of an ended attempt is read from the workspace, by a Pod that the cluster accepts."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from support.cluster.jobs import full_pipeline_job
from support.scripted_server import Asked, ScriptedServer

from llmtrain.attempts import Attempt
from llmtrain.cluster.log_sources import ClusterLogs
from llmtrain.errors import LogError
from llmtrain.jobs import Job
from llmtrain_api.stages import Stage
from llmtrain_api.status import JobStatus
from llmtrain_clients.http import Reply

_OPENSHIFT = (
    'pods "job-log" is forbidden: unable to validate against any security context constraint: '
    '[provider "restricted-v2": .containers[0].runAsUser: Invalid value: 1000: must be in the '
    "ranges: [1000650000, 1000659999]]"
)
_PODS = "/api/v1/namespaces/team/pods"


@dataclass
class _Server(ScriptedServer):
    """An API server that refuses some Pods, and runs the others to their end."""

    refusal: str
    users: list[int | None] = field(default_factory=list)

    async def answer(self, asked: Asked) -> Reply:
        if asked.method == "POST":
            body: Any = asked.body
            user = body["spec"]["securityContext"].get("runAsUser")
            self.users.append(user)
            if user is not None:
                refused = {"code": 403, "reason": "Forbidden", "message": self.refusal}
                return Reply(403, json.dumps(refused))
        if asked.method == "GET" and asked.path == _PODS:
            return Reply(200, json.dumps({"items": [], "metadata": {}}))
        if asked.path.endswith("/log"):
            return Reply(200, "loss 3.1\n")
        meta = {"name": "job-log", "namespace": "team", "uid": "1", "resourceVersion": "1"}
        return Reply(200, json.dumps({"metadata": meta, "status": {"phase": "Succeeded"}}))


async def _read(server: _Server) -> str:
    spec = full_pipeline_job("job")["spec"]
    job = Job("job", "team", "uid", JobStatus(), spec)
    logs = ClusterLogs(server, job, image="busybox", remark=print)
    return await logs.read_kept(Attempt(Stage.PRETRAIN, 0))


async def test_openshift_assigns_the_user_of_the_pod() -> None:
    server = _Server(_OPENSHIFT)
    assert await _read(server) == "loss 3.1\n"
    assert server.users == [1000, None]


async def test_a_pod_that_is_refused_for_another_reason_keeps_its_user() -> None:
    server = _Server('pods "job-log" is forbidden: exceeded quota: team')
    with pytest.raises(LogError, match="exceeded quota"):
        await _read(server)
    assert server.users == [1000]
