"""Runs the stand-in: `python -m support.kuberay --kubeconfig FILE`."""

import argparse
import asyncio
import logging
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import kopf
from support.kuberay.api import connected
from support.kuberay.names import CLUSTER_LABEL
from support.kuberay.queue import Queue
from support.kuberay.reconcile import Reconciler


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--liveness", help="URL to say at that it runs")
    arguments = parser.parse_args()
    os.environ["KUBECONFIG"] = str(arguments.kubeconfig)  # for kopf
    kopf.configure(verbose=False)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it tells of every event
    kopf.run(
        registry=_registry(arguments.kubeconfig),
        standalone=True,
        clusterwide=True,
        liveness_endpoint=arguments.liveness,
    )


def _registry(kubeconfig: Path) -> kopf.OperatorRegistry:
    """Have kopf watch; each event only says which RayCluster is to be looked at."""
    registry, stack, queue = kopf.OperatorRegistry(), AsyncExitStack(), Queue()

    @kopf.on.startup(registry=registry)
    async def _start(settings: kopf.OperatorSettings, **_: object) -> None:
        settings.posting.enabled = False
        reconciler = Reconciler(await stack.enter_async_context(connected(kubeconfig)))
        task = asyncio.create_task(queue.work(reconciler))
        stack.callback(task.cancel)

    @kopf.on.login(registry=registry)
    def _login(**arguments: Any) -> kopf.ConnectionInfo | None:
        return kopf.login_with_kubeconfig(**arguments)

    @kopf.on.cleanup(registry=registry)
    async def _stop(**_: object) -> None:
        await stack.aclose()

    @kopf.on.event("ray.io", "v1", "rayclusters", registry=registry)
    def _cluster_changed(namespace: str | None, name: str, **_: object) -> None:
        queue.add(str(namespace), name)

    def _part_changed(namespace: str | None, labels: kopf.Labels, **_: object) -> None:
        queue.add(str(namespace), labels[CLUSTER_LABEL])

    for plural in ("pods", "services", "secrets"):
        watched = {CLUSTER_LABEL: kopf.PRESENT}
        kopf.on.event("", "v1", plural, labels=watched, registry=registry)(_part_changed)
    return registry


if __name__ == "__main__":
    main()
