"""Ranks that are killed while they save lose no commit, and end with the same losses."""

from pathlib import Path

from support.crashes import Crashes


def test_crashes_while_checkpoints_are_written_change_nothing(tmp_path: Path) -> None:
    """A few crashes; `benchmarks/checkpoint_crashes.py` makes hundreds."""
    crashes = Crashes(tmp_path, seed=0)
    crashes.crash_until_done(3)
    assert crashes.count == 3
