"""A job whose driver is killed on one empty claim after the other ends with the same losses."""

from pathlib import Path

import pytest
from support.mirror_crashes import MirrorCrashes
from support.s3_server import S3Server


def test_crashes_on_empty_claims_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few crashes; `benchmarks/mirror_crashes.py` makes hundreds."""
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        crashes = MirrorCrashes(tmp_path, server, seed=0)
        crashes.crash_until_done(2)
    assert crashes.count == 2
