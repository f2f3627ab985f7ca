"""GPUs are looked at before the ranks' group is made, and a rank without one is named."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Never

import pytest
import ray.train
import torch
from support.tiny_job import pretrain_config

from llmtrain_api.exit_codes import OUTCOME_PREFIX, ExitCode, Outcome
from llmtrain_api.names import NODE_VARIABLE
from llmtrain_trainer.errors import UnfitNodeError
from llmtrain_trainer.launch import process_group, ray_train, torchrun
from llmtrain_trainer.launch.process_group import ProcessGroupConfig
from llmtrain_trainer.preflight.gpus import fault_of_gpu


@pytest.fixture(autouse=True)
def node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_VARIABLE, "node-7")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)


def test_a_gpu_that_is_not_there_is_told_from_one_that_does_not_compute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for missing in (torch.device("cpu"), torch.device("cuda", 1)):
        fault = fault_of_gpu(3, missing)
        assert fault is not None
        assert fault.startswith("rank 3 on node node-7 does not see its GPU (1 are visible there)")

    def broken(*_: object, **__: object) -> Never:
        raise RuntimeError("CUDA error: uncorrectable ECC error\nencountered")

    monkeypatch.setattr(torch, "ones", broken)
    fault = fault_of_gpu(3, torch.device("cuda", 0))
    assert fault is not None
    assert fault.startswith(
        "rank 3 on node node-7 cannot compute on its GPU 0: CUDA error: uncorrectable ECC error"
    )
    monkeypatch.setattr(torch, "ones", lambda *_, **__: torch.zeros(1))
    assert fault_of_gpu(3, torch.device("cuda", 0)) is None


class _Group:
    """Stands in for Ray Train's worker group: three ranks in this process, one without a GPU."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def execute(self, function: Callable[[], str | None]) -> list[str | None]:
        return [self._in_rank(rank, function) for rank in range(3)]

    def _in_rank(self, rank: int, function: Callable[[], str | None]) -> str | None:
        context = SimpleNamespace(get_world_rank=lambda: rank)
        device = torch.device("cuda", 0) if rank != 1 else torch.device("cpu")
        self._patch.setattr(ray.train, "get_context", lambda: context)
        self._patch.setattr(process_group, "get_device", lambda: device)
        self._patch.setattr(torch, "ones", lambda *_, **__: torch.zeros(1))
        return function()


@pytest.mark.parametrize("on_one_machine", [True, False])
def test_ray_train_makes_no_group_with_a_rank_that_lacks_its_gpu(
    monkeypatch: pytest.MonkeyPatch, *, on_one_machine: bool
) -> None:
    config = ProcessGroupConfig(backend="nccl", on_one_machine=on_one_machine)
    with pytest.raises(UnfitNodeError) as caught:
        config.backend_cls().on_start(_Group(monkeypatch), config)
    assert caught.value.message.count("rank ") == 1
    assert caught.value.message.startswith("rank 1 on node node-7 does not see its GPU")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Ray's own
def test_ray_trains_error_is_the_stages_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfit, bug = UnfitNodeError("rank 1 on node b"), KeyError("a bug")
    first = pretrain_config(tmp_path).model_dump_json()
    for inner in (unfit, bug):
        error = ray.train.ControllerError(inner)

        def fit(_: object, error: Exception = error) -> Never:
            raise error

        monkeypatch.setattr(ray_train.RankTrainer, "fit", fit)
        assert ray_train.fit_ranks(first, keeper=None) is (unfit if inner is unfit else error)


def test_torchrun_makes_no_group_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = pretrain_config(tmp_path)
    path = tmp_path / "run.json"
    path.write_text(config.replace(workers=config.workers.replace(gpus=1)).model_dump_json())
    monkeypatch.setenv("RANK", "9")
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setattr("sys.argv", ["torchrun", str(path)])
    assert torchrun.main() == ExitCode.INFRASTRUCTURE
    line = capsys.readouterr().err.splitlines()[-1]
    outcome = Outcome.model_validate(json.loads(line.removeprefix(OUTCOME_PREFIX)))
    assert outcome.reason == "UnfitNode"
    assert outcome.message.startswith("rank 9 on node node-7 does not see its GPU")
