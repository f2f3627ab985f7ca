"""Two hundred hostile inputs: each ends in a clear error or is counted, in bounded memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.hostile_inputs import Hostile, hostile_inputs
from support.repository import ROOT

pytestmark = pytest.mark.slow

CASES = hostile_inputs()
_PEAK_BYTES = 1_000_000_000
"""The libraries take a third of it; a document of 64 MiB is held about six times."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What becomes of each input in a process that reads them all."""
    folder = tmp_path_factory.mktemp("hostile")
    for number, case in enumerate(CASES):
        inputs = folder / str(number) / "inputs"
        inputs.mkdir(parents=True)
        case.make(inputs / case.name)
    paths = [str(ROOT / "tests"), *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = subprocess.run(
        [sys.executable, "-m", "support.hostile_reader", folder],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) == len(CASES), (CASES[len(found)].name, ended.stderr[-3000:])
    return found


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_hostile_input_ends_in_a_clear_error_or_is_counted(
    outcomes: list[dict[str, Any]], number: int
) -> None:
    case: Hostile = CASES[number]
    outcome = outcomes[number]
    assert case.error in outcome["error"]
    assert bool(case.error) == bool(outcome["error"]), outcome
    if not case.error:
        assert outcome["documents"] == case.documents
        assert outcome["bad_rows"] == case.bad_rows
        assert outcome["skipped"] == case.skipped
    else:
        assert Path(case.name).name.split("\n")[0] in outcome["error"] or case.name.startswith(
            "odd"
        )


def test_hostile_inputs_take_bounded_memory(outcomes: list[dict[str, Any]]) -> None:
    assert len(CASES) >= 200
    peaks = {case.name: each["peak_bytes"] for case, each in zip(CASES, outcomes, strict=True)}
    first_above = next((name for name, peak in peaks.items() if peak > _PEAK_BYTES), None)
    assert first_above is None, peaks[first_above]
