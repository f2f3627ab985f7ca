"""One cluster without nodes for all tests of the operator."""

from collections.abc import Iterator

import pytest
from support.nodeless_cluster import NodelessCluster, running_nodeless_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodelessCluster]:
    """A cluster without nodes."""
    with running_nodeless_cluster(tmp_path_factory.mktemp("nodeless")) as running:
        yield running
