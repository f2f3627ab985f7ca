"""llmtrain on a test node, installed by helm as a user would."""

import os
import subprocess
from pathlib import Path

from support.cluster.binaries import binary
from support.cluster.images import OPERATOR, TRAINER
from support.cluster.node import Node
from support.cluster.pods import make_namespace
from support.repository import ROOT

NAMESPACE = "llmtrain-system"


def install(node: Node, **values: str) -> None:
    """Install the chart, and wait until the operator reconciles.

    Args:
        node: node of the release.
        values: values of the chart; a double underscore stands for a dot.
    """
    make_namespace(node, NAMESPACE)
    repository, tag = OPERATOR.split(":")
    own = {
        "image.repository": repository,
        "image.tag": tag,
        "image.pullPolicy": "Never",
        "trainer.image": TRAINER,
        "trainer.imagePullPolicy": "Never",
        "trainer.cpuOvercommit": "8",  # head, trainers and all the rest share two cores
        "trainer.graceSeconds": "30",
    }
    given = {name.replace("__", "."): value for name, value in values.items()}
    settings = [f"--set={name}={value}" for name, value in (own | given).items()]
    helm(node, "install", "llmtrain", str(ROOT / "charts" / "llmtrain"), "--wait", *settings)


def helm(node: Node, *arguments: str) -> str:
    """Run helm; returns what it printed.

    Raises:
        AssertionError: it failed.
    """
    return _run(node, binary("helm"), *arguments, f"--namespace={NAMESPACE}")


def kubectl(node: Node, *arguments: str) -> str:
    """Run kubectl; returns what it printed.

    Raises:
        AssertionError: it failed.
    """
    return _run(node, binary("kubectl"), *arguments)


def _run(node: Node, program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments],
        env=os.environ | {"KUBECONFIG": str(node.kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{program.name} {' '.join(arguments)}:\n{done.stderr}"
    return done.stdout
