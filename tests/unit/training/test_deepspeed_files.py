"""What may stand in a file of DeepSpeed's, whichever Python wrote it."""

import os
import pickle
from pathlib import Path

import pytest
import torch

Reduced = tuple[object, tuple[object, ...]]


@pytest.fixture(autouse=True)
def _rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module's rule holds for a whole process; here it ends with the test."""
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    import llmtrain_trainer.training.deepspeed_files  # noqa: F401 - sets the rule

    assert os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] == "1"


class _Pickled:
    """An object that is pickled as a call of `getattr`."""

    def __init__(self, owner: object, name: str) -> None:
        self._owner, self._name = owner, name

    def __reduce__(self) -> Reduced:
        return getattr, (self._owner, self._name)


def test_python_3_11_2_writes_a_stage_of_zero_as_an_attribute(tmp_path: Path) -> None:
    from deepspeed.runtime.zero.config import ZeroStageEnum

    path = tmp_path / "optim_states.pt"
    torch.save({"zero_stage": _Pickled(ZeroStageEnum, "gradients")}, path)
    assert torch.load(path, weights_only=False) == {"zero_stage": ZeroStageEnum.gradients}


@pytest.mark.parametrize("name", ["__class__", "__init__", "mro", "no_stage"])
def test_no_other_attribute_is_read(tmp_path: Path, name: str) -> None:
    from deepspeed.runtime.fp16.loss_scaler import LossScaler
    from deepspeed.runtime.zero.config import ZeroStageEnum

    path = tmp_path / "optim_states.pt"
    for owner in (ZeroStageEnum, LossScaler):
        torch.save({"zero_stage": _Pickled(owner, name)}, path)
        with pytest.raises(pickle.UnpicklingError, match="getattr"):
            torch.load(path, weights_only=False)
