"""A node with KubeRay and llmtrain on it, for all tests that start jobs."""

from collections.abc import Iterator

import pytest
from support.cluster.images import project_images
from support.cluster.node import Node, running_node
from support.cluster.pods import make_namespace
from support.cluster_jobs import NAMESPACE
from support.kuberay import running_kuberay
from support.llmtrain_release import install


@pytest.fixture(scope="session")
def llmtrain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node on which llmtrain is installed, and a namespace for restricted Pods."""
    folder = tmp_path_factory.mktemp("llmtrain")
    with running_node(folder, audit=True) as node:
        for image in project_images(folder):
            node.load_image(image)
        with running_kuberay(node.kubeconfig, node.client):
            install(
                node,
                metrics__enabled="true",
                prices__resources__cpuUsdPerHour="0.04",
                prices__resources__gibUsdPerHour="0.005",
                trainer__profiles__ib__sharedMemory="256Mi",
                **{"trainer__profiles__ib__resources__rdma/ib": "1"},
            )
            make_namespace(node, NAMESPACE)
            yield node
