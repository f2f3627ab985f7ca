"""The operator as a process, as a cluster runs it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

_SETTINGS = {
    "image": "llmtrain-trainer:test",
    "imagePullPolicy": "Never",
    "reach": "apiServer",
    "pollSeconds": 0.5,
}


@contextmanager
def running_operator(
    kubeconfig: Path,
    folder: Path,
    **settings: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the operator against a cluster.

    Args:
        kubeconfig: of the cluster.
        folder: for its settings and its log.
        settings: that differ from the tests' own.
    """
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(_SETTINGS | settings))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    liveness = f"http://127.0.0.1:{port}/healthz"
    command = ["-m", "llmtrain_operator", "--settings", str(path), "--liveness", liveness]
    with (folder / "operator.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=os.environ | {"KUBECONFIG": str(kubeconfig)},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
