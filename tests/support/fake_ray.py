"""Ray heads that only pretend: each job that is submitted succeeds after a few looks at it.

They answer as Ray's Jobs REST API does, where a test has no nodes to run a real one on. Jobs whose
id ends in one of some suffixes fail, or go on until they are stopped.
"""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from llmtrain_api.exit_codes import ExitCode

_OUTCOME = 'llmtrain-outcome: {"reason": "Completed", "message": ""}\n'
_LOOKS = 3
_PACKAGES = "/api/packages/gcs/"
LOG_FILE = "/api/v0/logs/file"
"""Where Ray hands out the end of a log."""


@dataclass
class FakeRay:
    """All heads of an API server.

    Attributes:
        failing: suffixes of ids, such as `tokenizer-0`, whose worker is lost.
        endless: suffixes of ids that only end when they are stopped.
        stubborn: suffixes of ids that do not end even then.
        packages: what was uploaded, by cluster and name.
        package_of: the package of each job, by the job's id.
    """

    failing: tuple[str, ...] = ()
    endless: tuple[str, ...] = ()
    stubborn: tuple[str, ...] = ()
    packages: dict[tuple[str, str], bytes] = field(default_factory=dict)
    package_of: dict[str, bytes] = field(default_factory=dict)
    _stopped: set[str] = field(default_factory=set)
    _looks: dict[str, int] = field(default_factory=dict)
    _cluster_of: dict[str, str] = field(default_factory=dict)

    def answer(self, cluster: str, method: str, path: str, body: Any) -> tuple[HTTPStatus, Any]:
        """Answer a request to the dashboard of a cluster.

        Args:
            cluster: its name.
            method: method of HTTP.
            path: from `/api/` on.
            body: JSON, parsed; a package as it is.
        """
        if path.startswith(_PACKAGES):
            self.packages[cluster, path.removeprefix(_PACKAGES)] = body
            return HTTPStatus.OK, None
        name, _, rest = path.removeprefix("/api/jobs/").partition("/")
        if method == "POST" and not name:
            package = body["runtime_env"]["working_dir"].removeprefix("gcs://")
            self.package_of[body["submission_id"]] = self.packages[cluster, package]
            return self._submit(cluster, body["submission_id"])
        if self._cluster_of.get(name) != cluster:
            return HTTPStatus.NOT_FOUND, {"message": f"Job {name} does not exist"}
        if rest == "logs":
            return HTTPStatus.OK, {"logs": self.log(cluster, name)}
        if rest == "stop":
            if not name.endswith(self.stubborn):
                self._stopped.add(name)
            return HTTPStatus.OK, {"stopped": True}
        self._looks[name] += 1
        return HTTPStatus.OK, self._status(name)

    def begin(self, cluster: str, name: str) -> None:
        """Begin a job that an operator before this test has submitted."""
        self._looks[name], self._cluster_of[name] = 0, cluster

    def log(self, cluster: str, name: str) -> str:
        """What a job has printed."""
        assert self._cluster_of[name] == cluster, "nobody asks another cluster for it"
        return "" if name.endswith(self.failing) else _OUTCOME

    def _status(self, name: str) -> dict[str, Any]:
        if name in self._stopped:
            return {"status": "STOPPED"}
        if self._looks[name] <= _LOOKS or name.endswith(self.endless):
            return {"status": "RUNNING"}
        if name.endswith(self.failing):
            return {"status": "FAILED", "driver_exit_code": ExitCode.INFRASTRUCTURE}
        return {"status": "SUCCEEDED", "driver_exit_code": ExitCode.DONE}

    def _submit(self, cluster: str, name: str) -> tuple[HTTPStatus, Any]:
        if name in self._cluster_of:
            message = f"Job with submission_id {name} already exists."
            return HTTPStatus.INTERNAL_SERVER_ERROR, {"message": message}
        self.begin(cluster, name)
        return HTTPStatus.OK, {"submission_id": name}


def as_json(text: bytes) -> Any:
    """A body, parsed; None where there is none."""
    return json.loads(text) if text else None
