"""One cluster without nodes for all tests of the operator."""

from collections.abc import Iterator

import pytest
from support.job_history import JobHistory, run_whole_job
from support.nodeless_cluster import NodelessCluster, running_nodeless_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodelessCluster]:
    """A cluster without nodes."""
    with running_nodeless_cluster(tmp_path_factory.mktemp("nodeless")) as running:
        yield running


@pytest.fixture(scope="session")
def undisturbed(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> JobHistory:
    """The record of a job without crashes and watch faults."""
    return run_whole_job(cluster, "undisturbed", tmp_path_factory.mktemp("undisturbed"))
