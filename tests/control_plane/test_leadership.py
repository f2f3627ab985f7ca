"""The leader of two operators dies or is frozen; no write of a job is lost or doubled."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.job_history import JobHistory, begin_whole_job, history_of
from support.nodeless_cluster import NodelessCluster
from support.operator_pair import OperatorPair, grant_rights

pytestmark = pytest.mark.timeout(900)
_WRITES_OF_A_LEADER = 4


@pytest.fixture(scope="module", autouse=True)
def _rights(cluster: NodelessCluster) -> None:
    grant_rights(cluster)


@pytest.fixture
def pair(cluster: NodelessCluster, tmp_path: Path) -> Iterator[OperatorPair]:
    with OperatorPair(cluster, tmp_path) as running:
        yield running
    cluster.proxy.after_write = lambda: None


def test_a_leader_that_dies(
    cluster: NodelessCluster, undisturbed: JobHistory, pair: OperatorPair
) -> None:
    writes = crashes = 0

    def strike() -> None:
        nonlocal writes, crashes
        writes += 1
        if writes % _WRITES_OF_A_LEADER == 0:
            crashes += 1
            pair.leader().process.kill()

    cluster.proxy.after_write = strike
    begin_whole_job(cluster, "bereft")
    pair.run("bereft")
    cluster.proxy.after_write = lambda: None
    history = history_of(cluster, "bereft", crashes)
    assert history.crashes > 5
    assert history.made == undisturbed.made
    assert history.end == undisturbed.end


def test_a_leader_that_is_frozen_and_thawed(
    cluster: NodelessCluster, undisturbed: JobHistory, pair: OperatorPair
) -> None:
    first = pair.leader()
    frozen = False

    def strike() -> None:
        nonlocal frozen
        if not frozen and len(cluster.proxy.writes) > _WRITES_OF_A_LEADER:
            frozen = True
            first.signal(signal.SIGSTOP)

    cluster.proxy.after_write = strike
    begin_whole_job(cluster, "frozen")
    pair.run("frozen")
    assert frozen
    first.signal(signal.SIGCONT)
    pair.wait_for_words(first, "does not lead any more")
    history = history_of(cluster, "frozen", 0)
    assert history.made == undisturbed.made
    assert history.end == undisturbed.end


def test_a_leader_that_is_asked_to_end_hands_over_at_once(pair: OperatorPair) -> None:
    first, second = pair.members
    first.signal(signal.SIGTERM)
    pair.wait_for_words(second, " leads\n")
    assert "stays until it has run out" not in first.log
