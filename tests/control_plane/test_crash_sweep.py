"""The operator dies after each write that it makes in a whole job's life, and nothing is lost."""

from pathlib import Path

import pytest
from support.job_history import JobHistory, run_whole_job
from support.kubernetes_proxy import WatchFault
from support.nodeless_cluster import NodelessCluster
from support.watch_faults import doubling, dropping, late, stale

pytestmark = pytest.mark.timeout(900)


def test_an_undisturbed_job_fails_once_and_is_suspended_once(undisturbed: JobHistory) -> None:
    attempts = {
        stage["name"]: stage["runs"][0]["attempt"]["number"] for stage in undisturbed.end["stages"]
    }
    assert attempts["tokenizer"] == 1, "it failed once"
    assert attempts["pretrain"] == 1, "it was suspended once"
    assert undisturbed.made["POST submission"] == 8 + 1, "six stages, two of them twice; one stop"
    clusters = "/apis/ray.io/v1/namespaces/default/rayclusters"
    assert undisturbed.made[f"POST {clusters}"] == 3
    assert (
        sum(n for what, n in undisturbed.made.items() if what.startswith(f"DELETE {clusters}")) == 3
    )


def test_a_crash_after_every_write_changes_nothing(
    cluster: NodelessCluster, undisturbed: JobHistory, tmp_path: Path
) -> None:
    swept = run_whole_job(cluster, "swept", tmp_path, crash=True)
    assert swept.crashes > 30
    assert swept.made == undisturbed.made
    assert swept.end == undisturbed.end


@pytest.mark.parametrize("watch_fault", [dropping, doubling, late, stale])
def test_watches_that_lie_change_nothing(
    cluster: NodelessCluster, undisturbed: JobHistory, tmp_path: Path, watch_fault: type[WatchFault]
) -> None:
    disturbed = run_whole_job(cluster, watch_fault.__name__, tmp_path, watch_fault=watch_fault)
    assert disturbed.made == undisturbed.made
    assert disturbed.end == undisturbed.end
