"""The operator dies after each write that it makes in a whole job's life, and nothing is lost."""

from pathlib import Path

import pytest
from support.job_life import Life, live
from support.kubernetes_proxy import Tamper
from support.nodeless_cluster import NodelessCluster
from support.tampering import doubling, dropping, late, stale

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def calm(cluster: NodelessCluster, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """The life of a job that nothing disturbs."""
    return live(cluster, "calm", tmp_path_factory.mktemp("calm"))


def test_a_calm_life_has_what_can_go_wrong_in_it(calm: Life) -> None:
    attempts = {stage["name"]: stage["attempt"] for stage in calm.end["stages"]}
    assert attempts["tokenizer"] == 1, "it failed once"
    assert attempts["pretrain"] == 1, "it was suspended once"
    assert calm.made["POST submission"] == 8 + 1, "six stages, two of them twice; one stop"
    clusters = "/apis/ray.io/v1/namespaces/default/rayclusters"
    assert calm.made[f"POST {clusters}"] == 3
    assert sum(n for what, n in calm.made.items() if what.startswith(f"DELETE {clusters}")) == 3


def test_a_crash_after_every_write_changes_nothing(
    cluster: NodelessCluster, calm: Life, tmp_path: Path
) -> None:
    swept = live(cluster, "swept", tmp_path, crash=True)
    assert swept.crashes > 30
    assert swept.made == calm.made
    assert swept.end == calm.end


@pytest.mark.parametrize("tampering", [dropping, doubling, late, stale])
def test_watches_that_lie_change_nothing(
    cluster: NodelessCluster, calm: Life, tmp_path: Path, tampering: type[Tamper]
) -> None:
    tampered = live(cluster, tampering.__name__, tmp_path, tampering=tampering)
    assert tampered.made == calm.made
    assert tampered.end == calm.end
