"""Two operators that share a Lease: one leads, the other is ready to take over."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml
from support.chart import rendered_chart
from support.job_history import is_over, suspend_once
from support.nodeless_cluster import NodelessCluster
from support.operator_process import running_warm_operator

NAMESPACE = "llmtrain-system"
_LEASE = {"namespace": NAMESPACE, "name": "llmtrain"}
_SETTINGS = {"pollSeconds": 0.1, "resyncSeconds": 1}
_MEMBERS = 2
_LOOK_SECONDS = 0.05
_WITHIN_SECONDS = 300


def grant_rights(cluster: NodelessCluster) -> None:
    """Give the operators the chart's rights for several replicas."""
    cluster.client.request("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    for document in yaml.safe_load_all(rendered_chart("replicas=2", namespace=NAMESPACE)):
        meta = document["metadata"]
        if document["kind"].startswith("Role") and meta.get("namespace") == NAMESPACE:
            api = f"/apis/{document['apiVersion']}/namespaces/{NAMESPACE}"
            cluster.client.request("POST", f"{api}/{document['kind'].lower()}s", document)


@dataclass(frozen=True)
class Member:
    """One of the operators.

    Attributes:
        process: the operator.
        folder: its files.
    """

    process: "multiprocessing.context.ForkServerProcess"
    folder: Path

    @property
    def log(self) -> str:
        """The text that it has logged."""
        path = self.folder / "operator.log"
        return path.read_text() if path.exists() else ""

    @property
    def has_led(self) -> bool:
        """Whether it leads, or has led."""
        return " leads\n" in self.log

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process.pid is not None
        os.kill(self.process.pid, number)


class OperatorPair:
    """Keeps two operators running; a context manager.

    Args:
        cluster: the cluster without nodes.
        folder: folder for the operators' files.
        lease_seconds: seconds for which their Lease holds without a renewal.
    """

    def __init__(self, cluster: NodelessCluster, folder: Path, *, lease_seconds: int = 2) -> None:
        self._cluster, self._folder, self._stack = cluster, folder, ExitStack()
        self._settings = _SETTINGS | {"leaderElection": _LEASE | {"leaseSeconds": lease_seconds}}
        self.members: list[Member] = []

    def __enter__(self) -> Self:
        self._start()
        self._wait_until(lambda: self.members[0].has_led)
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        folder = self._folder / f"operator-{len(self.members)}"
        folder.mkdir(parents=True)
        process = self._stack.enter_context(
            running_warm_operator(self._cluster.operator_kubeconfig, folder, **self._settings)
        )
        self.members.append(Member(process, folder))

    def leader(self) -> Member:
        """The newest that lives and has led."""
        return next(m for m in reversed(self.members) if m.process.is_alive() and m.has_led)

    def run(self, name: str) -> None:
        """Wait until a whole job is over; whoever dies meanwhile is replaced.

        Args:
            name: name of the job.
        """

        def over() -> bool:
            if sum(member.process.is_alive() for member in self.members) < _MEMBERS:
                self._start()
            suspend_once(self._cluster, name)
            return is_over(self._cluster, name)

        self._wait_until(over)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _WITHIN_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.members[-1].log[-4000:]
            time.sleep(_LOOK_SECONDS)

    def wait_for_words(self, member: Member, words: str) -> None:
        """Wait until an operator has logged something."""
        self._wait_until(lambda: words in member.log)
