"""Seconds until the second of two operators leads, after the first has been stopped.

Run from the root of the repository: PYTHONPATH=tests python benchmarks/takeover.py
"""

import signal
import tempfile
import time
from pathlib import Path

import typer
from support.nodeless_cluster import running_nodeless_cluster
from support.operator_pair import OperatorPair, grant_rights

_WAYS = {
    "asked to end (SIGTERM)": signal.SIGTERM,
    "killed (SIGKILL)": signal.SIGKILL,
    "frozen (SIGSTOP)": signal.SIGSTOP,
}


def main(lease_seconds: int = 15) -> None:
    """Print a line for each way in which a leader can stop.

    Args:
        lease_seconds: seconds for which the Lease holds without a renewal.
    """
    with tempfile.TemporaryDirectory() as work:
        (folder := Path(work, "cluster")).mkdir()
        with running_nodeless_cluster(folder) as cluster:
            grant_rights(cluster)
            for number, (way, stop) in enumerate(_WAYS.items()):
                place = Path(work, f"pair-{number}")
                with OperatorPair(cluster, place, lease_seconds=lease_seconds) as pair:
                    first, second = pair.members
                    pair.wait_for_words(second, "authentication has finished")
                    begin = time.monotonic()
                    first.signal(stop)
                    pair.wait_for_words(second, " leads\n")
                    typer.echo(f"{way}: {time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    typer.run(main)
