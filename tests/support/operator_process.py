"""The operator as a process, as a cluster runs it."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from support.cluster.processes import LOOPBACK, free_port

from llmtrain_operator.runtime.run import run_operator
from llmtrain_operator.runtime.settings import read_settings

_SETTINGS = {
    "image": "llmtrain-trainer:test",
    "imagePullPolicy": "Never",
    "reach": "apiServer",
    "pollSeconds": 0.5,
    "network": {},
}


@contextmanager
def running_operator(
    kubeconfig: Path,
    folder: Path,
    **settings: Any,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the operator against a cluster.

    Args:
        kubeconfig: kubeconfig of the cluster.
        folder: for its settings and its log.
        settings: settings that differ from the tests' defaults.
    """
    path, liveness = _write_settings(folder, settings), _free_url()
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


@contextmanager
def running_warm_operator(
    kubeconfig: Path, folder: Path, **settings: Any
) -> Iterator["multiprocessing.context.ForkServerProcess"]:
    """Run the operator as a fork of a process that has imported all of it: a start in a moment.

    Args: as for `running_operator`; the first one's kubeconfig is that of all others.
    """
    # Kubernetes' library reads it when it is imported, in the process that forks.
    os.environ["KUBECONFIG"] = str(kubeconfig)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["llmtrain_operator.runtime.run"])
    path = _write_settings(folder, settings)
    process = context.Process(target=_run, args=(path, _free_url()), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()
        process.close()


def _run(settings: Path, liveness: str) -> None:
    log = os.open(settings.with_name("operator.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    run_operator(read_settings(settings), liveness=liveness)


def _write_settings(folder: Path, settings: dict[str, Any]) -> Path:
    path = folder / "settings.yaml"
    path.write_text(yaml.safe_dump(_SETTINGS | settings))
    return path


def _free_url() -> str:
    return f"http://{LOOPBACK}:{free_port()}/healthz"
