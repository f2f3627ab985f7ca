"""The logged factor is what clipping does to a gradient."""

import pytest
import torch

from llmtrain_trainer.training.loop import _clip_factor


@pytest.mark.parametrize("norm", [0.25, 1.0, 1.5, 40.0])
@pytest.mark.parametrize("clip", [0.5, 1.0])
def test_the_factor_is_what_torch_scales_by(norm: float, clip: float) -> None:
    parameter = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    parameter.grad = torch.full_like(parameter, norm / 2)
    before = parameter.grad.norm().item()
    torch.nn.utils.clip_grad_norm_([parameter], clip)
    assert _clip_factor(norm, clip) == pytest.approx(parameter.grad.norm().item() / before)


def test_a_clip_of_0_clips_nothing() -> None:
    assert _clip_factor(40.0, 0.0) == 1
