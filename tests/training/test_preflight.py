"""Ranks check their links before the first step, and train to the same losses."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.rank_process import Run, run_ranks, start_rank
from support.tiny_job import pretrain_config, write_tokens

from llmtrain_api.exit_codes import ExitCode
from llmtrain_api.names import NODE_VARIABLE
from llmtrain_api.run_config import RunConfig
from llmtrain_api.workspace import Workspace

_SLOW = 1


def _config(folder: Path, *, workers: int, ratio: float | None) -> RunConfig:
    folder.mkdir()
    write_tokens(Workspace(folder))
    config = pretrain_config(folder, workers=workers, tokens=2 * 8 * 16, batchTokens=12 * 16)
    return config.replace(least_bandwidth_ratio=ratio)


def _checked(folder: Path, config: RunConfig, *, slow: int | None = None) -> dict[str, Any]:
    """What rank 0 says after the check, and after training if that is passed."""
    runs, result = folder / "runs.json", folder / "result.json"
    runs.write_text(json.dumps([config.model_dump_json()]))
    processes = [
        start_rank(
            "support.slow_rank:rank",
            str(runs),
            str(result),
            "" if slow is None else str(slow),
            rank=rank,
            ranks=config.workers.count,
            output=2,
            errors=2,
        )
        for rank in range(config.workers.count)
    ]
    assert [each.wait(120) for each in processes] == [0] * config.workers.count
    outcome: dict[str, Any] = json.loads(result.read_text())
    return outcome


def test_a_slow_rank_is_named_with_its_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NODE_VARIABLE, "node-7")
    config = _config(tmp_path / "run", workers=3, ratio=0.25)
    outcome = _checked(tmp_path, config, slow=_SLOW)
    code, reason, message = outcome["error"]
    assert (code, reason) == (ExitCode.INFRASTRUCTURE, "UnfitNode")
    assert message.startswith(f"rank {_SLOW} on node node-7: its fastest link")
    figures = outcome["figures"]
    assert (figures["slowest_rank"], figures["slowest_node"]) == (_SLOW, "node-7")
    assert 0 < figures["slowest_link_bandwidth"] < 2 * 2**20 / 0.1
    assert figures["bus_bandwidth"] > 0


def test_the_check_changes_no_loss(tmp_path: Path) -> None:
    """Nothing is judged on CPUs unless the profile asks for it, so a slow rank trains too."""
    plain = _config(tmp_path / "plain", workers=2, ratio=None)
    checked = _config(tmp_path / "checked", workers=2, ratio=None)
    run_ranks([Run(plain)], ranks=2)
    assert _checked(tmp_path, checked, slow=_SLOW)["error"] is None
    assert _losses(checked) == _losses(plain)


def _losses(config: RunConfig) -> list[tuple[float, float]]:
    lines = Workspace(Path(config.workspace)).metrics(config.stage).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    losses = [(each["loss"], each["gradientNorm"]) for each in records if "loss" in each]
    assert losses
    return losses
