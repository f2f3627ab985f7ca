"""A micro batch that is found: the largest that fits, without a trace; smaller if need be."""

import json
from pathlib import Path

import pytest
from support.cgroups import memory_group
from support.rank_process import Run, run_ranks, start_rank
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.run_config import RunConfig
from llmtrain_api.stages import Stage
from llmtrain_api.workspace import Workspace

LIMIT_BYTES = 300 * 2**20
"""Steps of 64 of the 128 sequences fit, and of all of them do not."""
LENGTH, SEQUENCES = 128, 128
LONG = {
    "model": {"hiddenSize": 64, "dropout": 0.0},
    "sequenceLength": LENGTH,
    "batchTokens": LENGTH * SEQUENCES,
    "tokens": 4 * LENGTH * SEQUENCES,
    "checkpoint": {"everySteps": 2},
}
"""Four steps in which activations take most of the memory."""


def _config(folder: Path, size: int | str, *, attempt: int = 0, **changes: object) -> RunConfig:
    if not folder.exists():
        folder.mkdir()
        write_tokens(Workspace(folder), num_tokens=20_000)
    return pretrain_config(folder, microBatchSize=size, attempt=attempt, **changes)


def _run(config: RunConfig, group: Path, *, ballast_step: int | None = None) -> int:
    """Exit code of a run of one rank in a control group."""
    workspace = Path(config.workspace)
    runs = workspace.with_name(f"{workspace.name}-{config.attempt}.json")
    runs.write_text(json.dumps([(config.model_dump_json(), None)]))
    with runs.with_suffix(".log").open("w") as log:
        process = start_rank(
            "support.limited_rank:rank",
            str(runs),
            str(group),
            str(ballast_step or ""),
            str(200 * 2**20),
            output=log.fileno(),
            errors=log.fileno(),
        )
        return process.wait(300)


def _remembered(folder: Path) -> int:
    size: int = json.loads(Workspace(folder).micro_batch(Stage.PRETRAIN).read_text())["size"]
    return size


def _losses(folder: Path) -> dict[int, float]:
    lines = Workspace(folder).metrics(Stage.PRETRAIN).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return {each["step"]: each["loss"] for each in records if "loss" in each}


def _sizes_in_use(folder: Path) -> set[int]:
    lines = Workspace(folder).metrics(Stage.PRETRAIN).read_text().splitlines()
    return {each["microBatchSize"] for each in map(json.loads, lines) if "loss" in each}


def test_the_largest_that_fits_is_found_and_halved_after_the_kernel_has_killed(
    tmp_path: Path,
) -> None:
    """The limit is that of a control group: beyond it the kernel kills without a word."""
    found, by_hand, too_large = (tmp_path / name for name in ("found", "by-hand", "too-large"))
    with memory_group(LIMIT_BYTES) as group:
        # The reporter takes 200 MiB after step 3, and the next step is killed.
        assert _run(_config(found, "auto", **LONG), group, ballast_step=3) == -9
        size = _remembered(found)
        log = (tmp_path / "found-0.log").read_text()
        tries = log.partition("the largest that fits; tried ")[2].splitlines()[0].split(", ")
        assert len(tries) <= 3
        assert int(tries[-1]) == size < SEQUENCES

        assert _run(_config(found, "auto", attempt=1, **LONG), group) == 0
        assert _remembered(found) == size // 2
        assert "resumed from" in (tmp_path / "found-1.log").read_text()

        assert _run(_config(too_large, 2 * size, **LONG), group) == -9
        assert _run(_config(by_hand, size, **LONG), group) == 0
    # The same batch in other sums: equal but for rounding.
    assert _losses(found) == pytest.approx(_losses(by_hand), rel=1e-5)
    assert list(_losses(found)) == [1, 2, 3, 4]


@pytest.mark.parametrize("stage", [0, 3])
def test_the_search_leaves_no_trace(tmp_path: Path, stage: int) -> None:
    found, by_hand = tmp_path / "found", tmp_path / "by-hand"
    settings = {"zero": {"stage": stage}, "precision": "bf16"}
    runs = [
        Run(_config(found, "auto", workers=2, **settings)),
        Run(_config(by_hand, 4, workers=2, **settings)),
    ]
    run_ranks(runs, ranks=2)
    assert _remembered(found) == 4
    assert _sizes_in_use(found) == {4}  # as the report and the status show it
    assert _losses(found) == _losses(by_hand)
    weights = [
        Workspace(folder).model("pretrained").joinpath("model.safetensors").read_bytes()
        for folder in (found, by_hand)
    ]
    assert weights[0] == weights[1]
